#!/usr/bin/env bash
# What the controller takes while all nodes are connected and nothing happens but their health each minute; and what it takes to
# enter, connect and simulate them.
#
# NODES=a,b,... sets the sizes (1000,2000,5000,10000 by default); SECONDS_EACH=n how long each is watched (60).
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/install.sh

build_pages
say "building"
cargo build --release --quiet -p loa-controller -p loa-firmware-sim -p loa-tests --bins
say "measuring"
"${CARGO_TARGET_DIR:-target}/release/loa-bench" idle --nodes "${NODES:-1000,2000,5000,10000}" --seconds "${SECONDS_EACH:-60}"
