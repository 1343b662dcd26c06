#!/usr/bin/env bash
# Installs what is missing, then checks formatting, lints, documentation, licences and runs all tests.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/install.sh

install_base
install_test
build_pages

say "formatting"
cargo fmt --all --check

say "lints"
cargo clippy --workspace --all-targets --locked -- -D warnings

say "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

say "licences, sources and bans"
need_command_of_cargo cargo-deny 0.20.2
cargo deny --locked check --hide-inclusion-graph bans licenses sources

say "tests"
# The binaries first: the stories in tests/ start them.
cargo build --locked --bins
cargo test --workspace --locked

say "tests of the controller on PostgreSQL"
# The program that ran above: for this package alone cargo would choose fewer features, and compile most dependencies again.
controller_tests=$(cargo test --workspace --locked --lib --no-run 2>&1 | sed -n 's/^ *Executable .*(\(.*loa_controller-[0-9a-f]*\))$/\1/p')
controller_tests=$(realpath "$controller_tests")
(cd controller && LOA_TEST_POSTGRES=1 "$controller_tests")

say "the pages in a real browser"
npm_install tests/browser
need_node 20 tests/browser
npm test --prefix tests/browser
