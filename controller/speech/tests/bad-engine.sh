#!/bin/sh
# A speech engine that goes wrong in the way that the text asks for.
[ "$1" = --version ] && echo 'engine: 1.0 test' && exit 0
read -r text
case $text in
  fail*) echo 'no voice data' >&2; exit 3 ;;
  hang*) exec tail -f /dev/null ;;
  page*) echo '<html>' ;;
  half*) printf 'RIFF\0\0\0\0WAVEfmt ' ;;
  nothing*) ;;
  flood*) printf 'RIFF\0\0\0\0WAVE'; exec cat /dev/zero ;;
esac
