#!/usr/bin/env bash
# The normaliser against sea-g2p (PyPI; its core is in Rust too) on the same lines in the same run; whether its time grows with
# the length of a text and no faster; whether its memory grows at all.
#
# sea-g2p is measured line by line and as one batch, which takes all cores; the faster of the two counts, while ours takes one
# core. SECONDS_EACH=n sets how long each is watched (3 by default).
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/install.sh

text=controller/speech/examples/bulletin.txt
venv=${CARGO_TARGET_DIR:-target}/bench-normalize-venv
version=0.10.0

install_peer() {
  "$venv/bin/python" -c 'import sea_g2p' 2> /dev/null && return
  need_packages python3:python3-venv
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "sea-g2p==$version"
}

peer() {
  "$venv/bin/python" - "$text" "${SECONDS_EACH:-3}" <<'PY'
import sys
import time

from sea_g2p import Normalizer

lines = [line for line in open(sys.argv[1], encoding="utf-8").read().split("\n") if line.strip()]
chars = sum(map(len, lines))
seconds = float(sys.argv[2])
normalizer = Normalizer()


def speed(work):
    work()
    best = 0.0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        begun = time.perf_counter()
        work()
        best = max(best, chars / (time.perf_counter() - begun))
    return best


by_line = speed(lambda: [normalizer.normalize(line) for line in lines])
batch = speed(lambda: normalizer.normalize(lines * 4)) * 4
print(f"by_line {by_line:.0f}\nbatch {batch:.0f}")
PY
}

say "building"
cargo build --release --quiet -p loa-speech --example normalize
ours=${CARGO_TARGET_DIR:-target}/release/examples/normalize
say "installing sea-g2p $version"
install_peer
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
say "measuring"
"$ours" time "$text" > "$folder/ours"
peer > "$folder/peer"

value() { awk -v key="$2" '$1 == key { print $2 }' "$folder/$1"; }
met() { awk -v a="$1" -v b="$3" "BEGIN { print (a $2 b) ? \"true\" : \"false\" }"; }
ours_cps=$(value ours chars_per_s)
by_line=$(value peer by_line)
batch=$(value peer batch)
ratio=$(awk -v a="$ours_cps" -v b="$by_line" -v c="$batch" 'BEGIN { printf "%.1f", a / (b > c ? b : c) }')
growth=$(value ours growth)
grown=$(value ours grown_kib)

printf '%-30s %16s\n' 'normaliser' 'characters a s'
printf '%-30s %16s\n' 'loa-speech, one core' "$ours_cps"
printf '%-30s %16s\n' "sea-g2p $version, line by line" "$by_line"
printf '%-30s %16s\n' "sea-g2p $version, batch" "$batch"
printf 'ratio to the faster: %s (goal: at least 10)\n' "$ratio"
printf 'ns a character: %s once, %s in 64 times the text: ratio %s (goal: at most 1.25)\n' \
  "$(value ours ns_per_char)" "$(value ours ns_per_char_long)" "$growth"
printf 'memory after 64 times the lines: %s KiB more (goal: at most 256)\n' "$grown"
printf '{"bench":"normalize","goals":[{"name":"speed against sea-g2p","value":%s,"unit":"ratio","goal":">= 10","met":%s},' \
  "$ratio" "$(met "$ratio" '>=' 10)"
printf '{"name":"time a character in 64 times the text","value":%s,"unit":"ratio","goal":"<= 1.25","met":%s},' \
  "$growth" "$(met "$growth" '<=' 1.25)"
printf '{"name":"memory after 64 times the lines","value":%s,"unit":"KiB","goal":"<= 256","met":%s}]}\n' \
  "$grown" "$(met "$grown" '<=' 256)"
