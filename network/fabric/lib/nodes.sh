# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Orderer and peer processes. Settings that differ from Fabric's own orderer.yaml and core.yaml are set through the
# environment.

# Every port that `up` will listen on, as "name host port".
own_ports() {
  local kind name host ports port
  while read -r kind name _ _ host ports; do
    for port in $ports; do
      # a peer's last number is where its chaincode servers' ports begin
      [ "$port" = - ] || [ "$kind $port" = "peer ${ports##* }" ] || printf '%s %s %s\n' "$name" "$host" "$port"
    done
  done < <(own_nodes)
  if uses_ca; then own_cas | awk '{ print "ca." $3, "127.0.0.1", $4 }'; fi
}

check_ports() {
  local name host port taken=()
  while read -r name host port; do
    if ! running "$name" && port_open "$host" "$port"; then taken+=("$host:$port ($name)"); fi
  done < <(own_ports)
  [ "${#taken[@]}" = 0 ] || fail PORT_TAKEN "another program listens on ${taken[*]}; nothing was started"
}

start_orderer() {
  local name=$1 msp=$2 domain=$3 host=$4 port=$5 admin=$6 operations=$7
  local dir="$ORGS_DIR/ordererOrganizations/$domain/orderers/$name" data="$STATE_DIR/data/$name" program
  mkdir -p "$data"
  program=$(program "$name" orderer)
  start "$name" "$program" env \
    FABRIC_LOGGING_SPEC="${FABRIC_LOGGING_SPEC:-WARNING}" \
    ORDERER_GENERAL_LISTENADDRESS="$host" \
    ORDERER_GENERAL_LISTENPORT="$port" \
    ORDERER_GENERAL_LOCALMSPID="$msp" \
    ORDERER_GENERAL_LOCALMSPDIR="$dir/msp" \
    ORDERER_GENERAL_TLS_ENABLED=true \
    ORDERER_GENERAL_TLS_PRIVATEKEY="$dir/tls/server.key" \
    ORDERER_GENERAL_TLS_CERTIFICATE="$dir/tls/server.crt" \
    ORDERER_GENERAL_TLS_ROOTCAS="[$dir/tls/ca.crt]" \
    ORDERER_GENERAL_CLUSTER_CLIENTCERTIFICATE="$dir/tls/server.crt" \
    ORDERER_GENERAL_CLUSTER_CLIENTPRIVATEKEY="$dir/tls/server.key" \
    ORDERER_GENERAL_BOOTSTRAPMETHOD=none \
    ORDERER_CHANNELPARTICIPATION_ENABLED=true \
    ORDERER_ADMIN_LISTENADDRESS="$host:$admin" \
    ORDERER_ADMIN_TLS_ENABLED=true \
    ORDERER_ADMIN_TLS_PRIVATEKEY="$dir/tls/server.key" \
    ORDERER_ADMIN_TLS_CERTIFICATE="$dir/tls/server.crt" \
    ORDERER_ADMIN_TLS_CLIENTAUTHREQUIRED=true \
    ORDERER_ADMIN_TLS_CLIENTROOTCAS="[$dir/tls/ca.crt]" \
    ORDERER_OPERATIONS_LISTENADDRESS="$host:$operations" \
    ORDERER_METRICS_PROVIDER=prometheus \
    ORDERER_FILELEDGER_LOCATION="$data/ledger" \
    ORDERER_CONSENSUS_WALDIR="$data/wal" \
    ORDERER_CONSENSUS_SNAPDIR="$data/snapshots" \
    "$program"
}

start_peer() {
  local name=$1 msp=$2 domain=$3 host=$4 port=$5 chaincode=$6 operations=$7 base=$8
  local dir="$ORGS_DIR/peerOrganizations/$domain/peers/$name" data="$STATE_DIR/data/$name" program
  mkdir -p "$data"
  # CORE_VM_ENDPOINT empty: no Docker. The gateway's default of 500 requests at once refuses a quarter of a burst of pages.
  program=$(program "$name" peer)
  start "$name" "$program" env \
    FABRIC_LOGGING_SPEC="${FABRIC_LOGGING_SPEC:-WARNING}" \
    CORE_PEER_ID="$name" \
    CORE_PEER_LOCALMSPID="$msp" \
    CORE_PEER_MSPCONFIGPATH="$dir/msp" \
    CORE_PEER_ADDRESS="$host:$port" \
    CORE_PEER_LISTENADDRESS="$host:$port" \
    CORE_PEER_CHAINCODELISTENADDRESS="$host:$chaincode" \
    CORE_PEER_CHAINCODEADDRESS="$host:$chaincode" \
    CORE_PEER_GOSSIP_BOOTSTRAP="$host:$port" \
    CORE_PEER_GOSSIP_EXTERNALENDPOINT="$host:$port" \
    CORE_PEER_TLS_ENABLED=true \
    CORE_PEER_TLS_CERT_FILE="$dir/tls/server.crt" \
    CORE_PEER_TLS_KEY_FILE="$dir/tls/server.key" \
    CORE_PEER_TLS_ROOTCERT_FILE="$dir/tls/ca.crt" \
    CORE_PEER_FILESYSTEMPATH="$data" \
    CORE_LEDGER_SNAPSHOTS_ROOTDIR="$data/snapshots" \
    CORE_PEER_LIMITS_CONCURRENCY_GATEWAYSERVICE="$(topology value gateway.concurrency)" \
    CORE_OPERATIONS_LISTENADDRESS="$host:$operations" \
    CORE_METRICS_PROVIDER=prometheus \
    CORE_VM_ENDPOINT="" \
    CORE_CHAINCODE_EXTERNALBUILDERS="[{name: gridveil_ccaas, path: \"$NETWORK_DIR/builder\", propagateEnvironment: [GRIDVEIL_CHAINCODE_HOST, GRIDVEIL_CHAINCODE_BASE]}]" \
    GRIDVEIL_CHAINCODE_HOST="$host" \
    GRIDVEIL_CHAINCODE_BASE="${base%0}" \
    "$program" node start
}

start_nodes() {
  local kind name msp domain host ports
  while read -r kind name msp domain host ports; do
    if running "$name"; then continue; fi
    verbose "starting $name"
    # shellcheck disable=SC2086 # the ports are separate words
    "start_$kind" "$name" "$msp" "$domain" "$host" $ports
  done < <(own_nodes)
  while read -r kind name msp domain host ports; do
    wait_port "$name" "$host" "${ports%% *}"
    if [ "$kind" = orderer ]; then
      ports=${ports#* }
      wait_port "$name" "$host" "${ports%% *}"
    fi
  done < <(own_nodes)
}
