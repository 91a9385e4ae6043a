#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Puts Gridveil's three channels and chaincodes on a running fabric-samples test-network:
# Org1 is the control center, Org2 the service provider. The chaincode servers run on this host.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CHAINCODE_HOST=host.docker.internal
CHAINCODE_BASE=9800
VERSION=1.0
TEST_NETWORK=""

usage() {
  cat <<'TEXT'
Usage: deploy-to-test-network.sh TEST_NETWORK_FOLDER [FLAGS]

TEST_NETWORK_FOLDER is fabric-samples/test-network, after './network.sh up'.

Flags:
  -host NAME      how Org1's peer reaches this host (default host.docker.internal; with Docker on Linux the gateway of
                  the network fabric_test, e.g. 172.17.0.1; 127.0.0.1 when the peers run natively)
  -port BASE      the chaincode servers listen on BASE+1, +2, +3 (default 9800)
  -ccv VERSION    chaincode version (default 1.0)
  -h              this text

Environment: FABRIC_BIN, by default fabric-samples/bin beside the test-network.
TEXT
}

fail() {
  printf 'deploy-to-test-network.sh: %s: %s\n' "$1" "$2" >&2
  exit "${3:-1}"
}

while [ $# -gt 0 ]; do
  case "$1" in
    -host | -port | -ccv)
      [ $# -ge 2 ] || fail WRONG_USE "$1 needs a value" 2
      case "$1" in
        -host) CHAINCODE_HOST=$2 ;;
        -port) CHAINCODE_BASE=$2 ;;
        -ccv) VERSION=$2 ;;
      esac
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    -*) fail WRONG_USE "unknown flag $1" 2 ;;
    *) TEST_NETWORK=$1 ;;
  esac
  shift
done
[ -n "$TEST_NETWORK" ] || {
  usage >&2
  exit 2
}
[[ $CHAINCODE_BASE =~ ^[1-9][0-9]{3,4}$ ]] || fail WRONG_USE "-port takes a port number" 2
[[ $VERSION =~ ^[A-Za-z0-9._-]{1,32}$ ]] || fail WRONG_USE "-ccv takes letters, digits, dots, dashes and underscores" 2
[ -d "$TEST_NETWORK/organizations/peerOrganizations/org1.example.com" ] ||
  fail NOT_UP "$TEST_NETWORK/organizations holds no org1.example.com; run './network.sh up' there first"
TEST_NETWORK=$(cd "$TEST_NETWORK" && pwd)
BIN=${FABRIC_BIN:-$TEST_NETWORK/../bin}
if [ -d "$BIN" ]; then PATH=$(cd "$BIN" && pwd):$PATH; fi
for tool in peer osnadmin configtxgen node; do command -v "$tool" >/dev/null || fail MISSING_BINARY "$tool"; done
export FABRIC_LOGGING_SPEC=ERROR

ORGS="$TEST_NETWORK/organizations"
WORK="$TEST_NETWORK/gridveil"
ORDERER=localhost:7050
ORDERER_TLS="$ORGS/ordererOrganizations/example.com/orderers/orderer.example.com/tls"
ORDERER_CA="$ORGS/ordererOrganizations/example.com/tlsca/tlsca.example.com-cert.pem"
mkdir -p "$WORK"

# as ORG_NUMBER PORT COMMAND...: the peer CLI as that organisation's admin
as() {
  local domain="org$1.example.com" port=$2
  local msp="Org$1MSP"
  shift 2
  CORE_PEER_LOCALMSPID="$msp" CORE_PEER_ADDRESS="localhost:$port" CORE_PEER_TLS_ENABLED=true \
    CORE_PEER_TLS_ROOTCERT_FILE="$ORGS/peerOrganizations/$domain/tlsca/tlsca.$domain-cert.pem" \
    CORE_PEER_MSPCONFIGPATH="$ORGS/peerOrganizations/$domain/users/Admin@$domain/msp" \
    FABRIC_CFG_PATH="${FABRIC_CFG_PATH:-$TEST_NETWORK/../config}" "$@"
}

