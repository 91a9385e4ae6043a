#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Hyperledger Fabric for Gridveil: native processes, three channels, chaincode as a service. Modes and flags are those of
# fabric-samples' test-network.
set -euo pipefail

NETWORK_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
VERBOSE=false
USE_CA=false
CONSENSUS=raft
CC_VERSION=""
CC_SEQUENCE=auto
OPERATORS=""
CHANNELS=()
MODES=()

usage() {
  cat <<'TEXT'
Usage: network.sh MODE... [FLAGS]

Modes, run in the order given:
  prereq          how to get Fabric's binaries, and which were found
  up              certificates, orderers and peers; again: starts the processes that are not running
  createChannel   the channels consumption, pricing, billing, joined by every orderer and peer
  deployCC        packages, installs, approves, commits and starts the chaincodes; with a new -ccv, upgrades them
  status          processes, channels, chaincodes, and certificates that expire within 30 days
  restart         stops everything and starts it again with its data
  down            stops everything and removes every file the network wrote

Flags:
  -c NAME         only this channel (createChannel, deployCC)
  -bft            four orderers of four organisations under SmartBFT instead of three raft orderers of the control center (Fabric 3)
  -ca             certificates by fabric-ca instead of cryptogen
  -ccv VERSION    chaincode version (default: the committed one, at first 1.0)
  -org NAME       only what this organisation runs, for a network over several machines (docs/OPERATIONS.md); repeatable
  -ccs SEQUENCE   sequence of the chaincode definition: a number, or auto (default)
  -verbose        print the output of every tool
  -h              this text

Environment:
  FABRIC_BIN           folder of peer, orderer, osnadmin, cryptogen, configtxgen (default: PATH)
  FABRIC_CFG_PATH      folder of core.yaml and orderer.yaml (default: config beside FABRIC_BIN)
  GRIDVEIL_FABRIC_DIR  where the network keeps its files (default: network/fabric/state)
  GRIDVEIL_TOPOLOGY    organisations, hosts, ports and channels (default: network/topology.json)

Exit status: 0 success, 1 refused or failed, 2 wrong use.
TEXT
}

wrong_use() {
  printf 'network.sh: %s\n' "$*" >&2
  usage >&2
  exit 2
}

while [ $# -gt 0 ]; do
  case "$1" in
    prereq | up | createChannel | deployCC | down | restart | status) MODES+=("$1") ;;
    -c | -ccv | -ccs | -org)
      [ $# -ge 2 ] || wrong_use "$1 needs a value"
      case "$1" in
        -c) CHANNELS+=("$2") ;;
        -ccv) CC_VERSION=$2 ;;
        -ccs) CC_SEQUENCE=$2 ;;
        -org) OPERATORS="${OPERATORS:+$OPERATORS,}$2" ;;
      esac
      shift
      ;;
    -bft) CONSENSUS=bft ;;
    -ca) USE_CA=true ;;
    -verbose) VERBOSE=true ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) wrong_use "unknown mode or flag: $1" ;;
  esac
  shift
done
[ "${#MODES[@]}" -gt 0 ] || wrong_use "no mode given"
[[ $CC_VERSION =~ ^[A-Za-z0-9._-]{0,32}$ ]] || wrong_use "-ccv accepts letters, digits, dots, dashes and underscores"
[[ $OPERATORS =~ ^[A-Za-z,]*$ ]] || wrong_use "-org needs the name of an organisation"
[[ $CC_SEQUENCE =~ ^(auto|[1-9][0-9]{0,5})$ ]] || wrong_use "-ccs accepts auto or a positive number"

# shellcheck source=lib/base.sh
. "$NETWORK_DIR/lib/base.sh"
# shellcheck source=lib/ca.sh
. "$NETWORK_DIR/lib/ca.sh"
# shellcheck source=lib/crypto.sh
. "$NETWORK_DIR/lib/crypto.sh"
# shellcheck source=lib/nodes.sh
. "$NETWORK_DIR/lib/nodes.sh"
# shellcheck source=lib/channels.sh
. "$NETWORK_DIR/lib/channels.sh"
# shellcheck source=lib/chaincode.sh
. "$NETWORK_DIR/lib/chaincode.sh"

