#!/usr/bin/env bash
# Builds the warden's libFuzzer targets with the sanitizers and runs each for a number of inputs.
# Usage: scripts/fuzz.sh [RUNS]     (default 200000 for each target)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly runs=${1:-200000} native=src/warden/native
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fuzz() {
  local target=$1
  shift
  clang -std=gnu17 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -I "$native" \
    -o "$work/$target" "test/warden/native/$target.c" "$@"
  mkdir "$work/$target.corpus"
  if ! "$work/$target" -runs="$runs" -max_len=4096 -verbosity=0 -print_final_stats=1 -artifact_prefix="$work/" \
    "$work/$target.corpus" >"$work/$target.log" 2>&1; then
    tail -n 60 "$work/$target.log" >&2
    echo "$target: failed" >&2
    exit 1
  fi
  grep 'number_of_executed_units' "$work/$target.log"
  echo "$target: passed"
}

fuzz fuzz_frames "$native"/{frames,bytes,die}.c
fuzz fuzz_dns "$native"/dns_message.c
fuzz fuzz_stat "$native"/{processes,die}.c
fuzz fuzz_tables "$native"/{glob,glob_rename,tables,path_rulings,program_rulings,bytes,die}.c
