#!/usr/bin/env bash
# How long a province is without its broker when that dies with all that it kept, and an empty one takes its place: Debian's Mosquitto
# with the files of deploy/.
#
# NODES=a,b,... sets the sizes (1000,2000,5000,10000 by default); AWAY_S=a,b,... how long there is no broker (2,60).
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/install.sh

build_pages
say "building"
cargo build --release --quiet -p loa-firmware-sim -p loa-tests --bins
say "measuring"
"${CARGO_TARGET_DIR:-target}/release/loa-bench" failover --nodes "${NODES:-1000,2000,5000,10000}" --away-s "${AWAY_S:-2,60}"
