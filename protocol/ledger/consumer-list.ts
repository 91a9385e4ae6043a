// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../crypto/bytes.js';
import { type Crypto, KEY_LENGTH, SIGNATURE_LENGTH, type SigningKey } from '../crypto/crypto.js';
import { MAXIMUM_EPOCH } from '../crypto/ggm.js';
import { digest } from '../crypto/hash.js';
import {
  encodeCanonical,
  type JsonObject,
  parseCanonical,
  readArray,
  readHex,
  readInteger,
  readObject,
  readString,
} from './canonical-json.js';
import { signDocument, verifyDocument } from './document.js';
import { checkRegion, REGION_LENGTH } from './ledger-id.js';
import { MAXIMUM_CONSUMER_LIST_BYTES, MAXIMUM_METERS } from './limits.js';

/**
 * Consumers to whom the service provider sends prices in a registry epoch (price mode `direct`). Each key is a hub's,
 * used for this purpose only, in the order of their bytes: the list does not reveal to which meter, pseudonym or
 * household a key belongs, nor when it was added.
 */
export interface ConsumerList {
  readonly region: string;
  readonly epoch: number;
  /** pk_SP, X25519: with it a consumer makes sk_{SP,U_i}. */
  readonly serviceProviderKey: Uint8Array;
  /** pk_{U_i}, X25519, strictly ascending. */
  readonly consumers: readonly Uint8Array[];
}

/** A list with CC's signature, 64 bytes. */
export interface SignedConsumerList {
  readonly list: ConsumerList;
  readonly signature: Uint8Array;
}

/** Signs a list with CC's signature key. */
export function signConsumerList(crypto: Crypto, list: ConsumerList, key: SigningKey): SignedConsumerList {
  return { list, signature: signDocument(crypto, 'consumers', encodeCanonical(listToJson(list)), key) };
}

/** Checks CC's signature. @throws ProtocolError `BAD_SIGNATURE` */
export function verifyConsumerListSignature(crypto: Crypto, signed: SignedConsumerList, publicKey: Uint8Array): void {
  verifyDocument(crypto, 'consumers', encodeCanonical(listToJson(signed.list)), {
    signature: signed.signature,
    publicKey,
  });
}

/** Digest of a list, which pricing seals bind: SHA-256(prefix('consumers') ‖ canonical JSON without the signature). */
export function consumerListDigest(crypto: Crypto, list: ConsumerList): Uint8Array {
  return digest(crypto, 'consumers', encodeCanonical(listToJson(list)));
}

/** Canonical JSON `{"list":{…},"signature":"…"}`: the bulletin's `consumers/<epoch>.json`. */
export function encodeConsumerList(signed: SignedConsumerList): Uint8Array {
  return encodeCanonical({ list: listToJson(signed.list), signature: toHex(signed.signature) });
}

/** Reads a signed list; `checkConsumerList` judges it. @throws ProtocolError as `parseCanonical` and the readers */
export function decodeConsumerList(bytes: Uint8Array): SignedConsumerList {
  const signed = readObject(parseCanonical(bytes, MAXIMUM_CONSUMER_LIST_BYTES), ['list', 'signature']);
  const fields = readObject(signed.list, ['region', 'epoch', 'serviceProviderKey', 'consumers']);
  return {
    list: {
      region: checkRegion(readString(fields.region, REGION_LENGTH)),
      epoch: readInteger(fields.epoch, 0, MAXIMUM_EPOCH),
      serviceProviderKey: readHex(fields.serviceProviderKey, KEY_LENGTH),
      consumers: readArray(fields.consumers, MAXIMUM_METERS, (value) => readHex(value, KEY_LENGTH)),
    },
    signature: readHex(signed.signature, SIGNATURE_LENGTH),
  };
}

function listToJson(list: ConsumerList): JsonObject {
  return {
    region: list.region,
    epoch: list.epoch,
    serviceProviderKey: toHex(list.serviceProviderKey),
    consumers: list.consumers.map(toHex),
  };
}
