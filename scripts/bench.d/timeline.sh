#!/usr/bin/env bash
# All starts of 500 items in 366 days, by the rules of the timeline: zone, holidays, validity. Beside it in the same run: the
# crate `cron` on the same patterns, without zone and holidays. And what one step of a node's agenda costs: the next start of
# the one item whose turn came, however many there are.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/install.sh

say "building"
cargo build --release --quiet -p loa-protocol --example expand_timeline
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
say "measuring"
"${CARGO_TARGET_DIR:-target}/release/examples/expand_timeline" > "$folder/figures"

value() { awk -v key="$1" '$1 == key { print $2 }' "$folder/figures"; }
met() { awk -v a="$1" -v b="$3" "BEGIN { print (a $2 b) ? \"true\" : \"false\" }"; }
vietnam=$(value expand_ms_Asia_Ho_Chi_Minh)
berlin=$(value expand_ms_Europe_Berlin)
step=$(value step_ns_Europe_Berlin)

printf '%-44s %12s\n' '500 items x 366 days' 'ms'
printf '%-44s %12s   (%s starts; goal: at most 20)\n' 'Asia/Ho_Chi_Minh' "$vietnam" "$(value starts_Asia_Ho_Chi_Minh)"
printf '%-44s %12s   (clocks change twice; goal: at most 20)\n' 'Europe/Berlin' "$berlin"
printf '%-44s %12s\n' 'crate cron, no zone, no holidays' "$(value crate_ms)"
printf 'one step of an agenda: %s ns in Vietnam, %s ns in Berlin (goal: at most 20000)\n' "$(value step_ns_Asia_Ho_Chi_Minh)" "$step"
printf '{"bench":"timeline","goals":[{"name":"500 items x 366 days","value":%s,"unit":"ms","goal":"<= 20","met":%s},' \
  "$vietnam" "$(met "$vietnam" '<=' 20)"
printf '{"name":"the same where clocks change","value":%s,"unit":"ms","goal":"<= 20","met":%s},' "$berlin" "$(met "$berlin" '<=' 20)"
printf '{"name":"one step of an agenda","value":%s,"unit":"ns","goal":"<= 20000","met":%s}]}\n' "$step" "$(met "$step" '<=' 20000)"
