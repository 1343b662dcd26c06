#!/usr/bin/env bash
# How much of what is said comes through a horn in noise, before and after mastering, by STOI and ESTOI (pystoi, PyPI): the speech
# of audio-samples and each paragraph of a bulletin, in pink noise, other voices and wind. What is simulated and what is held
# equal is told at the top of intelligibility.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/install.sh

venv=${CARGO_TARGET_DIR:-target}/bench-intelligibility-venv
version=0.4.1

install_meter() {
  "$venv/bin/python" -c 'import pystoi' 2> /dev/null && return
  need_packages python3:python3-venv
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "pystoi==$version"
}

say "building"
cargo build --release --quiet -p loa-speech --example before_after
say "installing pystoi $version"
install_meter
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
say "mastering"
recordings=$(find audio-samples -type f ! -name '*.toml' | sort)
# shellcheck disable=SC2086
"${CARGO_TARGET_DIR:-target}/release/examples/before_after" "$folder" controller/speech/examples/bulletin.txt $recordings
say "measuring"
"$venv/bin/python" scripts/bench.d/intelligibility.py "$folder"
