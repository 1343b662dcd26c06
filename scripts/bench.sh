#!/usr/bin/env bash
# scripts/bench.sh NAME — runs one benchmark: a readable table, and last one line of JSON with the goals.
# It exits 0 when it could measure, whether the goals were met or not.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/install.sh

names() { for f in scripts/bench.d/*.sh; do basename "$f" .sh; done; }
name=${1:-}
if [ ! -f "scripts/bench.d/$name.sh" ]; then
  echo "usage: scripts/bench.sh NAME; there are: $(names | tr '\n' ' ')" >&2
  exit 2
fi
shift
install_base
exec bash "scripts/bench.d/$name.sh" "$@"
