# Sourced by the other scripts: installs what a fresh Debian machine with Rust lacks, and nothing that is there.
# shellcheck shell=bash

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }

# need_packages COMMAND_OR_FILE:PACKAGE ... — a name with a slash is a file, any other a command.
need_packages() {
  local missing=() pair what
  for pair in "$@"; do
    what=${pair%%:*}
    case $what in
      */*) compgen -G "$what" >/dev/null || missing+=("${pair##*:}") ;;
      *) command -v "$what" >/dev/null || missing+=("${pair##*:}") ;;
    esac
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  say "installing ${missing[*]}"
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "as root, run: apt-get install ${missing[*]}" >&2; return 1; }
    sudo=(sudo)
  fi
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# What building and running need.
install_base() {
  command -v cargo >/dev/null || { echo "Rust is missing: see https://rustup.rs, then run this again." >&2; return 1; }
  need_packages cc:gcc c++:g++ make:make cmake:cmake pkg-config:pkg-config \
    '/usr/include/alsa/asoundlib.h:libasound2-dev' \
    espeak-ng:espeak-ng node:nodejs npm:npm
}

# What the tests need besides: a second broker, a sound tool chain and a browser to hold our own against; the second database,
# of which each test process starts a server of its own; and what sends signals, mounts small disks and reads units.
install_test() {
  install_postgres
  need_packages /bin/kill:procps mount:mount systemd-analyze:systemd /usr/sbin/mosquitto:mosquitto \
    sox:sox ffmpeg:ffmpeg opusenc:opus-tools chromium:chromium
}

# The programs of the second database; also for what is measured on it.
install_postgres() {
  need_packages '/usr/lib/postgresql/*/bin/initdb:postgresql'
}

# need_command_of_cargo COMMAND VERSION — a developer's tool of the same name on crates.io.
need_command_of_cargo() {
  command -v "$1" >/dev/null && return 0
  say "installing $1"
  cargo install --quiet --locked "$1@$2"
  PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
}

# npm_install FOLDER — npm's own record of what it installed tells whether the lock file has moved on.
npm_install() {
  local folder=$1
  if [ ! -e "$folder/node_modules/.package-lock.json" ] ||
    [ "$folder/package-lock.json" -nt "$folder/node_modules/.package-lock.json" ]; then
    say "npm packages of $folder"
    npm ci --prefix "$folder" --no-audit --no-fund --loglevel=error
  fi
}

# need_node MAJOR FOLDER — Debian 12 has Node 18; an npm project that needs a later one gets npm's copy of it in its folder.
need_node() {
  [ "$(node -p 'process.versions.node.split(".")[0]')" -ge "$1" ] && return 0
  say "Node $1 for $2"
  npm install --prefix "$2" --no-save --no-audit --no-fund --loglevel=error "node@$1"
}

# The pages' styles, scripts and fonts: bundled once, then part of the binary. What is as old as the last bundle is not
# bundled again: a fresh bundle makes the controller be built anew, which takes minutes.
build_pages() {
  npm_install controller/web
  local bundle=controller/web/dist/manifest.json
  if [ ! -e "$bundle" ] || [ -n "$(find controller/web controller/src/pages \( -path '*/node_modules/*' -o -path '*/dist' \) \
    ! -name .package-lock.json -prune -o -type f -newer "$bundle" -print -quit)" ]; then
    npm run --prefix controller/web --silent build
  fi
}