create_channel() {
  local channel=$1
  local block="$WORK/$channel.block" answer
  if as 1 7051 peer channel list 2>/dev/null | grep -qx "$channel"; then return; fi
  FABRIC_CFG_PATH="$TEST_NETWORK/configtx" configtxgen -profile ChannelUsingRaft -channelID "$channel" -outputBlock "$block"
  answer=$(osnadmin channel join --channelID "$channel" --config-block "$block" -o localhost:7053 \
    --ca-file "$ORDERER_CA" --client-cert "$ORDERER_TLS/server.crt" --client-key "$ORDERER_TLS/server.key" 2>&1) || true
  case "$answer" in *"Status: 201"* | *"already exists"*) ;; *) fail JOIN_FAILED "orderer, $channel: $answer" ;; esac
  as 1 7051 peer channel join -b "$block"
  as 2 9051 peer channel join -b "$block"
}

# The test-network's chaincode link is plain text, as its own deployCCAAS has it; network/fabric uses TLS.
package() {
  local name=$1 port=$2
  local dir="$WORK/$name"
  rm -rf "$dir"
  mkdir -p "$dir"
  printf '{"address":"%s:%s","dial_timeout":"10s","tls_required":false}\n' "$CHAINCODE_HOST" "$port" >"$dir/connection.json"
  printf '{"type":"ccaas","label":"%s_%s"}\n' "$name" "$VERSION" >"$dir/metadata.json"
  tar -C "$dir" -czf "$dir/code.tar.gz" connection.json
  tar -C "$dir" -czf "$WORK/$name.tar.gz" metadata.json code.tar.gz
}

serve() {
  local name=$1 port=$2 id=$3
  (
    cd "$ROOT/chaincode/build/$name"
    CORE_PEER_LOCALMSPID=Org1MSP CORE_CHAINCODE_LOGGING_LEVEL=ERROR nohup node \
      "$ROOT/chaincode/node_modules/fabric-shim/cli.js" server --chaincode-address "0.0.0.0:$port" --chaincode-id "$id" \
      >"$WORK/$name.log" 2>&1 </dev/null &
    printf '%s\n' "$!" >"$WORK/$name.pid"
  )
}

deploy() {
  local name=$1 port=$2 id sequence committed
  committed=$(as 1 7051 peer lifecycle chaincode querycommitted -C "$name" -n "$name" 2>/dev/null |
    sed -n 's/^Version: \([^,]*\), Sequence: \([0-9]*\),.*/\1 \2/p')
  [ "${committed% *}" != "$VERSION" ] || {
    printf '%s %s already stands\n' "$name" "$VERSION"
    return
  }
  sequence=$((${committed#* } + 1))
  package "$name" "$port"
  id=$(peer lifecycle chaincode calculatepackageid "$WORK/$name.tar.gz")
  if [ -f "$WORK/$name.pid" ]; then kill "$(cat "$WORK/$name.pid")" 2>/dev/null || true; fi
  serve "$name" "$port" "$id"
  as 1 7051 peer lifecycle chaincode install "$WORK/$name.tar.gz"
  local definition=(-o "$ORDERER" --ordererTLSHostnameOverride orderer.example.com --tls --cafile "$ORDERER_CA"
    -C "$name" -n "$name" -v "$VERSION" --sequence "$sequence" --signature-policy "OR('Org1MSP.peer')")
  as 1 7051 peer lifecycle chaincode approveformyorg "${definition[@]}" --package-id "$id"
  as 2 9051 peer lifecycle chaincode approveformyorg "${definition[@]}"
  as 1 7051 peer lifecycle chaincode commit "${definition[@]}" \
    --peerAddresses localhost:7051 --tlsRootCertFiles "$ORGS/peerOrganizations/org1.example.com/tlsca/tlsca.org1.example.com-cert.pem" \
    --peerAddresses localhost:9051 --tlsRootCertFiles "$ORGS/peerOrganizations/org2.example.com/tlsca/tlsca.org2.example.com-cert.pem"
  printf '%s %s deployed, sequence %s\n' "$name" "$VERSION" "$sequence"
}

offset=0
for name in consumption pricing billing; do
  offset=$((offset + 1))
  [ -f "$ROOT/chaincode/build/$name/index.js" ] || fail NOT_BUILT "chaincode/build/$name is missing; run 'npm run build'"
  create_channel "$name"
  deploy "$name" "$((CHAINCODE_BASE + offset))"
done
printf 'process ids and logs of the chaincode servers: %s\n' "$WORK"
