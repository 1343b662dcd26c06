#!/usr/bin/env bash
# scripts/fuzz.sh [TARGET|all] [SECONDS] — looks for bytes that break a decoder (fuzz/src/lib.rs lists the targets).
# Prints one line a target; exits non-zero when something broke, with the bytes that did it in fuzz/artifacts/TARGET.
# It works on stable Rust: coverage is by the compiler's own passes, and without sanitizers (there is no unsafe code).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/install.sh

install_base
need_command_of_cargo cargo-fuzz 0.13.2

# shellcheck disable=SC2207
targets=($(sed -n 's|^path = "fuzz_targets/\(.*\)\.rs"$|\1|p' fuzz/Cargo.toml))
wanted=${1:-all}
seconds=${2:-60}
if [ "$wanted" != all ]; then
  case " ${targets[*]} " in
    *" $wanted "*) targets=("$wanted") ;;
    *) echo "usage: scripts/fuzz.sh [all|$(IFS='|'; echo "${targets[*]}")] [SECONDS]" >&2; exit 2 ;;
  esac
fi

# Whole-program optimisation and stripping are for the product; here they cost minutes and the names of functions.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_STRIP=none CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
export CARGO_PROFILE_RELEASE_DEBUG=line-tables-only
flags=(--sanitizer none --features libfuzzer --strip-dead-code=true)

say "building"
cargo build --quiet --locked -p loa-fuzz --example seeds
for target in "${targets[@]}"; do cargo fuzz build "${flags[@]}" "$target"; done

broken=()
printf '%-12s %12s %10s %8s %8s  %s\n' target executions per_s coverage corpus result
for target in "${targets[@]}"; do
  target/debug/examples/seeds "$target" "fuzz/corpus/$target"
  log=fuzz/corpus/$target.log
  result=ok
  # A sound file is long and slow to read, a text is made long by its target; everything else fits in a message. -timeout is what one input may take.
  case $target in recording | node_sound) longest=65536 ;; text) longest=2048 ;; *) longest=8192 ;; esac
  cargo fuzz run "${flags[@]}" "$target" -- -max_total_time="$seconds" -max_len="$longest" -timeout=10 \
    -dict="fuzz/corpus/$target.dict" -rss_limit_mb=1024 -print_final_stats=1 >"$log" 2>&1 || { result="BROKEN, see $log"; broken+=("$target"); }
  stat() { sed -n "s/^stat::$1: *//p" "$log" | tail -1; }
  last=$(grep -aE ' cov: [0-9]+' "$log" | tail -1)
  number() { sed -n "s/.* $1: \([0-9]*\).*/\1/p" <<<"$last"; }
  printf '%-12s %12s %10s %8s %8s  %s\n' "$target" "$(stat number_of_executed_units)" \
    "$(stat average_exec_per_sec)" "$(number cov)" "$(number corp)" "$result"
done
[ ${#broken[@]} -eq 0 ] || { echo "broken: ${broken[*]}" >&2; exit 1; }
