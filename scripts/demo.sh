#!/usr/bin/env bash
# The whole product on this machine: one controller, three loudspeaker nodes, a real bulletin.
#   scripts/demo.sh               starts it and prints where to sign in
#   scripts/demo.sh --once        does it all without a person, prints what was heard, fails if a village heard nothing
#   scripts/demo.sh --text FILE   speaks that file
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/install.sh

install_base
build_pages
say "building"
cargo build --release --locked --bins
exec target/release/loa-demo "$@"
