#!/usr/bin/env bash
# How long a change of the schedule takes for a whole province: from the click to the last signed plan on the broker. Beside it in
# the same run: the same messages, handed to the same broker by a client that compiles and signs nothing.
#
# AREAS=a,b,... and NODES=a,b,... set the sizes (50,100,250,500 and 1000,2000,5000,10000 by default).
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/install.sh

need_packages espeak-ng
build_pages
say "building"
cargo build --release --quiet -p loa-tests --bins
say "measuring"
"${CARGO_TARGET_DIR:-target}/release/loa-bench" plan --areas "${AREAS:-50,100,250,500}" --nodes "${NODES:-1000,2000,5000,10000}"
