# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Chaincode as a service: package, install on CC's peers, approve, commit, start; and the same again for a new version.
# A new version's processes listen on the other of two ports, so the old version answers until the new one is committed.

CHAINCODE_DIR=$(cd "$NETWORK_DIR/../../chaincode" && pwd)
CC_MSP=ControlCenterMSP
# From a chaincode's first port to its second.
SECOND_PORT=5

# The peers that run chaincode: name, domain, host, port, base port.
chaincode_peers() { topology nodes "$CONSENSUS" | awk '$1 == "peer" && $9 != "-" { print $2, $4, $5, $6, $9 }'; }

first_peer_of() { topology nodes "$CONSENSUS" | awk -v msp="$1" '$1 == "peer" && $3 == msp { print $4, $5 ":" $6; exit }'; }

# The committed definition of a chaincode as "version sequence", empty when there is none.
committed() {
  local domain address
  read -r domain address < <(first_peer_of "$CC_MSP")
  as_admin "$CC_MSP" "$domain" "$address" \
    peer lifecycle chaincode querycommitted -C "$2" -n "$1" 2>/dev/null |
    sed -n 's/^Version: \([^,]*\), Sequence: \([0-9]*\),.*/\1 \2/p'
}

start_chaincode() {
  local name=$1 offset=$2 version=$3 id=$4 peer domain host base tls
  while read -r peer _ host _ base; do
    if ! running "chaincode-$name-$version-$peer" && port_open "$host" "$((base + offset))"; then
      fail PORT_TAKEN "$host:$((base + offset)) (chaincode $name)"
    fi
  done < <(chaincode_peers)
  while read -r peer domain host _ base; do
    if running "chaincode-$name-$version-$peer"; then continue; fi
    tls="$ORGS_DIR/peerOrganizations/$domain/peers/chaincode-server.$domain/tls"
    # CORE_PEER_LOCALMSPID: the contracts take the organisation that runs them as the control center
    (cd "$CHAINCODE_DIR/build/$name" && start "chaincode-$name-$version-$peer" "--chaincode-id $id" env \
      CORE_PEER_LOCALMSPID="$CC_MSP" CORE_CHAINCODE_LOGGING_LEVEL=ERROR NODE_ENV=production \
      node "$CHAINCODE_DIR/node_modules/fabric-shim/cli.js" server \
      --chaincode-address "$host:$((base + offset))" --chaincode-id "$id" \
      --chaincode-tls-cert-file "$tls/server.crt" --chaincode-tls-key-file "$tls/server.key" \
      --chaincode-tls-client-cacert-file "$tls/ca.crt")
  done < <(chaincode_peers)
}

# A peer that dials before a chaincode listens refuses the transaction, so nobody is told of it before.
wait_chaincode() {
  local name=$1 offset=$2 version=$3 peer domain host port base
  while read -r peer domain host port base; do
    wait_port "chaincode-$name-$version-$peer" "$host" "$((base + offset))"
  done < <(chaincode_peers)
}

install_chaincode() {
  local file=$1 peer domain host port base jobs=()
  while read -r peer domain host port base; do
    (
      answer=$(as_admin "$CC_MSP" "$domain" "$host:$port" peer lifecycle chaincode install "$file" 2>&1) ||
        case "$answer" in *"already successfully installed"*) ;; *) fail INSTALL_FAILED "$peer: $answer" ;; esac
    ) &
    jobs+=("$!")
  done < <(chaincode_peers)
  await "installing $file" "${jobs[@]}"
}

# CC commits once the others have approved; where they run elsewhere, it waits for them.
commit_definition() {
  local name=$1 version=$2 channel=$3 org msp domain address tries=0 targets=()
  shift 3
  while read -r org msp domain; do
    read -r domain address < <(first_peer_of "$msp")
    targets+=(--peerAddresses "$address" --tlsRootCertFiles "$ORGS_DIR/peerOrganizations/$domain/tlsca/tlsca.$domain-cert.pem")
    verbose "asking $org's peer to endorse $name $version"
  done < <(topology organizations)
  read -r domain address < <(first_peer_of "$CC_MSP")
  until quietly as_admin "$CC_MSP" "$domain" "$address" peer lifecycle chaincode commit "$@" "${targets[@]}"; do
    tries=$((tries + 1))
    if [ -z "$OPERATORS" ] || [ "$tries" -ge 60 ]; then fail COMMIT_FAILED "$name $version on $channel"; fi
    info "$name $version: waiting for the other organisations to approve"
    sleep 5
  done
}

# Having approved the very same before is as good.
approve_definition() {
  local msp=$1 domain=$2 address=$3 answer
  shift 3
  answer=$(as_admin "$msp" "$domain" "$address" peer lifecycle chaincode approveformyorg "$@" 2>&1) ||
    case "$answer" in *"unchanged content"*) ;; *) fail APPROVE_FAILED "$msp: $answer" ;; esac
  verbose "$answer"
}