prereq() {
  cat <<'TEXT'
Gridveil runs on Hyperledger Fabric 3.1 and 2.5. Fabric's own installer downloads the binaries, see
"Getting Started - Install Fabric" in Hyperledger Fabric's documentation:

  ./install-fabric.sh --fabric-version 3.1.5 binary

Then put its bin folder on PATH, or name it:  export FABRIC_BIN=.../fabric-samples/bin
TEXT
  local tool
  if [ -n "${FABRIC_BIN:-}" ]; then PATH="$FABRIC_BIN:$PATH"; fi
  for tool in node peer orderer osnadmin cryptogen configtxgen; do
    printf '  %-12s %s\n' "$tool" "$(command -v "$tool" || echo 'not found')"
  done
}

up() {
  require_binaries peer orderer osnadmin cryptogen configtxgen
  if uses_ca; then require_binaries fabric-ca-server fabric-ca-client; fi
  if [ "$CONSENSUS" = bft ] && [ -f "$STATE_DIR/consensus" ] && [ "$(cat "$STATE_DIR/consensus")" != bft ]; then
    fail OTHER_NETWORK "$STATE_DIR contains a network with raft orderers; run 'network.sh down' first"
  fi
  load_consensus
  if [ "$CONSENSUS" = bft ] && [ "$CHANNEL_CAPABILITY" != V3_0 ]; then
    fail NEEDS_FABRIC_3 "-bft needs Fabric 3, found $FABRIC_VERSION"
  fi
  check_ports
  # the mark by which `down` knows the folder comes first, and whole
  mkdir -p "$STATE_DIR"
  printf '%s' "$CONSENSUS" >"$STATE_DIR/consensus.partial"
  mv "$STATE_DIR/consensus.partial" "$STATE_DIR/consensus"
  mkdir -p "$LOG_DIR" "$PID_DIR" "$STATE_DIR/data"
  if uses_ca; then start_cas; fi
  generate_crypto
  start_nodes
  restart_chaincodes
  info "up: Fabric $FABRIC_VERSION, $CONSENSUS, files in $STATE_DIR"
}

down() {
  if [ -d "$STATE_DIR" ]; then remove_marked "$STATE_DIR" consensus; fi
  info "down: all processes are stopped, all files removed"
}

status() {
  local file name state failed=0
  [ -d "$STATE_DIR" ] || {
    printf '%s does not contain a network\n' "$STATE_DIR"
    exit 1
  }
  load_consensus
  printf 'consensus %s\n' "$CONSENSUS"
  for file in "$PID_DIR"/*.pid; do
    [ -e "$file" ] || continue
    name=$(basename "$file" .pid)
    state=running
    running "$name" || {
      state=stopped
      failed=1
    }
    printf '%-48s %s\n' "$name" "$state"
  done
  for file in "$STATE_DIR"/channels/*.block; do
    if [ -e "$file" ]; then printf 'channel %s\n' "$(basename "$file" .block)"; fi
  done
  for file in "$STATE_DIR"/chaincode/*.package; do
    if [ -e "$file" ]; then printf 'chaincode %s\n' "$(cut -d ' ' -f 4 "$file")"; fi
  done
  if command -v node >/dev/null; then node "$NETWORK_DIR/lib/certificates.mjs" "$ORGS_DIR" || failed=1; fi
  [ "$failed" = 0 ] || exit 1
}

select_channels() {
  local known channel
  known=" $(topology channels | tr '\n' ' ') "
  if [ "${#CHANNELS[@]}" = 0 ]; then read -r -a CHANNELS <<<"$known"; fi
  for channel in "${CHANNELS[@]}"; do
    case "$known" in *" $channel "*) ;; *) wrong_use "unknown channel '$channel': the topology has$known" ;; esac
  done
}

for mode in "${MODES[@]}"; do
  case "$mode" in
    prereq) prereq ;;
    up) up ;;
    createChannel | deployCC)
      require_binaries peer orderer osnadmin cryptogen configtxgen
      load_consensus
      select_channels
      if [ "$mode" = createChannel ]; then create_channels; else deploy_chaincodes; fi
      ;;
    restart)
      require_binaries peer orderer osnadmin cryptogen configtxgen
      [ -d "$ORGS_DIR" ] || fail NOT_UP "$STATE_DIR does not contain a network; run 'network.sh up' first"
      stop_all
      up
      ;;
    status) status ;;
    down) down ;;
  esac
done
