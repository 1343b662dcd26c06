#!/usr/bin/env bash
# What loa-node takes, idle and playing, connected to a real controller: memory, processor, size of the program. Beside it
# in the same run: mosquitto_sub, connected to the same broker, and ffplay, playing the same object.
#
# SECONDS_EACH=n sets how long each state is watched (30 by default).
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/install.sh

need_packages mosquitto_sub:mosquitto-clients ffplay:ffmpeg
build_pages
say "building"
cargo build --release --quiet -p loa-controller -p loa-firmware-sim -p loa-tests --bins
# The node as a board is given it.
cargo build --profile board --quiet -p loa-node --bins

# The measuring program looks for the others beside itself.
target=${CARGO_TARGET_DIR:-target}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp "$target"/release/{loa-bench,loa-controller,loa-firmware-sim} "$target/board/loa-node" "$folder/"
say "measuring"
"$folder/loa-bench" footprint --seconds "${SECONDS_EACH:-30}"
