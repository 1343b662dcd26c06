#!/usr/bin/env bash
# How far from plan the first sample of a cached item is heard: loa-node through ALSA into a recorder that knows the instant of
# every frame. Beside it in the same run: by how much the machine wakes a program late, which a player without frames would add.
#
# STARTS=n sets how many starts (200 by default, about 18 minutes).
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/install.sh

need_packages /usr/sbin/mosquitto:mosquitto
build_pages
say "building"
cargo build --release --quiet -p loa-firmware-sim -p loa-tests --bins
# The node as a board is given it.
cargo build --profile board --quiet -p loa-node --bins

# The measuring program looks for the others beside itself.
target=${CARGO_TARGET_DIR:-target}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp "$target"/release/{loa-bench,loa-firmware-sim} "$target/board/loa-node" "$folder/"
say "measuring"
"$folder/loa-bench" start --starts "${STARTS:-200}"
