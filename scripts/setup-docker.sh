#!/usr/bin/env bash
# Makes sure that a Docker engine answers: leaves a running one alone, else installs Debian's and starts it.
# Exit status: 0 an engine answers, 1 it could not be installed or started, 2 usage, 3 this machine needs its owner.
set -euo pipefail

readonly default_socket=/var/run/docker.sock
readonly wait_seconds=60
readonly log=/var/log/cofferdam-dockerd.log

# dockerd and the iptables it calls are in sbin, which `su` without a dash leaves out.
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

say() { printf 'setup-docker: %s\n' "$*" >&2; }
fail() { say "$2"; exit "$1"; }

main() {
  (($# == 0)) || fail 2 "usage: setup-docker.sh (it takes no arguments; DOCKER_HOST is respected)"
  if engine_answers; then
    say "a Docker engine already answers at $(engine_name)"
    return
  fi
  require_startable
  # Two runs at once would start two engines: the second waits here, then finds the first one's engine.
  exec 9>/run/cofferdam-setup-docker.lock
  if ! flock --nonblock 9; then
    say "waiting for another setup-docker.sh that is at work"
    flock 9
  fi
  if ! engine_answers; then
    install_engine
    start_engine
  fi
  say "a Docker engine answers at $(engine_name)"
}

# The client may be too new for the engine and refuse to talk to it, so the socket itself is asked as well.
engine_answers() {
  timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1 && return
  local host=${DOCKER_HOST:-unix://$default_socket}
  [[ $host == unix://* ]] &&
    curl --silent --fail --max-time 10 --unix-socket "${host#unix://}" http://localhost/_ping >/dev/null 2>&1
}

engine_name() {
  local version
  version=$(timeout 10 docker version --format '{{.Server.Version}}' 2>/dev/null) || version="of an unknown version"
  printf '%s (engine %s)' "${DOCKER_HOST:-the default socket}" "$version"
}

require_startable() {
  case ${DOCKER_HOST:-} in
    "" | "unix://$default_socket" | unix:///run/docker.sock) ;;
    *) fail 3 "no Docker engine answers at DOCKER_HOST=$DOCKER_HOST, and this script only starts one at unix://$default_socket: start that engine, or unset DOCKER_HOST" ;;
  esac
  local socket=${DOCKER_HOST:-unix://$default_socket}
  [[ -S ${socket#unix://} && ! -w ${socket#unix://} ]] &&
    fail 3 "there is a Docker engine socket at ${socket#unix://} that user $(id -un) may not open: run this script as root, or join the socket's group ($(stat -c %G "${socket#unix://}"))"
  ((EUID == 0)) ||
    fail 3 "no Docker engine answers, and installing or starting one needs root: run this script as root, or start Docker yourself"
  is_debian || command -v dockerd >/dev/null ||
    fail 3 "no Docker engine answers and there is no dockerd; it is installed only on Debian and its relatives: install Docker by hand, then run this script again"
}

is_debian() {
  command -v apt-get >/dev/null && grep -Eqs '^ID(_LIKE)?=.*\b(debian|ubuntu)\b' /etc/os-release
}

install_engine() {
  command -v dockerd >/dev/null || apt_install docker.io
  # Newer releases keep the client in a package of its own.
  command -v docker >/dev/null || apt_install docker-cli
  # Where the kernel enforces AppArmor, the engine cannot load its default profile without the parser.
  if grep -qs Y /sys/module/apparmor/parameters/enabled && ! command -v apparmor_parser >/dev/null; then
    apt_install apparmor
  fi
}

apt_install() {
  local output
  is_debian || fail 3 "$* is missing and is installed only on Debian and its relatives: install it by hand"
  say "installing $*"
  output=$({
    flock 8 # apt-get update does not wait for another one by itself
    apt-get --quiet=2 update &&
      DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
        apt-get --quiet=2 --yes --no-install-recommends -o DPkg::Lock::Timeout=120 install "$@"
  } 8>/run/cofferdam-apt.lock 9>&- 2>&1) || fail 1 "installing $* with apt-get failed: $output"
}

start_engine() {
  local process=""
  if [[ -d /run/systemd/system ]]; then
    say "starting the docker service"
    systemctl start docker || fail 1 "systemctl start docker failed: see journalctl -u docker"
  elif is_alive /run/docker.pid dockerd; then
    say "dockerd is running already but does not answer yet"
  else
    forget_dead_engine
    say "starting dockerd, its log is $log"
    # A session of its own, so that it outlives this script; without descriptor 9, or it would hold our lock for ever.
    [[ ! -e $log ]] || mv -f "$log" "$log.old" # what is shown after a failure is of this start
    (umask 077 && : >"$log")
    setsid dockerd </dev/null >>"$log" 2>&1 9>&- &
    process=$!
  fi
  wait_for_engine "$process"
}

# Where /run is not emptied at boot, a number in a left-over pid file may be another program's by now, and dockerd
# would take that for a running engine (or containerd) and give up.
forget_dead_engine() {
  is_alive /run/docker.pid dockerd || rm -f /run/docker.pid
  is_alive /run/docker/containerd/containerd.pid containerd || rm -f /run/docker/containerd/containerd.pid
}

# A zombie still has its name, but no executable any more.
is_alive() { # PIDFILE NAME
  local pid name
  pid=$(cat "$1") && name=$(cat "/proc/$pid/comm") && [[ $name == "$2" ]] && readlink "/proc/$pid/exe" >/dev/null
} 2>/dev/null

wait_for_engine() { # PROCESS (empty: not a child of ours)
  local start=$SECONDS told=0
  until engine_answers; do
    if [[ -n $1 ]] && ! kill -0 "$1" 2>/dev/null; then
      tail -n 20 "$log" >&2
      fail 1 "dockerd ended before it answered: the end of $log is above"
    fi
    if ((SECONDS - start >= wait_seconds)); then
      if [[ -n $1 ]]; then
        tail -n 20 "$log" >&2
        kill "$1" 2>/dev/null || true
      fi
      fail 1 "dockerd was started but did not answer within $wait_seconds seconds${1:+: the end of $log is above}"
    fi
    if ((SECONDS - start >= told + 5)); then
      told=$((SECONDS - start))
      say "waiting for dockerd to answer: $told s"
    fi
    sleep 0.2
  done
}

main "$@"
