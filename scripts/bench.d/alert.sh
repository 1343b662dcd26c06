#!/usr/bin/env bash
# How soon an emergency sounds everywhere: from the call that approves it to the first sample of 10,000 simulated nodes. Beside it in
# the same run: the same bytes through the broker alone to as many bare clients.
#
# NODES=a,b,... sets the sizes (1000,2000,5000,10000 by default); ROUNDS=n how many emergencies each (5); JOINS=n how many nodes switch on
# in a second (500). Each thread of the fleet verifies an emergency once for all of its nodes; amplifiers warm up at once.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/install.sh

need_packages espeak-ng
build_pages
say "building"
cargo build --release --quiet -p loa-controller -p loa-firmware-sim -p loa-tests --bins
say "measuring"
"${CARGO_TARGET_DIR:-target}/release/loa-bench" alert --nodes "${NODES:-1000,2000,5000,10000}" --rounds "${ROUNDS:-5}" \
  --joins-per-s "${JOINS:-500}"
