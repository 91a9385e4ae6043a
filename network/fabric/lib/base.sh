# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # its variables are the other parts' too
# What network.sh and deploy-to-test-network.sh need: messages, paths, binaries, ports, processes.

# The script that sources this, in front of its refusals.
PROGRAM=$(basename "$0")
# Everything that the script writes; `down` removes it. Certificates may be another network's.
STATE_DIR="${STATE_DIR:-${GRIDVEIL_FABRIC_DIR:-$NETWORK_DIR/state}}"
ORGS_DIR="${ORGS_DIR:-$STATE_DIR/organizations}"
LOG_DIR="$STATE_DIR/logs"
PID_DIR="$STATE_DIR/pids"
CA_DIR="$STATE_DIR/ca"

info() { printf '%s\n' "$*" >&2; }
verbose() { if [ "$VERBOSE" = true ]; then printf '%s\n' "$*" >&2; fi; }
fail() {
  local code=$1
  shift
  printf '%s: %s: %s\n' "$PROGRAM" "$code" "$*" >&2
  exit 1
}
# Names a command that fails where the script expects no failure, so that no run ends without a message.
set -E
trap 'printf "%s: FAILED: %s, line %s: %s\n" "$PROGRAM" "${BASH_SOURCE[0]##*/}" "$LINENO" "$BASH_COMMAND" >&2' ERR
topology() { node "$NETWORK_DIR/lib/topology.mjs" "$@"; }
# What runs on this machine: everything, or with -org what the named operators run.
own_nodes() { topology nodes "$CONSENSUS" ${OPERATORS:+"$OPERATORS"}; }
own_cas() { topology cas "$CONSENSUS" ${OPERATORS:+"$OPERATORS"}; }
own_organizations() { topology organizations ${OPERATORS:+"$OPERATORS"}; }
# Also a network that was made with -ca and is started again without the flag.
uses_ca() { [ "$USE_CA" = true ] || [ -d "$CA_DIR" ]; }
operates() { [ -z "$OPERATORS" ] || case ",$OPERATORS," in *",$1,"*) ;; *) return 1 ;; esac; }

# Runs a tool quietly; its output is shown only when it fails (or with -verbose).
quietly() {
  local output
  if [ "$VERBOSE" = true ]; then
    "$@" >&2
  elif ! output=$("$@" 2>&1); then
    printf '%s\n' "$output" >&2
    return 1
  fi
}

# Waits for background jobs by id and fails with the first that failed.
await() {
  local what=$1 pid failed=0
  shift
  for pid in "$@"; do wait "$pid" || failed=1; done
  [ "$failed" = 0 ] || fail STEP_FAILED "$what failed"
}

require_binaries() {
  if [ -n "${FABRIC_BIN:-}" ]; then PATH="$FABRIC_BIN:$PATH"; fi
  local tool
  command -v node >/dev/null || fail MISSING_BINARY "node (>= 20.19) is not on PATH"
  command -v ps >/dev/null || fail MISSING_BINARY "ps is not on PATH (Linux packages call it procps)"
  for tool in "$@"; do
    command -v "$tool" >/dev/null ||
      fail MISSING_BINARY "$tool is neither in FABRIC_BIN nor on PATH; 'network.sh prereq' explains how to install it"
  done
  if [ -z "${FABRIC_CFG_PATH:-}" ] || [ ! -f "${FABRIC_CFG_PATH:-}/core.yaml" ]; then
    FABRIC_CFG_PATH=$(dirname "$(dirname "$(command -v peer)")")/config
  fi
  [ -f "$FABRIC_CFG_PATH/core.yaml" ] ||
    fail MISSING_CONFIG "core.yaml not found in $FABRIC_CFG_PATH; set FABRIC_CFG_PATH to the config folder of Fabric's release"
  export PATH FABRIC_CFG_PATH
  FABRIC_VERSION=$(peer version | sed -n 's/^ *Version: v*//p')
  case "$FABRIC_VERSION" in
    3.*) CHANNEL_CAPABILITY=V3_0 ;;
    2.5*) CHANNEL_CAPABILITY=V2_0 ;;
    *) fail UNSUPPORTED_VERSION "Fabric $FABRIC_VERSION is not supported: 2.5 or 3.x is expected" ;;
  esac
}

