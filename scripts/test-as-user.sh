#!/usr/bin/env bash
# Runs the conformance suite on the local runtime as an ordinary user: no group, capability or variable of root's left.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly USER_ID=64123
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
chown "$USER_ID:$USER_ID" "$home"
chmod 0700 "$home"

as_user() {
  setpriv --reuid "$USER_ID" --regid "$USER_ID" --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs \
    env -i HOME="$home" TMPDIR="$home" PATH="$PATH" CI="${CI:-}" COFFERDAM_TEST_PLACES=local-user \
    COFFERDAM_CONFORMANCE_REPORT="$PWD/.cache/conformance" "$@"
}

tree=$PWD
mkdir -p .cache/conformance
chmod 0777 .cache/conformance
if ! as_user test -r "$tree/package.json" -a -r "$tree/node_modules/vitest/package.json"; then
  # The project lies in a folder that only root may enter: the user gets a copy.
  tree=$home/project
  mkdir "$tree"
  tar -c --exclude=.git --exclude=.cache . | tar -x -C "$tree"
  chown -R "$USER_ID:$USER_ID" "$tree"
fi
cd "$tree"
as_user node node_modules/vitest/vitest.mjs run test/conformance --cache.dir "$home/vite" 2>&1
