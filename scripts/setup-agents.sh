#!/usr/bin/env bash
# Installs the agents that Cofferdam is tried with, Claude Code and Codex, from npm at pinned versions into .cache/agents,
# and makes an image of them where there is an engine with the Debian test image: cofferdam-test-agents.
# They are not development dependencies: they are large, and nobody who only uses Cofferdam needs them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly claude=2.1.332 codex=0.171.0
readonly prefix=.cache/agents
readonly modules=$prefix/node_modules base=cofferdam-test-debian:latest image=cofferdam-test-agents:latest

say() { printf 'setup-agents: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

main() {
  mkdir -p "$prefix/home"
  exec 9>"$prefix.lock"
  flock 9
  are_installed || install
  link_programs
  ! has_base || is_current || build_image
}

install() {
  say "installing Claude Code $claude and Codex $codex from npm"
  [ -f "$prefix/package.json" ] || printf '{ "private": true }\n' >"$prefix/package.json"
  # The install script only puts the right binary in place; newer npm versions run none without being told.
  npm install --prefix "$prefix" --no-audit --no-fund --ignore-scripts=false --loglevel=error --save-exact \
    "@anthropic-ai/claude-code@$claude" "@openai/codex@$codex" >&2
  are_installed || fail "they were installed but do not run"
}

are_installed() {
  [[ $(version_of claude) == "$claude "* && $(version_of codex) == *" $codex" ]]
}

# They have a home of their own, and no keys: nothing of the caller's is theirs to read.
version_of() { # PROGRAM
  env -i PATH="$PATH" HOME="$PWD/$prefix/home" DISABLE_AUTOUPDATER=1 "$modules/.bin/$1" --version 2>/dev/null || true
}

# The binaries themselves, without the scripts that find the one for this machine.
link_programs() {
  mkdir -p "$prefix/bin"
  ln -f "$modules/@anthropic-ai/claude-code/bin/claude.exe" "$prefix/bin/claude"
  ln -f "$modules"/@openai/codex-*/vendor/*/bin/codex "$prefix/bin/codex"
  # Codex runs JavaScript of its models in a program beside it.
  ln -f "$modules"/@openai/codex-*/vendor/*/bin/codex-code-mode-host "$prefix/bin/codex-code-mode-host"
}

has_base() {
  [[ -n $(timeout 20 docker image inspect --format '{{.Id}}' "$base" 2>/dev/null) ]]
}

recipe() { # what the image is made of
  printf '%s %s %s %s' "$(docker image inspect --format '{{.Id}}' "$base")" "$claude" "$codex" "$(declare -f build_image)" |
    sha256sum | cut -c 1-32
}

is_current() {
  [[ $(docker image inspect --format '{{index .Config.Labels "cofferdam.recipe"}}' "$image" 2>/dev/null) == "$(recipe)" ]]
}

build_image() {
  local container
  say "making $image"
  container=$(docker create --network none "$base" true)
  docker cp --quiet "$prefix/bin/." "$container:/usr/local/bin/" &&
    docker commit --change "LABEL cofferdam.recipe=$(recipe)" "$container" "$image" >/dev/null || {
    docker rm "$container" >/dev/null
    fail "making $image failed: see docker's message above"
  }
  docker rm "$container" >/dev/null
}

main "$@"
