// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../crypto/bytes.js';
import { type Crypto, DIGEST_LENGTH, SIGNATURE_LENGTH, type SigningKey } from '../crypto/crypto.js';
import { MAXIMUM_EPOCH } from '../crypto/ggm.js';
import { MAXIMUM_REGISTRY_DEPTH } from '../identity/registry.js';
import {
  encodeCanonical,
  type JsonObject,
  parseCanonical,
  readHex,
  readInteger,
  readObject,
  readString,
} from './canonical-json.js';
import { signDocument, verifyDocument } from './document.js';
import { checkRegion, REGION_LENGTH } from './ledger-id.js';
import { MAXIMUM_METERS, MAXIMUM_REGISTRY_ROOT_BYTES, MAXIMUM_SECONDS } from './limits.js';

/** Merkle root over the meters registered in an epoch; published at a fixed cadence, changed or not. */
export interface RegistryRoot {
  readonly region: string;
  readonly epoch: number;
  /** Merkle root, 32 bytes. */
  readonly root: Uint8Array;
  /** Levels of the tree; 2^depth leaves, padding among them. */
  readonly depth: number;
  /** Registered meters, at least 1: a price per registered meter needs one. */
  readonly meters: number;
  /** Start of the epoch, Unix seconds. */
  readonly effectiveFromSeconds: number;
}

/** A registry root with CC's signature, 64 bytes. */
export interface SignedRegistryRoot {
  readonly registryRoot: RegistryRoot;
  readonly signature: Uint8Array;
}

/** Signs a registry root with CC's signature key. */
export function signRegistryRoot(crypto: Crypto, registryRoot: RegistryRoot, key: SigningKey): SignedRegistryRoot {
  const bytes = encodeCanonical(registryRootToJson(registryRoot));
  return { registryRoot, signature: signDocument(crypto, 'registry-root', bytes, key) };
}

/** Checks CC's signature. @throws ProtocolError `BAD_SIGNATURE` */
export function verifyRegistryRootSignature(crypto: Crypto, signed: SignedRegistryRoot, publicKey: Uint8Array): void {
  const bytes = encodeCanonical(registryRootToJson(signed.registryRoot));
  verifyDocument(crypto, 'registry-root', bytes, { signature: signed.signature, publicKey });
}

/** Canonical JSON `{"registryRoot":{…},"signature":"…"}`. */
export function encodeRegistryRoot(signed: SignedRegistryRoot): Uint8Array {
  return encodeCanonical({ registryRoot: registryRootToJson(signed.registryRoot), signature: toHex(signed.signature) });
}

/** Reads a signed registry root; the signature is not checked here. @throws ProtocolError as `parseCanonical` and the readers */
export function decodeRegistryRoot(bytes: Uint8Array): SignedRegistryRoot {
  const signed = readObject(parseCanonical(bytes, MAXIMUM_REGISTRY_ROOT_BYTES), ['registryRoot', 'signature']);
  const fields = readObject(signed.registryRoot, [
    'region',
    'epoch',
    'root',
    'depth',
    'meters',
    'effectiveFromSeconds',
  ]);
  return {
    registryRoot: {
      region: checkRegion(readString(fields.region, REGION_LENGTH)),
      epoch: readInteger(fields.epoch, 0, MAXIMUM_EPOCH),
      root: readHex(fields.root, DIGEST_LENGTH),
      depth: readInteger(fields.depth, 0, MAXIMUM_REGISTRY_DEPTH),
      meters: readInteger(fields.meters, 1, MAXIMUM_METERS),
      effectiveFromSeconds: readInteger(fields.effectiveFromSeconds, 0, MAXIMUM_SECONDS),
    },
    signature: readHex(signed.signature, SIGNATURE_LENGTH),
  };
}

function registryRootToJson(root: RegistryRoot): JsonObject {
  return {
    region: root.region,
    epoch: root.epoch,
    root: toHex(root.root),
    depth: root.depth,
    meters: root.meters,
    effectiveFromSeconds: root.effectiveFromSeconds,
  };
}
