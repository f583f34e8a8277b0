#!/usr/bin/env bash
# Builds the two images that the Docker tests run in, from Debian packages alone: nothing is pulled.
#   cofferdam-test-busybox  one static binary, with a HEALTHCHECK and a VOLUME, which a sandbox must disarm
#   cofferdam-test-debian   node, npm, git, python3, a C compiler, tmux and clients of networks, for tests that need a real userland
# Exit status: 0 both exist, 1 a build failed, 2 usage, 3 this machine lacks something that its owner must install.
set -euo pipefail
umask 022 # the modes inside the images must not depend on the caller's

readonly path_in_image=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
readonly debian_packages=nodejs,npm,git,python3,python3-venv,gcc,g++,libc6-dev,make,tmux,curl,wget,redis-tools,python3-requests,python3-httpx,ca-certificates,procps
# HEALTHCHECK leaves a file behind, and /data holds one, so that a test can tell whether either reached the sandbox.
readonly busybox_changes=(
  "ENV PATH=$path_in_image"
  "LABEL cofferdam.test-image=busybox"
  "HEALTHCHECK --interval=1s --timeout=5s CMD touch /tmp/healthcheck-ran"
  "VOLUME /data"
  'CMD ["/bin/sh"]'
)
readonly debian_changes=(
  "ENV PATH=$path_in_image"
  "LABEL cofferdam.test-image=debian"
  'CMD ["/bin/bash"]'
)

say() { printf 'build-test-images: %s\n' "$*" >&2; }
fail() { say "$2"; exit "$1"; }

main() {
  [[ $* == "" || $* == --busybox-only ]] || fail 2 "usage: build-test-images.sh [--busybox-only]"

  timeout 20 docker version >/dev/null 2>&1 ||
    fail 3 "'docker version' failed, so there is no engine to build images in: run scripts/setup-docker.sh first"
  open_cache
  build_busybox
  [[ $* == --busybox-only ]] || build_debian
}

# Sets $cache and $scratch. Two runs at once would do the same work twice: the second waits, then finds it done.
open_cache() {
  cache=${COFFERDAM_CACHE:-${XDG_CACHE_HOME:-${HOME:?set HOME or COFFERDAM_CACHE: there is nowhere to cache images}/.cache}/cofferdam}
  (umask 077 && mkdir -p "$cache/test-images") || fail 1 "could not create the cache directory $cache/test-images"
  cache=$cache/test-images
  # What lies there becomes an image: nobody else may be able to write it.
  [[ -O $cache ]] || fail 1 "$cache belongs to another user: set COFFERDAM_CACHE to a directory of your own"
  chmod 0700 "$cache"
  exec 9>"$cache/lock"
  if ! flock --nonblock 9; then
    say "waiting for another build-test-images.sh that is at work"
    flock 9
  fi
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
}

build_busybox() {
  local image=cofferdam-test-busybox:latest binary recipe
  binary=$(find_busybox)
  recipe=$({ sha256sum <"$binary" && declare -f lay_out_busybox && printf '%s\n' "${busybox_changes[@]}"; } | digest)
  is_current "$image" "$recipe" && return
  lay_out_busybox "$binary" "$scratch/busybox"
  tar --create --directory="$scratch/busybox" --owner=0 --group=0 --numeric-owner --sort=name . |
    import_image "$image" "$recipe" - "${busybox_changes[@]}"
}

# Prints the path of a static busybox: the installed one, or one unpacked from the package into the cache. Installing
# the package would remove the dynamic busybox that some machines boot with.
find_busybox() {
  if dpkg-query --show --showformat='${db:Status-Status}' busybox-static 2>/dev/null | grep -qx installed; then
    echo /bin/busybox
    return
  fi
  [[ -x $cache/busybox ]] || download_busybox
  echo "$cache/busybox"
}

download_busybox() {
  command -v apt-get >/dev/null ||
    fail 3 "the busybox image is made from Debian's package busybox-static, and this machine has no apt-get to get it with"
  say "downloading busybox-static"
  update_package_lists
  (cd "$scratch" && apt-get --quiet=2 -o APT::Sandbox::User=root download busybox-static >&2 &&
    dpkg-deb --extract busybox-static_*.deb unpacked) || fail 1 "apt-get download busybox-static failed: see its message above"
  find "$scratch/unpacked" -path '*/bin/busybox' -type f -exec mv {} "$cache/busybox" \;
}

lay_out_busybox() { # BINARY ROOT
  mkdir -p "$2"/{bin,sbin,usr/bin,usr/sbin,etc,dev,proc,sys}
  mkdir -m 0700 "$2/root"
  mkdir -m 1777 "$2/tmp" "$2/data"
  cp "$1" "$2/bin/busybox" && chmod 0755 "$2/bin/busybox"
  local applet applets
  applets=$("$1" --list-full)
  for applet in $applets; do
    [[ -e "$2/$applet" ]] || ln -s /bin/busybox "$2/$applet"
  done
  echo "root:x:0:0:root:/root:/bin/sh" >"$2/etc/passwd"
  echo "root:x:0:" >"$2/etc/group"
  echo "from the image" >"$2/data/from-image"
}

