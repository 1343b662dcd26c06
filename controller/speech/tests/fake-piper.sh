#!/bin/sh
# Piper as far as its command line goes: tells what it was asked on standard error, and writes the sample as WAV.
echo "$@" > "$(dirname "$2")/asked"
cat > "$(dirname "$2")/text"
[ "$3 $4" = "--output_file -" ] || exit 2
exec cat "$(dirname "$0")/../../../audio-samples/phrase.wav"