# The consensus chosen at `up` is remembered, so that the other modes need no flag.
load_consensus() {
  if [ -f "$STATE_DIR/consensus" ]; then CONSENSUS=$(cat "$STATE_DIR/consensus"); fi
}

port_open() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

wait_port() {
  local name=$1 host=$2 port=$3 tries=0
  until port_open "$host" "$port"; do
    tries=$((tries + 1))
    running "$name" || fail NOT_STARTED "$name exited; see $LOG_DIR/$name.log: $(tail -n 1 "$LOG_DIR/$name.log")"
    [ "$tries" -lt 600 ] || fail NOT_STARTED "$name does not listen on $host:$port; see $LOG_DIR/$name.log"
    sleep 0.05
  done
}

# A pid file counts only while that process still runs the command it was written for: after a reboot the number may be
# another process's. -ww: ps of macOS cuts lines at the width of the terminal.
running() {
  local file="$PID_DIR/$1.pid" pid command
  [ -f "$file" ] || return 1
  { read -r pid && read -r command; } <"$file" || return 1
  case "$(ps -ww -p "$pid" -o args= 2>/dev/null || true)" in *"$command"*) return 0 ;; esac
  return 1
}

# start NAME MARK COMMAND...: detached, output to the log, pid and a mark that only this process's command line contains to
# the pid file. The process writes that file itself before it becomes COMMAND: an interrupted script leaves no process
# without a file.
start() {
  local name=$1 mark=$2 file="$PID_DIR/$1.pid" tries=0
  shift 2
  rm -f "$file"
  # shellcheck disable=SC2016 # expanded by the process
  nohup sh -c 'printf "%s\n%s\n" "$$" "$1" >"$2.$$" && mv "$2.$$" "$2" && shift 2 && exec "$@"' \
    sh "$mark" "$file" "$@" >>"$LOG_DIR/$name.log" 2>&1 </dev/null &
  disown "$!"
  until [ -f "$file" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || fail NOT_STARTED "$name wrote no process id to $file; see $LOG_DIR/$name.log"
    sleep 0.05
  done
}

stop() {
  local name=$1 file="$PID_DIR/$1.pid" pid tries=0
  if running "$name"; then
    read -r pid <"$file"
    kill "$pid" 2>/dev/null || true
    while running "$name" && [ "$tries" -lt 100 ]; do
      tries=$((tries + 1))
      sleep 0.05
    done
    if running "$name"; then kill -9 "$pid" 2>/dev/null || true; fi
  fi
  rm -f "$file"
}

stop_all() {
  local file jobs=()
  for file in "$PID_DIR"/*.pid; do
    [ -e "$file" ] || continue
    stop "$(basename "$file" .pid)" &
    jobs+=("$!")
  done
  await "stopping" ${jobs[@]+"${jobs[@]}"} # bash 3.2 takes an empty array for an unset one
}

# program NAME COMMAND: a link to a binary by the name of its node, so that the command line tells its process from others.
program() {
  mkdir -p "$STATE_DIR/bin"
  ln -sf "$(command -v "$2")" "$STATE_DIR/bin/$1"
  printf '%s' "$STATE_DIR/bin/$1"
}

# remove_marked FOLDER FILE: removes a folder that FILE marks as written by the script. The mark goes last, so that an
# interrupted removal can be repeated.
remove_marked() {
  [ -f "$1/$2" ] || fail NOT_OURS "$1 was not created by this script; nothing was removed"
  stop_all
  find "$1" -mindepth 1 -maxdepth 1 ! -name "$2" -exec rm -rf {} +
  rm -rf "$1"
}