build_debian() {
  local image=cofferdam-test-debian:latest suite recipe archive
  # shellcheck source=/dev/null
  suite=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-}")
  recipe=$({ uname -m && declare -f bootstrap && printf '%s\n' "$suite" "$debian_packages" "${debian_changes[@]}"; } | digest)
  is_current "$image" "$recipe" && return
  archive=$cache/debian-$recipe.tar
  if [[ ! -s $archive ]]; then
    rm -f "$cache"/debian-*
    bootstrap "$suite" "$archive.part"
    mv "$archive.part" "$archive" # it has this name only when it is whole
  fi
  import_image "$image" "$recipe" "$archive" "${debian_changes[@]}"
}

bootstrap() { # SUITE TARGET
  local sources settings log=$scratch/mmdebstrap.log
  require_mmdebstrap
  mapfile -t sources < <(distribution_sources)
  ((${#sources[@]} > 0)) ||
    fail 3 "apt-get indextargets names no source of this distribution, so mmdebstrap has nothing to install from: see to /etc/apt and run apt-get update as root"
  # Its mirror may only be reachable with this machine's proxy and date settings; the hook takes them out of the image.
  mapfile -t settings < <(apt-config dump | sed -nE 's/^Acquire::(https?|ftp|Retries|Check-|Force).*/--aptopt=&/p')
  say "building a Debian $1 root with $debian_packages from ${sources[*]} (a few minutes)"
  # shellcheck disable=SC2016 # mmdebstrap's shell expands the hook
  mmdebstrap --variant=minbase --include="$debian_packages" --format=tar --skip=output/dev \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook='cd "$1/etc" && rm -rf apt/sources.list* apt/apt.conf.d/99mmdebstrap resolv.conf hostname' \
    "${settings[@]}" "$1" "$2" "${sources[@]}" >"$log" 2>&1 || {
    tail -n 30 "$log" >&2
    fail 1 "mmdebstrap $1 from ${sources[*]} failed: the end of its output is above"
  }
}

# Prints the files under /etc/apt whose packages come from this machine's own distribution, not from a third party.
distribution_sources() {
  local id
  # shellcheck source=/dev/null
  id=$(. /etc/os-release && echo "$ID")
  # shellcheck disable=SC2016 # apt-get expands these
  apt-get indextargets --format '$(ORIGIN) $(SOURCESENTRY)' 'Created-By: Packages' |
    sed -nE "s/^$id (.*):[0-9]+\$/\1/Ip" | sort -u
}

require_mmdebstrap() {
  if command -v mmdebstrap >/dev/null; then
    update_package_lists
    return
  fi
  command -v apt-get >/dev/null ||
    fail 3 "the Debian image is made with mmdebstrap from this machine's apt sources, and this machine has no apt-get"
  ((EUID == 0)) || fail 3 "the Debian image needs the package mmdebstrap: run this script as root once, or install it"
  say "installing mmdebstrap"
  update_package_lists
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
    apt-get --quiet=2 --yes --no-install-recommends -o DPkg::Lock::Timeout=120 install mmdebstrap 9>&- >"$scratch/apt.log" 2>&1 ||
    fail 1 "installing mmdebstrap with apt-get failed: $(<"$scratch/apt.log")"
}

# A fresh machine has no lists, or ones whose packages its mirror no longer has.
update_package_lists() {
  ((EUID == 0)) || return 0
  (flock 8 && apt-get --quiet=2 update) 8>/run/cofferdam-apt.lock >&2 || fail 1 "apt-get update failed: see its message above"
}

is_current() { # IMAGE RECIPE
  local found
  found=$(docker image inspect --format '{{index .Config.Labels "cofferdam.recipe"}}' "$1" 2>/dev/null) || return 1
  [[ $found == "$2" ]] && say "$1 is up to date"
}

import_image() { # IMAGE RECIPE ARCHIVE CHANGE...
  local image=$1 archive=$3 previous id change
  local options=(--change "LABEL cofferdam.recipe=$2")
  for change in "${@:4}"; do options+=(--change "$change"); done
  previous=$(docker image inspect --format '{{.Id}}' "$image" 2>/dev/null) || previous=""
  say "importing $image"
  id=$(docker import "${options[@]}" "$archive") || fail 1 "docker import of $image failed: see its message above"
  # It gets its name when it has run: a broken one would pass for up to date the next time.
  if ! docker run --rm --network none "$id" true; then
    docker image rm "$id" >/dev/null 2>&1 || true
    fail 1 "$image was imported, but 'docker run' of 'true' in it failed: see its message above"
  fi
  docker tag "$id" "$image"
  # The one before has lost its name; a container that still uses it keeps it.
  [[ -z $previous || $previous == "$id" ]] || docker image rm "$previous" >/dev/null 2>&1 || true
}

digest() { sha256sum | cut -c 1-32; }

main "$@"
