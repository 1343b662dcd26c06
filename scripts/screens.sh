#!/usr/bin/env bash
# Takes the README's screenshots from the running product.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/install.sh

install_base
install_test
build_pages
npm_install tests/browser
cargo build --locked --bins
npm run --prefix tests/browser --silent screens
