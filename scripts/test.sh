#!/usr/bin/env bash
# Runs every test: prepares the machine where it may, then the checks and the tests as the user who called. Where that is
# root, one of the tests runs the conformance suite once more as an ordinary user.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n== %s\n' "$*" >&2; }

# What is read needs nothing of the machine, and preparing the machine mostly waits: side by side.
checked=$(mktemp)
npm run --silent check >"$checked" 2>&1 &
check=$!
trap 'rm -f "$checked"; kill "$check" 2>/dev/null || true' EXIT

say "Preparing the machine"
bash scripts/setup-test-machine.sh
bash scripts/setup-runtimes.sh
bash scripts/setup-agents.sh

say "Types, lint, imports"
status=0
wait "$check" || status=$?
cat "$checked"
((status == 0)) || exit "$status"

say "Tests"
users=one
if [ "$(id -u)" -eq 0 ] && [ "$#" -eq 0 ]; then users=both; fi
# Called by itself the suite races for 20,000 tries: that alone takes minutes here.
COFFERDAM_TEST_USERS=$users COFFERDAM_TEST_RACES="${COFFERDAM_TEST_RACES:-5000}" npx vitest run "$@"

# Node's HTTP differs from version to version, and what is relayed with it is decided by its details.
say "Egress on the newest Node"
[ "$#" -gt 0 ] || .cache/runtimes/node_modules/.bin/node node_modules/vitest/vitest.mjs run test/egress --exclude '**/steady.test.ts'

say "Cases that ran in each place"
node scripts/conformance-summary.mjs
