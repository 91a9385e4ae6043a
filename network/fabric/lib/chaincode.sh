# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2153 # ANSWER is set by with_leader of channels.sh
# Chaincode as a service: package, install on CC's peers, approve, commit, start; and the same again for a new version or
# a new address. Each chaincode has two ports: what replaces a package listens on the port that the approved one does
# not use, so the old server answers until peers have turned to the new one.

CHAINCODE_DIR=$(cd "$NETWORK_DIR/../../chaincode" && pwd)
# From a chaincode's first port to its second.
SECOND_PORT=5
# A transaction that the old server is simulating when peers turn to the new one is answered within this time.
DRAIN_SECONDS=2
# Longer than the peer's dial time-out for a chaincode server, 10 s.
ANSWER_SECONDS=30
# Where chaincode servers get their TLS certificates from, in cryptogen's layout.
CHAINCODE_ORGS_DIR="${CHAINCODE_ORGS_DIR:-$ORGS_DIR}"
# Set where all CC peers reach one server on this host: what they dial, where it listens, and the port before the first.
CHAINCODE_HOST="${CHAINCODE_HOST:-}"
CHAINCODE_LISTEN="${CHAINCODE_LISTEN:-}"
CHAINCODE_BASE="${CHAINCODE_BASE:-}"

# Whether the control center's peers, and so the chaincodes, run on this machine.
runs_chaincode() { operates "$CC_NAME"; }

# The peers that run chaincode: name, domain, host, port, then host and base port of their chaincode servers.
chaincode_peers() {
  all_nodes | awk -v listen="$CHAINCODE_LISTEN" -v base="$CHAINCODE_BASE" '$1 == "peer" && $9 != "-" {
    print $2, $4, $5, $6, (listen == "" ? $5 : listen), (base == "" ? $9 : base) }'
}

# What CC's peers dial. Without a common host, each peer's builder fills in its own, so one package serves all of them.
chaincode_address() {
  if [ -n "$CHAINCODE_HOST" ]; then
    printf '%s:%s' "$CHAINCODE_HOST" "$((CHAINCODE_BASE + $1))"
  else
    printf '{{host}}:{{base}}%s' "$1"
  fi
}

# Runs the peer CLI as the control center's admin against its first peer.
as_control_center() {
  local domain address
  read -r domain address < <(first_peer_of "$CC_MSP")
  as_admin "$CC_MSP" "$domain" "$address" "$@"
}

# The committed definition of a chaincode as "version sequence"; empty when there is none, which `peer` reports as an error.
committed() {
  local answer
  answer=$(as_control_center peer lifecycle chaincode querycommitted -C "$2" -n "$1" 2>&1) ||
    case "$answer" in
      *"is not defined"*) return 0 ;;
      *) fail QUERY_FAILED "cannot query the definition of $1 on $2: $answer" ;;
    esac
  printf '%s\n' "$answer" | sed -n 's/^Version: \([^,]*\), Sequence: \([0-9]*\),.*/\1 \2/p'
}

# Id of the package that CC has approved for a sequence; empty when there is none.
approved_package() {
  local answer
  answer=$(as_control_center peer lifecycle chaincode queryapproved -C "$2" -n "$1" --sequence "$3" --output json 2>&1) ||
    case "$answer" in
      *"could not fetch approved"*) return 0 ;;
      *) fail QUERY_FAILED "cannot query the approved definition of $1 on $2: $answer" ;;
    esac
  printf '%s' "$answer" | node -e '
    const { source } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
    process.stdout.write(source?.Type?.LocalPackage?.package_id ?? "");'
}

start_chaincode() {
  local name=$1 offset=$2 id=$3 peer domain listen base tls
  while read -r peer _ _ _ listen base; do
    if ! running "chaincode-$name-$offset-$peer" && port_open "$listen" "$((base + offset))"; then
      fail PORT_TAKEN "$listen:$((base + offset)) (chaincode $name): another program listens on this port"
    fi
  done < <(chaincode_peers)
  while read -r peer domain _ _ listen base; do
    if running "chaincode-$name-$offset-$peer"; then continue; fi
    tls="$CHAINCODE_ORGS_DIR/peerOrganizations/$domain/peers/chaincode-server.$domain/tls"
    # CORE_PEER_LOCALMSPID: the contracts take the organisation that runs them as the control center
    (cd "$CHAINCODE_DIR/build/$name" && start "chaincode-$name-$offset-$peer" "--chaincode-address $listen:$((base + offset)) --chaincode-id $id" env \
      CORE_PEER_LOCALMSPID="$CC_MSP" CORE_CHAINCODE_LOGGING_LEVEL=ERROR NODE_ENV=production \
      node "$CHAINCODE_DIR/node_modules/fabric-shim/cli.js" server \
      --chaincode-address "$listen:$((base + offset))" --chaincode-id "$id" \
      --chaincode-tls-cert-file "$tls/server.crt" --chaincode-tls-key-file "$tls/server.key" \
      --chaincode-tls-client-cacert-file "$tls/ca.crt")
  done < <(chaincode_peers)
}

