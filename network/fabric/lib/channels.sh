# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Channels: genesis block, orderers by channel participation, peers.

# Nodes of this network: kind, name, MSP, domain, host, ports.
all_nodes() { topology nodes "$CONSENSUS"; }

# Of an organisation's first peer: domain and address.
first_peer_of() { all_nodes | awk -v msp="$1" '$1 == "peer" && $3 == msp { print $4, $5 ":" $6; exit }'; }

# Of an orderer: address, name in its TLS certificate, and its TLS CA.
first_orderer() {
  all_nodes | awk -v dir="$ORGS_DIR" \
    '$1 == "orderer" { print $5 ":" $6, $2, dir "/ordererOrganizations/" $4 "/tlsca/tlsca." $4 "-cert.pem"; exit }'
}

# Runs the peer CLI as an organisation's admin against one of its peers.
as_admin() {
  local msp=$1 domain=$2 address=$3
  shift 3
  CORE_PEER_LOCALMSPID="$msp" CORE_PEER_MSPCONFIGPATH="$ORGS_DIR/peerOrganizations/$domain/users/Admin@$domain/msp" \
    CORE_PEER_ADDRESS="$address" CORE_PEER_TLS_ENABLED=true \
    CORE_PEER_TLS_ROOTCERT_FILE="$ORGS_DIR/peerOrganizations/$domain/tlsca/tlsca.$domain-cert.pem" \
    FABRIC_LOGGING_SPEC="${FABRIC_LOGGING_SPEC:-ERROR}" "$@"
}

# A new channel has no raft leader for a second or two; one whose orderers are down has none for longer.
LEADER_SECONDS=60

# Repeats a command while the channel's orderers have no leader. What it prints is in ANSWER.
with_leader() {
  local started=$SECONDS
  until ANSWER=$("$@" 2>&1); do
    case "$ANSWER" in *SERVICE_UNAVAILABLE* | *"no Raft leader"*) ;; *) return 1 ;; esac
    [ $((SECONDS - started)) -lt "$LEADER_SECONDS" ] || return 1
    sleep 0.5
  done
}

# A channel that the ordering service has keeps its genesis block even if the file is gone: another block would make another
# channel of the same name.
genesis_block() {
  local channel=$1
  local block="$STATE_DIR/channels/$channel.block"
  [ ! -f "$block" ] || return 0
  if ! with_leader fetch_genesis_block "$channel" "$block.partial"; then
    # an orderer that does not answer may have the channel
    case "$ANSWER" in *NOT_FOUND*) ;; *) fail QUERY_FAILED "cannot fetch channel $channel: $ANSWER" ;; esac
    FABRIC_CFG_PATH="$STATE_DIR" FABRIC_LOGGING_SPEC=ERROR \
      quietly configtxgen -profile "$channel" -channelID "$channel" -outputBlock "$block.partial"
  fi
  mv "$block.partial" "$block"
}

fetch_genesis_block() {
  local channel=$1 file=$2 msp domain address orderer override ca
  read -r _ msp _ < <(own_organizations)
  read -r domain address < <(first_peer_of "$msp")
  read -r orderer override ca < <(first_orderer)
  as_admin "$msp" "$domain" "$address" peer channel fetch oldest "$file" -c "$channel" \
    -o "$orderer" --ordererTLSHostnameOverride "$override" --tls --cafile "$ca"
}

join_orderer() {
  local channel=$1 name=$2 domain=$3 address=$4 dir answer
  dir="$ORGS_DIR/ordererOrganizations/$domain/orderers/$name/tls"
  answer=$(osnadmin channel join --channelID "$channel" --config-block "$STATE_DIR/channels/$channel.block" \
    -o "$address" --ca-file "$dir/ca.crt" --client-cert "$dir/server.crt" --client-key "$dir/server.key" 2>&1) || true
  case "$answer" in
    *"Status: 201"* | *"already exists"* | *"Status: 405"*) verbose "$name has joined $channel" ;;
    *) fail JOIN_FAILED "$name, channel $channel: $answer" ;;
  esac
}

join_peer() {
  local channel=$1 name=$2 msp=$3 domain=$4 address=$5 answer
  answer=$(as_admin "$msp" "$domain" "$address" peer channel join -b "$STATE_DIR/channels/$channel.block" 2>&1) ||
    case "$answer" in
      *"already exists"*) ;;
      *) fail JOIN_FAILED "$name, channel $channel: $answer" ;;
    esac
  verbose "$name has joined $channel"
}

create_channels() {
  local channel kind name msp domain host ports jobs=()
  [ -d "$ORGS_DIR" ] || fail NOT_UP "no network exists; run '$PROGRAM up' first"
  mkdir -p "$STATE_DIR/channels"
  topology configtx "$CONSENSUS" "$ORGS_DIR" "$CHANNEL_CAPABILITY" >"$STATE_DIR/configtx.yaml"
  for channel in "${CHANNELS[@]}"; do
    genesis_block "$channel" &
    jobs+=("$!")
  done
  await "genesis blocks" "${jobs[@]}"
  jobs=()
  for channel in "${CHANNELS[@]}"; do
    while read -r kind name msp domain host ports; do
      case "$kind" in
        orderer)
          ports=${ports#* }
          join_orderer "$channel" "$name" "$domain" "$host:${ports%% *}" &
          ;;
        peer) join_peer "$channel" "$name" "$msp" "$domain" "$host:${ports%% *}" & ;;
      esac
      jobs+=("$!")
    done < <(own_nodes)
  done
  await "joining the channels" ${jobs[@]+"${jobs[@]}"}
  info "channels: ${CHANNELS[*]}"
}
