#!/usr/bin/env bash
# The storm of loa-firmware-sim in a release build: how long 1,000 nodes take for 30 days of every kind of trouble, and how many
# seeds of 20 nodes and 3 days break a rule. docs/simulator.md says what the rules are.
#
# SEEDS=n sets how many seeds (40 by default, a few minutes; 10000 is the whole figure, and takes up to an hour).
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/install.sh

seeds=${SEEDS:-40}
say "building"
cargo build --release --quiet -p loa-firmware-sim --bin loa-firmware-sim
storm=${CARGO_TARGET_DIR:-target}/release/loa-firmware-sim
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Runs a storm; prints what it says, and `seconds status` at the end.
timed() {
  local begun status=0
  begun=$(date +%s.%N)
  "$storm" storm "$@" > "$folder/out" 2>&1 || status=$?
  tail -n 3 "$folder/out" >&2
  awk -v a="$begun" -v b="$(date +%s.%N)" -v s="$status" 'BEGIN { printf "%.1f %d\n", b - a, s }'
}

say "1,000 nodes, 30 days"
read -r fleet_s fleet_status <<< "$(timed --seed 1 --nodes 1000 --days 30 --no-shrink --events 20)"
say "$seeds seeds of 20 nodes and 3 days"
read -r seeds_s seeds_status <<< "$(timed --seed 1 --seeds "$seeds" --nodes 20 --days 3 --events 20)"
hour=$(awk -v s="$seeds_s" -v n="$seeds" 'BEGIN { printf "%.0f", n * 3600 / s }')

met() { awk -v a="$1" -v b="$3" "BEGIN { print (a $2 b) ? \"true\" : \"false\" }"; }
printf '%-44s %10s s (goal: at most 60)%s\n' '1,000 nodes x 30 days, full faults' "$fleet_s" \
  "$([ "$fleet_status" = 0 ] || echo '; a rule was broken')"
printf '%-44s %10s s, %s an hour (goal: at least 10,000 an hour, none failing)%s\n' "$seeds seeds of 20 nodes x 3 days" \
  "$seeds_s" "$hour" "$([ "$seeds_status" = 0 ] || echo '; a rule was broken')"
printf '{"bench":"sim","seeds_run":%s,"goals":[{"name":"1000 nodes x 30 days","value":%s,"unit":"s","goal":"<= 60","met":%s},' \
  "$seeds" "$fleet_s" "$([ "$fleet_status" = 0 ] && met "$fleet_s" '<=' 60 || echo false)"
printf '{"name":"seeds of 20 nodes x 3 days an hour","value":%s,"unit":"1/h","goal":">= 10000","met":%s},' \
  "$hour" "$([ "$seeds_status" = 0 ] && met "$hour" '>=' 10000 || echo false)"
printf '{"name":"runs that break a rule","value":%s,"unit":"","goal":"<= 0","met":%s}]}\n' \
  "$((fleet_status + seeds_status))" "$(met "$((fleet_status + seeds_status))" '<=' 0)"
