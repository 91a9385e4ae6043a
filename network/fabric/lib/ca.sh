# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Certificates by fabric-ca, in cryptogen's folder layout: one server per organisation, which keeps running for renewals.

random_secret() { node -e "process.stdout.write(require('node:crypto').randomBytes(24).toString('base64url'))"; }

# Starts every organisation's CA; its bootstrap secret is made once and kept 0600 in the CA's folder.
start_cas() {
  local domain port home
  # an identity that an interrupted run has registered cannot be registered again: such a run begins anew
  if [ ! -d "$ORGS_DIR" ] && [ -d "$CA_DIR" ]; then
    # shellcheck disable=SC2034 # uses_ca reads it
    USE_CA=true
    while read -r _ _ domain _; do stop "ca.$domain"; done < <(own_cas)
    rm -rf "$CA_DIR"
  fi
  while read -r _ _ domain port; do
    if running "ca.$domain"; then continue; fi
    home="$CA_DIR/$domain"
    mkdir -p "$home"
    [ -f "$home/secret" ] || (umask 077 && random_secret >"$home/secret")
    # by the environment: every user of the machine can read a command line
    FABRIC_CA_SERVER_BOOT="admin:$(cat "$home/secret")" start "ca.$domain" "fabric-ca-server start --home $home" \
      fabric-ca-server start --home "$home" --port "$port" --address 127.0.0.1 --csr.cn "ca.$domain" --csr.hosts localhost,127.0.0.1 \
      --ca.name "ca-$domain" --tls.enabled --operations.listenaddress 127.0.0.1:0 --loglevel warning
  done < <(own_cas)
  while read -r _ _ domain port; do wait_port "ca.$domain" 127.0.0.1 "$port"; done < <(own_cas)
}

# enroll FOLDER NAME PORT DOMAIN SECRET ARGS...: fabric-ca-client with this organisation's TLS root.
ca_enroll() {
  local target=$1 name=$2 port=$3 domain=$4 secret=$5
  shift 5
  FABRIC_CA_CLIENT_HOME="$CA_DIR/$domain/client" FABRIC_CA_CLIENT_URL="https://$name:$secret@127.0.0.1:$port" \
    quietly fabric-ca-client enroll --loglevel warning --caname "ca-$domain" -M "$target" --csr.cn "$name" \
    --tls.certfiles "$CA_DIR/$domain/ca-cert.pem" "$@"
}

# One identity: registered with a secret used here and nowhere else, then its MSP, its TLS pair, or both.
enroll_identity() {
  local org=$1 domain=$2 port=$3 folder=$4 name=$5 type=$6 host=$7 secret dir="$1/$4/$5"
  secret=$(random_secret)
  local registered=$type
  if [ "$type" = tls ]; then registered=client; fi
  FABRIC_CA_CLIENT_HOME="$CA_DIR/$domain/client" FABRIC_CA_CLIENT_ID_SECRET="$secret" \
    quietly fabric-ca-client register --loglevel warning -u "https://127.0.0.1:$port" --caname "ca-$domain" \
    --id.name "$name" --id.type "$registered" \
    --id.maxenrollments 2 --tls.certfiles "$CA_DIR/$domain/ca-cert.pem"
  if [ "$type" != tls ]; then
    ca_enroll "$dir/msp" "$name" "$port" "$domain" "$secret"
    mv "$dir/msp/signcerts/cert.pem" "$dir/msp/signcerts/$name-cert.pem"
    rm -rf "$dir/msp/cacerts"
    mkdir -p "$dir/msp/cacerts" "$dir/msp/tlscacerts"
    cp "$org/msp/cacerts/"* "$dir/msp/cacerts/"
    cp "$org/msp/tlscacerts/"* "$dir/msp/tlscacerts/"
    cp "$org/msp/config.yaml" "$dir/msp/"
  fi
  if [ "$host" != - ]; then
    ca_enroll "$dir/tls.partial" "$name" "$port" "$domain" "$secret" --enrollment.profile tls \
      --csr.hosts "$name,localhost,127.0.0.1,$host"
    mkdir -p "$dir/tls"
    cp "$CA_DIR/$domain/ca-cert.pem" "$dir/tls/ca.crt"
    mv "$dir/tls.partial/signcerts/cert.pem" "$dir/tls/server.crt"
    mv "$dir/tls.partial/keystore/"*_sk "$dir/tls/server.key"
    rm -rf "$dir/tls.partial"
  fi
}

enroll_organization() {
  local work=$1 kind=$2 domain=$3 port=$4 org folder name type host
  org="$work/${kind}Organizations/$domain"
  mkdir -p "$org/msp/cacerts" "$org/msp/tlscacerts" "$org/ca" "$org/tlsca"
  cp "$CA_DIR/$domain/ca-cert.pem" "$org/msp/cacerts/ca.$domain-cert.pem"
  cp "$CA_DIR/$domain/ca-cert.pem" "$org/msp/tlscacerts/tlsca.$domain-cert.pem"
  cp "$CA_DIR/$domain/ca-cert.pem" "$org/ca/ca.$domain-cert.pem"
  cp "$CA_DIR/$domain/ca-cert.pem" "$org/tlsca/tlsca.$domain-cert.pem"
  {
    printf 'NodeOUs:\n  Enable: true\n'
    for type in Client Peer Admin Orderer; do
      printf '  %sOUIdentifier:\n    Certificate: cacerts/ca.%s-cert.pem\n    OrganizationalUnitIdentifier: %s\n' \
        "$type" "$domain" "$(printf '%s' "$type" | tr '[:upper:]' '[:lower:]')"
    done
  } >"$org/msp/config.yaml"
  ca_enroll "$CA_DIR/$domain/client/msp" admin "$port" "$domain" "$(cat "$CA_DIR/$domain/secret")"
  while read -r folder name type host; do
    enroll_identity "$org" "$domain" "$port" "$folder" "$name" "$type" "$host" || fail ENROLL_FAILED "$name"
  done < <(topology identities "$CONSENSUS" "$domain")
}

enroll_with_ca() {
  local work=$1 kind domain port jobs=()
  info "certificates: fabric-ca"
  while read -r kind _ domain port; do
    enroll_organization "$work" "$kind" "$domain" "$port" &
    jobs+=("$!")
  done < <(own_cas)
  await "enrolling with fabric-ca" ${jobs[@]+"${jobs[@]}"}
}