# A peer that dials before a chaincode listens refuses the transaction, so the definition waits for this.
wait_chaincode() {
  local name=$1 offset=$2 peer listen base
  while read -r peer _ _ _ listen base; do
    wait_port "chaincode-$name-$offset-$peer" "$listen" "$((base + offset))"
  done < <(chaincode_peers)
}

stop_chaincode() {
  local name=$1 offset=$2 peer
  while read -r peer _; do stop "chaincode-$name-$offset-$peer"; done < <(chaincode_peers)
  rm -f "$(record_of "$name" "$offset")"
}

install_chaincode() {
  local file=$1 peer domain host port jobs=()
  while read -r peer domain host port _; do
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
  until with_leader as_control_center peer lifecycle chaincode commit "$@" "${targets[@]}"; do
    tries=$((tries + 1))
    if [ -z "$OPERATORS" ] || [ "$tries" -ge 60 ]; then fail COMMIT_FAILED "$name $version on $channel: $ANSWER"; fi
    info "$name $version: waiting for the other organisations to approve"
    sleep 5
  done
  verbose "$ANSWER"
}

# Having approved the very same before is as good: so does a run that continues where another was interrupted.
approve_definition() {
  local msp=$1 domain=$2 address=$3
  shift 3
  with_leader as_admin "$msp" "$domain" "$address" peer lifecycle chaincode approveformyorg "$@" ||
    case "$ANSWER" in *"unchanged content"*) ;; *) fail APPROVE_FAILED "$msp: $ANSWER" ;; esac
  verbose "$ANSWER"
}

# define_chaincode NAME CHANNEL VERSION SEQUENCE PACKAGE_ID [yes]: approvals, and the commit unless it is done (yes).
# Only CC holds the package; the other organisations approve the definition without it.
define_chaincode() {
  local name=$1 channel=$2 version=$3 sequence=$4 id=$5 committed=${6:-no} org msp domain address jobs=() package=()
  local orderer override ca
  read -r orderer override ca < <(first_orderer)
  local definition=(-o "$orderer" --ordererTLSHostnameOverride "$override" --tls --cafile "$ca"
    -C "$channel" -n "$name" -v "$version" --sequence "$sequence" --signature-policy "$(topology value policies.endorsement)")
  while read -r org msp domain; do
    read -r domain address < <(first_peer_of "$msp")
    package=()
    # a committed definition is the others' already; CC's package for it is CC's own affair
    if [ "$msp" = "$CC_MSP" ]; then package=(--package-id "$id"); elif [ "$committed" = yes ]; then continue; fi
    approve_definition "$msp" "$domain" "$address" "${definition[@]}" ${package[@]+"${package[@]}"} &
    jobs+=("$!")
    verbose "$org approves $name $version"
  done < <(own_organizations)
  await "approving $name $version" ${jobs[@]+"${jobs[@]}"}
  if [ "$committed" = yes ] || ! runs_chaincode; then return; fi
  commit_definition "$name" "$version" "$channel" "${definition[@]}"
}

# Asks the contract for its metadata through CC's peers until all answer: a definition says nothing about whether its
# server can be reached.
await_answer() {
  local name=$1 channel=$2 offset=$3 peer domain host port answer started=$SECONDS
  while read -r peer domain host port _; do
    until answer=$(as_admin "$CC_MSP" "$domain" "$host:$port" peer chaincode query -C "$channel" -n "$name" \
      -c '{"Args":["org.hyperledger.fabric:GetMetadata"]}' 2>&1); do
      [ $((SECONDS - started)) -lt "$ANSWER_SECONDS" ] || fail CHAINCODE_UNREACHABLE \
        "$peer receives no answer from $name at $(chaincode_address "$offset") within $ANSWER_SECONDS s: $answer"
      sleep 0.5
    done
  done < <(chaincode_peers)
}

# What runs: a file for each port, "name version offset package-id". Two exist only while one replaces the other; both are
# started again after an interruption.
record_of() { printf '%s/chaincode/%s-%s.package' "$STATE_DIR" "$1" "$2"; }

# port_of NAME PACKAGE_ID FIRST_OFFSET: the port offset under which the package is recorded; empty if it is not.
port_of() {
  local offset record
  for offset in "$3" $(($3 + SECOND_PORT)); do
    record=$(record_of "$1" "$offset")
    if [ -n "$2" ] && [ -f "$record" ] && [ "$(cut -d ' ' -f 4 "$record")" = "$2" ]; then printf '%s' "$offset"; fi
  done
}

# other_port OFFSET FIRST_OFFSET
other_port() { if [ "$1" = "$2" ]; then printf '%s' $(($2 + SECOND_PORT)); else printf '%s' "$2"; fi; }

start_recorded() {
  local name offset id
  read -r name _ offset id <"$1"
  start_chaincode "$name" "$offset" "$id"
  wait_chaincode "$name" "$offset"
}

