#!/usr/bin/env bash
# A five-minute bulletin, from text to the object that is sent, against `espeak-ng | opusenc` on the same text at the
# same pace in the same run. Ours also normalises, masters, and measures what it has coded. Then one sentence of it is
# edited, another one in each run, and the object is made again with what was remembered of the first time.
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

ours() { "$say" "$1" "$folder/$2.opus" "$pace" "$folder/cache" > "$folder/$2.txt"; }
peer() { espeak-ng -v vi -s "$pace" -f "$text" --stdout | opusenc --quiet - "$folder/peer.opus"; }
# Puts another word in front of the n-th full stop that ends a line.
edit() { awk -v n="$1" '/\.$/ && ++lines == n { sub(/\.$/, " nhé.") } { print }' "$text" > "$folder/edited-text"; }

# Once for the page cache; then by turns, so that a busy minute hits all.
ours "$text" first && peer
for run in $(seq "$runs"); do
  rm -rf "$folder/cache"
  edit "$run"
  cmp -s "$text" "$folder/edited-text" && { echo "nothing was edited" >&2; exit 1; }
  t0=$(now_ms); ours "$text" first
  t1=$(now_ms); ours "$folder/edited-text" edited
  t2=$(now_ms); peer
  t3=$(now_ms)
  echo $((t1 - t0)) >> "$folder/first.ms"
  echo $((t2 - t1)) >> "$folder/edited.ms"
  echo $((t3 - t2)) >> "$folder/peer.ms"
done

first_ms=$(median < "$folder/first.ms")
edited_ms=$(median < "$folder/edited.ms")
peer_ms=$(median < "$folder/peer.ms")
ratio=$(awk -v a="$first_ms" -v b="$peer_ms" 'BEGIN { printf "%.2f", a / b }')
again=$(awk -v a="$edited_ms" -v b="$first_ms" 'BEGIN { printf "%.3f", a / b }')
met() { awk -v r="$1" -v most="$2" 'BEGIN { print (r <= most) ? "true" : "false" }'; }
size() { wc -c < "$1"; }
row() { printf '%-26s %10s %12s   %s\n' "$1" "$2" "$(size "$folder/$3.opus")" "$(tr '\n' ' ' < "$folder/$3.ms")"; }

printf '%-26s %10s %12s   %s\n' 'text to object' 'median ms' 'bytes' "of $runs runs (ms)"
row 'loa-speech, first time' "$first_ms" first
row 'loa-speech, one edit' "$edited_ms" edited
row 'espeak-ng | opusenc' "$peer_ms" peer
printf 'first: %s\nedited: %s\n' "$(cat "$folder/first.txt")" "$(cat "$folder/edited.txt")"
printf 'first time against the peer: %s (goal: at most 1.2)\nedit against the first time: %s (goal: at most 0.15)\n' \
  "$ratio" "$again"
printf '{"bench":"speech","goals":[{"name":"text to object against espeak-ng | opusenc","value":%s,"unit":"ratio","goal":"<= 1.2","met":%s},' \
  "$ratio" "$(met "$ratio" 1.2)"
printf '{"name":"one sentence edited, against the first time","value":%s,"unit":"ratio","goal":"<= 0.15","met":%s}]}\n' \
  "$again" "$(met "$again" 0.15)"
