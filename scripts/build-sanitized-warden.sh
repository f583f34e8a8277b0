#!/usr/bin/env bash
# Builds a warden with the address and undefined-behaviour sanitizers at the path that is given, for COFFERDAM_WARDEN.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly target=${1:?usage: scripts/build-sanitized-warden.sh TARGET}
options=$(mktemp --suffix=.c)
trap 'rm -f "$options"' EXIT
# The warden starts without an environment, so its sanitizers are set up in the program. Leaks are looked for by ptrace,
# which a sandbox refuses. A large quarantine of freed memory makes each fork long. Exit code 77 makes a finding
# unmistakable; it is also written to the error output.
cat >"$options" <<'C'
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0:abort_on_error=0:exitcode=77:quarantine_size_mb=8"; }
const char *__ubsan_default_options(void) { return "halt_on_error=1:print_stacktrace=1:exitcode=77"; }
C
"${CC:-gcc}" -std=c17 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -static-libasan -static-libubsan \
  -Wall -Wextra -Werror -o "$target" src/warden/native/*.c "$options"