# make_package NAME VERSION OFFSET: writes the package of that address and prints its id. Same content, same id.
make_package() {
  local name=$1 version=$2 offset=$3 domain tls file="$STATE_DIR/chaincode/$1_$2-$3.tar.gz"
  read -r domain _ < <(first_peer_of "$CC_MSP")
  tls="$CHAINCODE_ORGS_DIR/peerOrganizations/$domain/peers"
  node "$NETWORK_DIR/lib/package.mjs" "$file" "${name}_$version" "$(chaincode_address "$offset")" \
    "$tls/chaincode-server.$domain/tls/ca.crt" \
    "$tls/chaincode-client.$domain/tls/server.crt" "$tls/chaincode-client.$domain/tls/server.key"
  peer lifecycle chaincode calculatepackageid "$file"
}

# deploy NAME CHANNEL OFFSET: brings a chaincode to CC_VERSION at its address, from whatever an earlier run left.
deploy() {
  local name=$1 channel=$2 offset=$3 definition version old="" sequence=0 committed=no approved="" current="" id record
  definition=$(committed "$name" "$channel") || exit 1
  read -r old sequence <<<"$definition" || true
  version=${CC_VERSION:-${old:-1.0}}
  if [ "$old" = "$version" ]; then committed=yes; fi
  if runs_chaincode && [ -n "$old" ]; then
    approved=$(approved_package "$name" "$channel" "$sequence") || exit 1
    current=$(port_of "$name" "$approved" "$offset")
  fi
  if [ "$committed" = no ]; then
    case "$CC_SEQUENCE" in auto) sequence=$((${sequence:-0} + 1)) ;; *) sequence=$CC_SEQUENCE ;; esac
  fi
  if ! runs_chaincode; then
    [ "$committed" = yes ] || define_chaincode "$name" "$channel" "$version" "$sequence" ""
    info "$name $version (sequence $sequence) approved on $channel; $CC_NAME commits it"
    return
  fi
  if [ -n "$current" ]; then
    if [ "$committed" = yes ] && [ "$(make_package "$name" "$version" "$current")" = "$approved" ]; then
      start_recorded "$(record_of "$name" "$current")"
      await_answer "$name" "$channel" "$current"
      stop_chaincode "$name" "$(other_port "$current" "$offset")"
      info "$name $version (sequence $sequence) is committed on $channel"
      return
    fi
    offset=$(other_port "$current" "$offset")
  fi
  id=$(make_package "$name" "$version" "$offset")
  record=$(record_of "$name" "$offset")
  if [ -f "$record" ] && [ "$(cut -d ' ' -f 4 "$record")" != "$id" ]; then stop_chaincode "$name" "$offset"; fi
  printf '%s %s %s %s\n' "$name" "$version" "$offset" "$id" >"$record.partial"
  mv "$record.partial" "$record"
  start_chaincode "$name" "$offset" "$id"
  install_chaincode "$STATE_DIR/chaincode/${name}_$version-$offset.tar.gz"
  wait_chaincode "$name" "$offset"
  define_chaincode "$name" "$channel" "$version" "$sequence" "$id" "$committed"
  if ! (await_answer "$name" "$channel" "$offset"); then
    # a region that works continues with the server it had
    [ -z "$current" ] || {
      define_chaincode "$name" "$channel" "$version" "$sequence" "$approved" yes
      info "$name: the server at port offset $current keeps running"
    }
    exit 1
  fi
  if [ -n "$current" ]; then
    sleep "$DRAIN_SECONDS"
    stop_chaincode "$name" "$current"
  fi
  info "$name $version (sequence $sequence) is committed on $channel"
}

# Organisations by their roles.
load_roles() {
  CC_MSP=$(topology value roles.controlCenter)
  CC_NAME=$(topology organizations | awk -v msp="$CC_MSP" '$2 == msp { print $1 }')
}

deploy_chaincodes() {
  local name channel offset jobs=()
  [ -d "$STATE_DIR/channels" ] || fail NO_CHANNEL "no channels exist; run '$PROGRAM createChannel' first"
  mkdir -p "$STATE_DIR/chaincode" "$LOG_DIR" "$PID_DIR"
  load_roles
  while read -r name channel offset; do
    case " ${CHANNELS[*]} " in *" $channel "*) ;; *) continue ;; esac
    ! runs_chaincode || [ -f "$CHAINCODE_DIR/build/$name/index.js" ] ||
      fail NOT_BUILT "chaincode/build/$name is missing; run 'npm run build'"
    deploy "$name" "$channel" "$offset" &
    jobs+=("$!")
  done < <(topology chaincodes)
  await "deploying chaincode" ${jobs[@]+"${jobs[@]}"}
}

restart_chaincodes() {
  local record jobs=()
  load_roles
  for record in "$STATE_DIR"/chaincode/*.package; do
    [ -e "$record" ] || continue
    start_recorded "$record" &
    jobs+=("$!")
  done
  await "starting chaincode" ${jobs[@]+"${jobs[@]}"}
}
