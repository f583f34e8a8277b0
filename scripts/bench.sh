#!/usr/bin/env bash
# Prepares what the benchmarks compare with, runs them, and prints one table. They only report: nothing fails for being slow.
# Usage: scripts/bench.sh [--quick] [--json] [--only=create,exec,...]
# What this machine does not allow is left out, and named. Everything but the report goes to the error output.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly bench_dir=.cache/bench
readonly sandbox_runtime=@anthropic-ai/sandbox-runtime@0.0.83
# Each package with its program. sandbox-runtime needs all three; the warden and the open bench are built with gcc.
readonly needed=("bubblewrap bwrap" "socat socat" "ripgrep rg" "gcc cc" "libc6-dev /usr/lib/*/libc.a")

say() { printf 'bench: %s\n' "$*" >&2; }

main() {
  install_packages
  # An engine, or images, that cannot be had leave Docker out of the comparison.
  prepare_docker >&2 || say "going on without Docker"
  bash scripts/setup-runtimes.sh >&2
  install_sandbox_runtime || say "going on without sandbox-runtime"
  export COFFERDAM_BENCH_LABEL="cofferdam.bench=$$"
  trap remove_containers EXIT
  # Node 24, because sandbox-runtime needs it: all contestants are started by the same one.
  .cache/runtimes/node_modules/.bin/node --expose-gc --import tsx scripts/bench/main.ts "$@"
}

prepare_docker() { bash scripts/setup-docker.sh && bash scripts/build-test-images.sh; }

install_packages() {
  local missing=() entry
  for entry in "${needed[@]}"; do
    is_there "${entry#* }" || missing+=("${entry%% *}")
  done
  ((${#missing[@]} > 0)) || return 0
  if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
    say "missing, and only installed by root from Debian's packages: ${missing[*]}"
    return 0
  fi
  say "installing ${missing[*]}"
  {
    flock 8 # apt-get update does not wait for another one by itself
    apt-get --quiet=2 update &&
      DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get --quiet=2 --yes --no-install-recommends \
        -o DPkg::Lock::Timeout=120 install "${missing[@]}"
  } 8>/run/cofferdam-apt.lock >&2 || say "apt-get could not install ${missing[*]}: see its messages above"
}

is_there() { # COMMAND or PATTERN of a path
  [[ $1 == /* ]] || { command -v "$1" >/dev/null; return; }
  compgen -G "$1" >/dev/null
}

install_sandbox_runtime() {
  mkdir -p "$bench_dir"
  (
    flock 9
    # The name of the package without its version, and the version that is there.
    local installed=$bench_dir/node_modules/${sandbox_runtime%@*}/package.json
    grep -qs "\"version\": \"${sandbox_runtime##*@}\"" "$installed" && exit 0
    say "installing $sandbox_runtime from npm"
    [[ -f $bench_dir/package.json ]] || printf '{ "private": true }\n' >"$bench_dir/package.json"
    npm install --prefix "$bench_dir" --no-audit --no-fund --loglevel=error "$sandbox_runtime" >&2
  ) 9>"$bench_dir.lock"
}

# What an interrupted run left; sandboxes end with the process that made them.
remove_containers() {
  local left
  left=$(docker ps --all --quiet --filter "label=$COFFERDAM_BENCH_LABEL" 2>/dev/null) || return 0
  # shellcheck disable=SC2086 # one word for each container
  [[ -z $left ]] || docker rm --force --volumes $left >/dev/null
}

main "$@"
