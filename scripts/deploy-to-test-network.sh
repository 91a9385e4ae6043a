#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Puts Gridveil's three channels and chaincodes on a running fabric-samples test-network: Org1 is the control center, Org2
# the service provider. The chaincode servers run on this host. A run continues where an earlier one ended.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
NETWORK_DIR=$ROOT/network/fabric
VERBOSE=false
USE_CA=false # of network.sh: test-network makes its own certificates
OPERATORS=""
CC_SEQUENCE=auto
CC_VERSION=""
DOWN=false
TEST_NETWORK=""
HOST_FLAG=""
LISTEN_FLAG=""
PORT_FLAG=""
CONSENSUS_FLAG=""

usage() {
  cat <<'TEXT'
Usage: deploy-to-test-network.sh TEST_NETWORK_FOLDER [FLAGS]

TEST_NETWORK_FOLDER is fabric-samples/test-network, after './network.sh up' (also with -ca). A second run repairs: it
starts servers that are not running and continues where an interrupted run stopped.

Flags:
  -ccv VERSION     chaincode version (default: the committed one, at first 1.0); another one upgrades, without a gap
  -host NAME       this host as Org1's peer reaches it (default: the gateway of test-network's Docker network on Linux,
                   host.docker.internal elsewhere; 127.0.0.1 where the peers run natively)
  -listen ADDRESS  where the chaincode servers listen (default: -host if that is an address of this machine, otherwise
                   127.0.0.1, to which Docker Desktop forwards host.docker.internal)
  -port BASE       they listen on BASE+1 to BASE+3, replacements on BASE+6 to BASE+8 (default 9800)
  -bft             the network was started with -bft
  -down            stops the chaincode servers and removes what this script wrote; the channels stay until test-network's
                   own './network.sh down'
  -verbose         print the output of every tool
  -h               this text

-host, -listen, -port and -bft are remembered for the next run.

Environment:
  FABRIC_BIN       folder of peer, osnadmin, cryptogen, configtxgen (default: bin beside the test-network, then PATH)
  FABRIC_CFG_PATH  folder of core.yaml (default: config beside FABRIC_BIN)

Exit status: 0 success and every chaincode answers through each organisation's gateway, 1 refused or failed, 2 wrong use.
TEXT
}

wrong_use() {
  printf 'deploy-to-test-network.sh: WRONG_USE: %s\n' "$*" >&2
  exit 2
}

while [ $# -gt 0 ]; do
  case "$1" in
    -host | -listen | -port | -ccv)
      [ $# -ge 2 ] || wrong_use "$1 needs a value"
      case "$1" in
        -host) HOST_FLAG=$2 ;;
        -listen) LISTEN_FLAG=$2 ;;
        -port) PORT_FLAG=$2 ;;
        -ccv) CC_VERSION=$2 ;;
      esac
      shift
      ;;
    -bft) CONSENSUS_FLAG=bft ;;
    -down) DOWN=true ;;
    -verbose) VERBOSE=true ;;
    -h | --help)
      usage
      exit 0
      ;;
    -*) wrong_use "unknown flag $1" ;;
    *)
      [ -z "$TEST_NETWORK" ] || wrong_use "one folder is expected, given are $TEST_NETWORK and $1"
      TEST_NETWORK=$1
      ;;
  esac
  shift
done
[ -n "$TEST_NETWORK" ] || {
  usage >&2
  exit 2
}
[[ $PORT_FLAG =~ ^([1-9][0-9]{3}|[1-5][0-9]{4})?$ ]] || wrong_use "-port needs a port number from 1000 to 59999"
[[ $CC_VERSION =~ ^[A-Za-z0-9._-]{0,32}$ ]] || wrong_use "-ccv accepts letters, digits, dots, dashes and underscores"
[[ $HOST_FLAG$LISTEN_FLAG =~ ^[A-Za-z0-9._-]*$ ]] || wrong_use "-host and -listen need a host name or an IPv4 address"
[ -d "$TEST_NETWORK" ] || wrong_use "$TEST_NETWORK is not a folder"
TEST_NETWORK=$(cd "$TEST_NETWORK" && pwd)
STATE_DIR=$TEST_NETWORK/gridveil
ORGS_DIR=$TEST_NETWORK/organizations
export GRIDVEIL_TOPOLOGY=$STATE_DIR/topology.json
if [ -z "${FABRIC_BIN:-}" ] && [ -x "$TEST_NETWORK/../bin/peer" ]; then FABRIC_BIN=$(cd "$TEST_NETWORK/../bin" && pwd); fi

# shellcheck source=../network/fabric/lib/base.sh
. "$NETWORK_DIR/lib/base.sh"
# shellcheck source=../network/fabric/lib/channels.sh
. "$NETWORK_DIR/lib/channels.sh"
# shellcheck source=../network/fabric/lib/chaincode.sh
. "$NETWORK_DIR/lib/chaincode.sh"

# Everything this script wrote; only a folder that it marked first is removed.
remove_state() {
  [ -d "$STATE_DIR" ] || return 0
  remove_marked "$STATE_DIR" network
}

