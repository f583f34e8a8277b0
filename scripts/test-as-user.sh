#!/usr/bin/env bash
# Runs the conformance suite on the local runtime as an ordinary user: no group, capability or variable of root's left.
# An ordinary user who calls it stays who they are. With an argument only the cases whose name it matches.
# Nothing is written to the project but the report in .cache/conformance.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly USER_ID=64123
readonly REPORTS=$PWD/.cache/conformance

say() { printf 'test-as-user: %s\n' "$*" >&2; }
run=(node node_modules/vitest/vitest.mjs run ${1:+-t "$1"} test/conformance/conformance-local.test.ts)
options=(COFFERDAM_TEST_PLACES=local-user COFFERDAM_TEST_USERS="${COFFERDAM_TEST_USERS:-}" COFFERDAM_TEST_RACES=4000 COFFERDAM_TEST_ORDINARY=emulated)
mkdir -p "$REPORTS"
rm -f "$REPORTS/local-user.json"
((EUID == 0)) || exec env "${options[@]}" COFFERDAM_CONFORMANCE_REPORT="$REPORTS" "${run[@]}"
command -v setpriv >/dev/null || { say "setpriv is missing: install util-linux"; exit 3; }

# Not in /tmp: a sandbox has a /tmp of its own, and some cases grant a folder of the user's home.
mkdir -p /srv
home=$(mktemp -d -p /srv cofferdam-user-XXXXXX)
temporary=$(mktemp -d)
trap 'rm -rf "$home" "$temporary"' EXIT
chown "$USER_ID:$USER_ID" "$home" "$temporary"
chmod 0700 "$home" "$temporary"

as_user() {
  setpriv --reuid "$USER_ID" --regid "$USER_ID" --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs \
    env -i HOME="$home" TMPDIR="$temporary" PATH="$PATH" CI="${CI:-}" "${options[@]}" \
    COFFERDAM_WARDEN="${COFFERDAM_WARDEN:-}" COFFERDAM_CONFORMANCE_REPORT="$REPORTS" "$@"
}

chmod 0777 "$REPORTS"

tree=$PWD
if ! as_user test -r "$tree/package.json" -a -r "$tree/node_modules/vitest/package.json"; then
  # The project lies in a folder that only root may enter: the user gets a copy.
  tree=$home/project
  mkdir "$tree"
  tar -c --exclude=./.git --exclude=./.cache . | tar -x -C "$tree"
  chown -R "$USER_ID:$USER_ID" "$tree"
fi
cd "$tree"

# Vitest would keep its results in node_modules, which are root's: its configuration is the one way to say where else.
config=$home/vitest.config.mjs
cat >"$config" <<CONFIG
export default { root: $(printf '"%s"' "$tree"), cacheDir: "$home/vite" };
CONFIG
chmod 0644 "$config"
as_user "${run[@]}" --config "$config" 2>&1