# Only CC holds the package; the other organisations approve the definition without it.
define_chaincode() {
  local name=$1 channel=$2 version=$3 sequence=$4 id=$5 org msp domain address jobs=() package=()
  local orderer ca
  read -r orderer ca < <(topology nodes "$CONSENSUS" | awk -v dir="$ORGS_DIR" \
    '$1 == "orderer" { print $5 ":" $6, dir "/ordererOrganizations/" $4 "/tlsca/tlsca." $4 "-cert.pem"; exit }')
  local definition=(-o "$orderer" --tls --cafile "$ca" -C "$channel" -n "$name" -v "$version" --sequence "$sequence"
    --signature-policy "$(topology value policies.endorsement)")
  while read -r org msp domain; do
    read -r domain address < <(first_peer_of "$msp")
    package=()
    if [ "$msp" = "$CC_MSP" ]; then package=(--package-id "$id"); fi
    approve_definition "$msp" "$domain" "$address" "${definition[@]}" ${package[@]+"${package[@]}"} &
    jobs+=("$!")
    verbose "$org approves $name $version"
  done < <(own_organizations)
  await "approving $name $version" "${jobs[@]}"
  operates ControlCenter || return 0
  commit_definition "$name" "$version" "$channel" "${definition[@]}"
}

# What runs: a file for each version, "name version offset package-id". Two stand only while an upgrade is under way,
# and both are started again after an interruption.
record_of() { printf '%s/chaincode/%s-%s.package' "$STATE_DIR" "$1" "$2"; }

start_recorded() {
  local name version offset id
  read -r name version offset id <"$1"
  start_chaincode "$name" "$offset" "$version" "$id"
  wait_chaincode "$name" "$offset" "$version"
}

# deploy NAME CHANNEL OFFSET
deploy() {
  local name=$1 channel=$2 offset=$3 version=$CC_VERSION sequence=0 old="" label id file tls old_record peer
  read -r old sequence < <(committed "$name" "$channel") || true
  case "$CC_SEQUENCE" in
    auto) sequence=$((${sequence:-0} + 1)) ;;
    *) sequence=$CC_SEQUENCE ;;
  esac
  if [ "$old" = "$version" ]; then
    info "$name $version stands on $channel"
    if operates ControlCenter; then start_recorded "$(record_of "$name" "$version")"; fi
    return
  fi
  if ! operates ControlCenter; then
    define_chaincode "$name" "$channel" "$version" "$sequence" ""
    info "$name $version (sequence $sequence) approved on $channel; ControlCenter commits it"
    return
  fi
  old_record=$(record_of "$name" "$old")
  if [ -f "$old_record" ] && [ "$(cut -d ' ' -f 3 "$old_record")" = "$offset" ]; then offset=$((offset + SECOND_PORT)); fi
  label="${name}_$version"
  file="$STATE_DIR/chaincode/$label.tar.gz"
  tls="$ORGS_DIR/peerOrganizations/$CC_DOMAIN/peers"
  node "$NETWORK_DIR/lib/package.mjs" "$file" "$label" "$offset" "$tls/chaincode-server.$CC_DOMAIN/tls/ca.crt" \
    "$tls/chaincode-client.$CC_DOMAIN/tls/server.crt" "$tls/chaincode-client.$CC_DOMAIN/tls/server.key"
  id=$(peer lifecycle chaincode calculatepackageid "$file")
  start_chaincode "$name" "$offset" "$version" "$id"
  printf '%s %s %s %s\n' "$name" "$version" "$offset" "$id" >"$(record_of "$name" "$version")"
  install_chaincode "$file"
  wait_chaincode "$name" "$offset" "$version"
  define_chaincode "$name" "$channel" "$version" "$sequence" "$id"
  if [ -n "$old" ]; then
    while read -r peer _; do stop "chaincode-$name-$old-$peer"; done < <(chaincode_peers)
    rm -f "$old_record"
  fi
  info "$name $version (sequence $sequence) on $channel"
}

deploy_chaincodes() {
  local name channel offset jobs=()
  [ -d "$STATE_DIR/channels" ] || fail NO_CHANNEL "no channels stand; run 'network.sh createChannel' first"
  mkdir -p "$STATE_DIR/chaincode"
  CC_DOMAIN=$(first_peer_of "$CC_MSP" | cut -d ' ' -f 1)
  while read -r name channel offset; do
    case " ${CHANNELS[*]} " in *" $channel "*) ;; *) continue ;; esac
    ! operates ControlCenter || [ -f "$CHAINCODE_DIR/build/$name/index.js" ] ||
      fail NOT_BUILT "chaincode/build/$name is missing; run 'npm run build'"
    deploy "$name" "$channel" "$offset" &
    jobs+=("$!")
  done < <(topology chaincodes)
  await "deploying chaincode" "${jobs[@]}"
}

restart_chaincodes() {
  local record jobs=()
  for record in "$STATE_DIR"/chaincode/*.package; do
    [ -e "$record" ] || continue
    start_recorded "$record" &
    jobs+=("$!")
  done
  [ "${#jobs[@]}" = 0 ] || await "starting chaincode" "${jobs[@]}"
}
