#!/usr/bin/env bash
# Prepares a machine for the tests: the Debian packages they use, a Docker engine, and the images they run in.
# What it may not install (not root, not Debian) it names, and goes on: the tests that need it will say so too.
# Exit status: 0 done as far as this machine allows, 1 an installation, the engine or a build failed, 2 usage.
set -euo pipefail

# Each package with a file that shows that it is there, however it got there.
# The warden is built with gcc and fuzzed with clang; bubblewrap is what the benchmarks compare with.
readonly needed=(
  "bubblewrap bwrap"
  "gcc gcc"
  "libc6-dev /usr/lib/*/libc.a"
  "clang clang"
  "libclang-rt-dev /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a"
  "git git"
  "python3 python3"
  "python3-venv /usr/lib/python3*/ensurepip/__init__.py"
  "make make"
  "g++ g++"
  "tmux tmux"
  "zsh zsh"
  "fish fish"
  "procps ps"
  "util-linux setpriv"
  "bsdutils script"
  "curl curl"
  "wget wget"
  "redis-tools redis-cli"
  "python3-requests /usr/lib/python3/dist-packages/requests/__init__.py"
  "python3-httpx /usr/lib/python3/dist-packages/httpx/__init__.py"
)

say() { printf 'setup-test-machine: %s\n' "$*" >&2; }
fail() { say "$2"; exit "$1"; }

main() {
  [[ $* == "" || $* == --no-docker ]] || fail 2 "usage: setup-test-machine.sh [--no-docker]"
  install_packages
  [[ $* == --no-docker ]] || prepare_docker
}

install_packages() {
  local missing=() entry
  for entry in "${needed[@]}"; do
    is_there "${entry#* }" || missing+=("${entry%% *}")
  done
  if ((${#missing[@]} == 0)); then
    say "all packages that the tests use are there"
  elif ((EUID != 0)) || ! is_debian; then
    say "missing, and only installed by root on Debian and its relatives: ${missing[*]}"
  else
    apt_install "${missing[@]}"
  fi
}

is_there() { # COMMAND or PATTERN of a path
  [[ $1 == /* ]] || { command -v "$1" >/dev/null; return; }
  compgen -G "$1" >/dev/null
}

is_debian() {
  command -v apt-get >/dev/null && grep -Eqs '^ID(_LIKE)?=.*\b(debian|ubuntu)\b' /etc/os-release
}

apt_install() {
  local output
  say "installing $*"
  output=$({
    flock 8 # apt-get update does not wait for another one by itself
    apt-get --quiet=2 update &&
      DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
        apt-get --quiet=2 --yes --no-install-recommends -o DPkg::Lock::Timeout=120 install "$@"
  } 8>/run/cofferdam-apt.lock 2>&1) || fail 1 "installing $* with apt-get failed: $output"
}

prepare_docker() {
  local here
  here=$(dirname "${BASH_SOURCE[0]}")
  # Without an engine there is nothing to build images in.
  if run_step "$here/setup-docker.sh"; then
    run_step "$here/build-test-images.sh" || true
  fi
}

# Status 3 means that only this machine's owner can help: the step has said how, and the rest is worth having.
run_step() { # SCRIPT
  local status=0
  bash "$1" || status=$?
  ((status == 0 || status == 3)) || fail 1 "$1 failed with status $status: see its message above"
  ((status == 0)) || say "going on without what ${1##*/} could not do"
  return "$status"
}

main "$@"