# What tells one test-network from the next in the same folder: 'network.sh down' and 'up' make new certificates.
fingerprint() { cat "$ORGS_DIR"/*Organizations/*/tlsca/*.pem | cksum; }

require_test_network() {
  local name host ports port
  [ -d "$ORGS_DIR/peerOrganizations/org1.example.com/users" ] ||
    fail NOT_UP "$ORGS_DIR has no org1.example.com; run './network.sh up' in $TEST_NETWORK first"
  while read -r _ name _ _ host ports; do
    port=${ports%% *}
    port_open "$host" "$port" ||
      fail NOT_UP "$name does not listen on $host:$port; run './network.sh up' in $TEST_NETWORK first"
  done < <(all_nodes)
}

is_local_address() {
  node -e '
    const addresses = Object.values(require("node:os").networkInterfaces()).flatMap((entries) => entries ?? []);
    process.exit(addresses.some(({ address }) => address === process.argv[1]) ? 0 : 1);' "$1"
}

default_host() {
  local gateway
  case "$(uname -s)" in
    Linux)
      gateway=$("${CONTAINER_CLI:-docker}" network inspect fabric_test \
        -f '{{range .IPAM.Config}}{{.Gateway}}{{end}}' 2>/dev/null) || gateway=""
      if [ -n "$gateway" ] && is_local_address "$gateway"; then printf '%s' "$gateway" && return; fi
      [ -n "$gateway" ] || fail NO_HOST \
        "Docker network fabric_test not found; name this host as Org1's peer reaches it: -host NAME (127.0.0.1 for native peers)"
      ;;
  esac
  printf 'host.docker.internal'
}

# The choices of the earlier run hold where no flag says otherwise.
load_settings() {
  local host="" listen="" base="" consensus=""
  if [ -f "$STATE_DIR/settings" ]; then read -r host listen base consensus <"$STATE_DIR/settings" || true; fi
  CONSENSUS=${CONSENSUS_FLAG:-${consensus:-raft}}
  CHAINCODE_BASE=${PORT_FLAG:-${base:-9800}}
  CHAINCODE_HOST=${HOST_FLAG:-$host}
  [ -n "$CHAINCODE_HOST" ] || CHAINCODE_HOST=$(default_host) || exit 1
  if [ -n "$LISTEN_FLAG" ]; then
    CHAINCODE_LISTEN=$LISTEN_FLAG
  elif [ "$CHAINCODE_HOST" = "$host" ]; then
    CHAINCODE_LISTEN=$listen
  elif is_local_address "$CHAINCODE_HOST"; then
    CHAINCODE_LISTEN=$CHAINCODE_HOST
  else
    CHAINCODE_LISTEN=127.0.0.1
  fi
}

# TLS for the link between Org1's peer and the chaincode servers, from a CA of its own. A certificate names its host, so
# each host has a folder of its own; made once, so that packages keep their ids.
chaincode_certificates() {
  local folder="$STATE_DIR/tls/$CHAINCODE_HOST" config="$STATE_DIR/tls/crypto-config.yaml"
  CHAINCODE_ORGS_DIR=$folder
  [ ! -d "$folder" ] || return 0
  rm -rf "$folder.partial"
  mkdir -p "$folder.partial"
  cat >"$config" <<YAML
PeerOrgs:
  - Name: Org1
    Domain: org1.example.com
    Specs:
      - Hostname: chaincode-server
        SANS: [localhost, 127.0.0.1, $CHAINCODE_HOST]
      - Hostname: chaincode-client
YAML
  quietly cryptogen generate --config="$config" --output="$folder.partial"
  chmod -R go-rwx "$folder.partial"
  mv "$folder.partial" "$folder"
}

if [ "$DOWN" = true ]; then
  remove_state
  info "down: the chaincode servers are stopped, all files in $STATE_DIR removed"
  exit 0
fi

require_binaries peer osnadmin cryptogen configtxgen
node "$ROOT/scripts/bootstrap.mjs" prepare
[ -d "$ORGS_DIR/peerOrganizations/org1.example.com" ] ||
  fail NOT_UP "$ORGS_DIR has no org1.example.com; run './network.sh up' in $TEST_NETWORK first"
if [ -f "$STATE_DIR/network" ] && [ "$(cat "$STATE_DIR/network")" != "$(fingerprint)" ]; then
  info "the test-network was recreated; the files of the earlier one are removed"
  remove_state
fi
load_settings
mkdir -p "$STATE_DIR"
fingerprint >"$STATE_DIR/network.partial"
mv "$STATE_DIR/network.partial" "$STATE_DIR/network"
mkdir -p "$LOG_DIR" "$PID_DIR"
cp "$NETWORK_DIR/test-network.json" "$GRIDVEIL_TOPOLOGY"
require_test_network
chaincode_certificates
read -r -a CHANNELS <<<"$(topology channels | tr '\n' ' ')"
create_channels
deploy_chaincodes
node "$ROOT/scripts/gridveil.mjs" doctor --network "$TEST_NETWORK"
printf '%s %s %s %s\n' "$CHAINCODE_HOST" "$CHAINCODE_LISTEN" "$CHAINCODE_BASE" "$CONSENSUS" >"$STATE_DIR/settings"
info "chaincode servers listen on $CHAINCODE_LISTEN; their process ids and logs are in $STATE_DIR"
