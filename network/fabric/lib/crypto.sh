# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Certificates: cryptogen for a laptop, fabric-ca (-ca) for networks whose keys matter.

generate_crypto() {
  [ ! -d "$ORGS_DIR" ] || return 0
  local work="$STATE_DIR/organizations.partial"
  rm -rf "$work"
  mkdir -p "$work"
  if uses_ca; then
    enroll_with_ca "$work"
  else
    info "certificates: cryptogen"
    topology cryptogen "$CONSENSUS" ${OPERATORS:+"$OPERATORS"} >"$STATE_DIR/crypto-config.yaml"
    quietly cryptogen generate --config="$STATE_DIR/crypto-config.yaml" --output="$work"
  fi
  # the link between peers and chaincode needs TLS certificates and no Fabric identity
  find "$work/peerOrganizations" -type d -path '*/peers/chaincode-*/msp' -prune -exec rm -rf {} +
  topology profiles "$work" ${OPERATORS:+"$OPERATORS"}
  chmod -R go-rwx "$work"
  mv "$work" "$ORGS_DIR"
}
