#!/usr/bin/env bash
# Installs the JavaScript runtimes that Cofferdam is tested on beside this one, from npm, into .cache/runtimes: Node 24,
# Deno and Bun. They are not development dependencies, for `npm run` would then find their `node` first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly prefix=.cache/runtimes
mkdir -p "$prefix"
exec 9>"$prefix.lock"
flock 9
if [ -x "$prefix/node_modules/.bin/deno" ] && "$prefix/node_modules/.bin/deno" --version >/dev/null 2>&1 &&
  "$prefix/node_modules/.bin/bun" --version >/dev/null 2>&1 && "$prefix/node_modules/.bin/node" --version >/dev/null 2>&1; then
  exit 0
fi
echo "setup-runtimes: installing Node 24, Deno and Bun from npm" >&2
[ -f "$prefix/package.json" ] || printf '{ "private": true }\n' >"$prefix/package.json"
# Their install scripts only put the right binary in place; newer npm versions run none without being told.
npm install --prefix "$prefix" --no-audit --no-fund --ignore-scripts=false --loglevel=error node@24 deno@2 bun@1 >&2
for runtime in node deno bun; do
  "$prefix/node_modules/.bin/$runtime" --version >/dev/null ||
    { echo "setup-runtimes: $runtime was installed but does not run" >&2; exit 1; }
done
