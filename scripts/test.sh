#!/usr/bin/env bash
# Runs every test: prepares the machine where it may, then the checks, the tests as the user who called, and the
# conformance suite once more as an ordinary user where that user is root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n== %s\n' "$*" >&2; }

say "Preparing the machine"
bash scripts/setup-test-machine.sh
bash scripts/setup-runtimes.sh
bash scripts/setup-agents.sh

say "Types, lint, imports"
npm run --silent check

say "Build"
npm run --silent build

say "Tests"
npx vitest run "$@"

# Node's HTTP differs from version to version, and what is relayed with it is decided by its details.
say "Egress on the newest Node"
[ "$#" -gt 0 ] || .cache/runtimes/node_modules/.bin/node node_modules/vitest/vitest.mjs run test/egress --exclude '**/steady.test.ts'

if [ "$(id -u)" -eq 0 ] && [ "$#" -eq 0 ]; then
  say "Conformance as an ordinary user"
  bash scripts/test-as-user.sh
fi

say "Cases that ran in each place"
node scripts/conformance-summary.mjs
