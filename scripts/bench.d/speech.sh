#!/usr/bin/env bash
# A five-minute bulletin, from text to the object that is sent, against `espeak-ng | opusenc` on the same text at the
# same pace in the same run. Ours also normalises, masters, and measures what it has coded.
#
# RUNS=n sets the number of runs (5 by default); the medians are compared.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/install.sh

runs=${RUNS:-5}
pace=125
text=controller/speech/examples/bulletin.txt

now_ms() { date +%s%3N; }
median() { sort -n | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

need_packages espeak-ng:espeak-ng opusenc:opus-tools
cargo build --release --quiet -p loa-speech --example say
say=${CARGO_TARGET_DIR:-target}/release/examples/say
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

ours() { "$say" "$text" "$folder/ours.opus" "$pace" > "$folder/ours.txt"; }
peer() { espeak-ng -v vi -s "$pace" -f "$text" --stdout | opusenc --quiet - "$folder/peer.opus"; }

# Once for the page cache; then by turns, so that a busy minute hits both.
ours && peer
for run in $(seq "$runs"); do
  t0=$(now_ms); ours
  t1=$(now_ms); peer
  t2=$(now_ms)
  echo $((t1 - t0)) >> "$folder/ours.ms"
  echo $((t2 - t1)) >> "$folder/peer.ms"
done

ours_ms=$(median < "$folder/ours.ms")
peer_ms=$(median < "$folder/peer.ms")
ratio=$(awk -v a="$ours_ms" -v b="$peer_ms" 'BEGIN { printf "%.2f", a / b }')
met=$(awk -v r="$ratio" 'BEGIN { print (r <= 1.5) ? "true" : "false" }')
size() { wc -c < "$1"; }

printf '%-26s %10s %12s   %s\n' 'text to object' 'median ms' 'bytes' "of $runs runs (ms)"
printf '%-26s %10s %12s   %s\n' 'loa-speech' "$ours_ms" "$(size "$folder/ours.opus")" "$(tr '\n' ' ' < "$folder/ours.ms")"
printf '%-26s %10s %12s   %s\n' 'espeak-ng | opusenc' "$peer_ms" "$(size "$folder/peer.opus")" "$(tr '\n' ' ' < "$folder/peer.ms")"
printf 'ours: %s\nratio: %s (goal: at most 1.5)\n' "$(cat "$folder/ours.txt")" "$ratio"
printf '{"bench":"speech","goals":[{"name":"text to object against espeak-ng | opusenc","value":%s,"unit":"ratio","goal":"<= 1.5","met":%s}]}\n' \
  "$ratio" "$met"
