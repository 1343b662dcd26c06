#!/usr/bin/env bash
# How soon the first sample of an emergency is heard on a node that plays something else, from the moment in which the signer
# hands its plan to the broker. Beside it in the same run: what the disk takes to keep one thing, and what ALSA holds back.
#
# EMERGENCIES=n sets how many (100 by default, about 8 minutes).
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
"$folder/loa-bench" preempt --emergencies "${EMERGENCIES:-100}"
