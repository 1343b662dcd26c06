#!/usr/bin/env bash
# How fast receipts get from nodes into the database: 10,000 nodes send a signed batch of 20 at one moment, over mutual TLS.
# Beside it in the same run: the same clients and messages at the broker alone.
#
# NODES=a,b,... sets the sizes (1000,2000,5000,10000 by default), DATABASES=sqlite,postgres where the rows go.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/install.sh

install_postgres
build_pages
say "building"
cargo build --release --quiet -p loa-controller -p loa-tests --bins
say "measuring"
"${CARGO_TARGET_DIR:-target}/release/loa-bench" ingest --nodes "${NODES:-1000,2000,5000,10000}" \
  --databases "${DATABASES:-sqlite,postgres}"
