// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../crypto/bytes.js';
import { DIGEST_LENGTH, KEY_LENGTH } from '../crypto/crypto.js';
import { type JsonObject, type JsonValue, readHex, readObject, readString } from './canonical-json.js';
import { MAXIMUM_MSP_ID_LENGTH } from './limits.js';

/** The service provider's public names. */
export interface ServiceProviderParameters {
  readonly mspId: string;
  /** ID_SP, 32 bytes. */
  readonly identity: Uint8Array;
  /** sigPk_SP, Ed25519, 32 bytes. */
  readonly signaturePublicKey: Uint8Array;
  /** Commitment to the key of the price rows' pseudonyms, 32 bytes. */
  readonly pricePseudonymCommitment: Uint8Array;
}

/** The names as JSON. */
export function serviceProviderToJson(serviceProvider: ServiceProviderParameters): JsonObject {
  return {
    mspId: serviceProvider.mspId,
    identity: toHex(serviceProvider.identity),
    signaturePublicKey: toHex(serviceProvider.signaturePublicKey),
    pricePseudonymCommitment: toHex(serviceProvider.pricePseudonymCommitment),
  };
}

/** Reads the names from JSON. @throws ProtocolError `MALFORMED` */
export function serviceProviderFromJson(value: JsonValue): ServiceProviderParameters {
  const fields = readObject(value, ['mspId', 'identity', 'signaturePublicKey', 'pricePseudonymCommitment']);
  return {
    mspId: readString(fields.mspId, MAXIMUM_MSP_ID_LENGTH),
    identity: readHex(fields.identity, DIGEST_LENGTH),
    signaturePublicKey: readHex(fields.signaturePublicKey, KEY_LENGTH),
    pricePseudonymCommitment: readHex(fields.pricePseudonymCommitment, DIGEST_LENGTH),
  };
}
