// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../crypto/bytes.js';
import { DIGEST_LENGTH, KEY_LENGTH, SIGNATURE_LENGTH, type Crypto, type SigningKey } from '../crypto/crypto.js';
import { digest } from '../crypto/hash.js';
import { MAXIMUM_EPOCH } from '../crypto/ggm.js';
import { ProtocolError } from '../errors.js';
import {
  encodeCanonical,
  parseCanonical,
  readArray,
  readHex,
  readInteger,
  readObject,
  readString,
  type JsonObject,
  type JsonValue,
} from '../ledger/canonical-json.js';
import { signDocument, verifyDocument } from '../ledger/document.js';
import { checkRegion, REGION_LENGTH } from '../ledger/ledger-id.js';
import { MAXIMUM_SECONDS } from '../ledger/limits.js';
import { MAXIMUM_LAYERS } from './geometry.js';

/** Descriptor of a relay for one registry epoch, signed with its identity key. */
export interface RelayDescriptor {
  readonly region: string;
  readonly epoch: number;
  /** Name of its operator: 1–64 characters of a–z, 0–9, `.` and `-`. */
  readonly operator: string;
  /** Layer it serves, 1 is where packets enter. */
  readonly layer: number;
  /** `host:port`, see {@link parseAddress}. */
  readonly address: string;
  /** Ed25519 key that signs the descriptor, 32 bytes. */
  readonly identity: Uint8Array;
  /** SHA-256 of the SubjectPublicKeyInfo of the relay's TLS key. */
  readonly linkPin: Uint8Array;
  /** X25519 key that opens its onion layer during this epoch, 32 bytes. */
  readonly onionKey: Uint8Array;
  /** First second in which packets of this epoch are sent. */
  readonly validFromSeconds: number;
  /** First second in which they are sent no more. */
  readonly validUntilSeconds: number;
}

export interface SignedDescriptor {
  readonly descriptor: RelayDescriptor;
  readonly signature: Uint8Array;
}

/** The control center as the last layer's relays see it. */
export interface ControlCenterEntry {
  readonly address: string;
  readonly linkPin: Uint8Array;
  /** X25519 key that opens packets for the control center during this epoch, never pk_CC. */
  readonly onionKey: Uint8Array;
}

/** The view of the onion tier that all parties use during an epoch. */
export interface Directory {
  readonly region: string;
  readonly epoch: number;
  /** Number of layers, 1 to MAXIMUM_LAYERS. */
  readonly layers: number;
  readonly validFromSeconds: number;
  readonly validUntilSeconds: number;
  readonly controlCenter: ControlCenterEntry;
  /** P-256 SubjectPublicKeyInfo (DER, 91 bytes) under whose certificates relays take links of meters and hubs. */
  readonly linkAuthority: Uint8Array;
  /** Sorted by layer, then address. A packet's next hop is an index into this list. */
  readonly relays: readonly SignedDescriptor[];
}

export interface SignedDirectory {
  readonly directory: Directory;
  /** The control center's Ed25519 signature. */
  readonly signature: Uint8Array;
}

/** Relays of one region: 128 in each of 8 layers; at 700 bytes each the file stays under 1 MB. */
export const MAXIMUM_RELAYS = 1_024;

/** Bytes of one signed descriptor: ten fields, four of them 64 hex digits, a host name of 253 characters. */
export const MAXIMUM_DESCRIPTOR_BYTES = 1_024;

/** Bytes of one signed directory. */
export const MAXIMUM_DIRECTORY_BYTES = (MAXIMUM_RELAYS + 2) * MAXIMUM_DESCRIPTOR_BYTES;

/** Bytes of a P-256 SubjectPublicKeyInfo in DER. */
export const LINK_AUTHORITY_LENGTH = 91;

const OPERATOR = /^[a-z0-9.-]{1,64}$/;
const ADDRESS = /^([a-z0-9.-]{1,253}|\[[0-9a-f:]{2,39}\]):([1-9][0-9]{0,4})$/;
/** Labels of 1 to 63 characters (RFC 1123, 2.1). */
const HOST_NAME = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
const MAXIMUM_ADDRESS_LENGTH = 260;
const MAXIMUM_PORT = 65_535;

/**
 * Reads an address `host:port`. The host is a name of labels of 1 to 63 of a–z, 0–9 and `-`, an IPv4 address in four
 * decimal numbers, or an IPv6 address in brackets in the spelling of RFC 5952; the port is 1 to 65,535. There is one
 * spelling of an address, so that two parties cannot have the same one in two.
 *
 * @returns the host without brackets, and the port
 * @throws ProtocolError MALFORMED
 */
export function parseAddress(address: string): { readonly host: string; readonly port: number } {
  const [, host, port] = ADDRESS.exec(address) ?? [];
  // The parser of URLs gives each host its canonical spelling: an address in any notation, or the name itself.
  if (
    host === undefined ||
    Number(port) > MAXIMUM_PORT ||
    !(host.startsWith('[') || HOST_NAME.test(host)) ||
    !URL.canParse(`http://${host}`) ||
    new URL(`http://${host}`).hostname !== host
  ) {
    throw new ProtocolError('MALFORMED', 'address is not host:port in its canonical spelling');
  }
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** Canonical JSON of a signed descriptor. @throws ProtocolError MALFORMED */
export function encodeSignedDescriptor(signed: SignedDescriptor): Uint8Array {
  return encodeCanonical(signedDescriptorToJson(signed));
}

/** @throws ProtocolError LIMIT_EXCEEDED, MALFORMED, NON_CANONICAL */
export function decodeSignedDescriptor(bytes: Uint8Array): SignedDescriptor {
  return signedDescriptorFromJson(parseCanonical(bytes, MAXIMUM_DESCRIPTOR_BYTES));
}

/** Canonical JSON of a signed directory: the bulletin's `directory/<epoch>.json`. @throws ProtocolError MALFORMED */
export function encodeSignedDirectory(signed: SignedDirectory): Uint8Array {
  return encodeCanonical({ directory: directoryToJson(signed.directory), signature: toHex(signed.signature) });
}

/**
 * Reads a signed directory; says nothing of its truth, see `checkDirectory`.
 *
 * @throws ProtocolError LIMIT_EXCEEDED, MALFORMED, NON_CANONICAL
 */
export function decodeSignedDirectory(bytes: Uint8Array): SignedDirectory {
  const fields = readObject(parseCanonical(bytes, MAXIMUM_DIRECTORY_BYTES), ['directory', 'signature']);
  return {
    directory: directoryFromJson(fields.directory),
    signature: readHex(fields.signature, SIGNATURE_LENGTH),
  };
}

/** Signs a descriptor with the relay's identity key. */
export function signDescriptor(crypto: Crypto, descriptor: RelayDescriptor, identity: SigningKey): SignedDescriptor {
  const bytes = encodeCanonical(descriptorToJson(descriptor));
  return { descriptor, signature: signDocument(crypto, 'descriptor', bytes, identity) };
}

/** Checks that the relay named in the descriptor signed it. @throws ProtocolError BAD_SIGNATURE */
export function verifyDescriptorSignature(crypto: Crypto, { descriptor, signature }: SignedDescriptor): void {
  const bytes = encodeCanonical(descriptorToJson(descriptor));
  verifyDocument(crypto, 'descriptor', bytes, signature, descriptor.identity);
}

/** SHA-256(prefix(directory) ‖ canonical JSON of the unsigned directory): what consumption seals bind. */
export function directoryDigest(crypto: Crypto, directory: Directory): Uint8Array {
  return digest(crypto, 'directory', encodeCanonical(directoryToJson(directory)));
}

/** Signs a directory with the control center's key. */
export function signDirectory(crypto: Crypto, directory: Directory, key: SigningKey): SignedDirectory {
  const bytes = encodeCanonical(directoryToJson(directory));
  return { directory, signature: signDocument(crypto, 'directory', bytes, key) };
}

/** Checks that the control center signed a directory. @throws ProtocolError BAD_SIGNATURE */
export function verifyDirectorySignature(
  crypto: Crypto,
  { directory, signature }: SignedDirectory,
  signaturePublicKey: Uint8Array,
): void {
  verifyDocument(crypto, 'directory', encodeCanonical(directoryToJson(directory)), signature, signaturePublicKey);
}

function descriptorToJson(descriptor: RelayDescriptor): JsonObject {
  return {
    address: descriptor.address,
    epoch: descriptor.epoch,
    identity: toHex(descriptor.identity),
    layer: descriptor.layer,
    linkPin: toHex(descriptor.linkPin),
    onionKey: toHex(descriptor.onionKey),
    operator: descriptor.operator,
    region: descriptor.region,
    validFromSeconds: descriptor.validFromSeconds,
    validUntilSeconds: descriptor.validUntilSeconds,
  };
}

function descriptorFromJson(value: JsonValue): RelayDescriptor {
  const fields = readObject(value, [
    'address',
    'epoch',
    'identity',
    'layer',
    'linkPin',
    'onionKey',
    'operator',
    'region',
    'validFromSeconds',
    'validUntilSeconds',
  ]);
  const operator = readString(fields.operator, 64);
  if (!OPERATOR.test(operator)) {
    throw new ProtocolError('MALFORMED', 'operator is not 1 to 64 of a-z, 0-9, . and -');
  }
  return {
    region: checkRegion(readString(fields.region, REGION_LENGTH)),
    epoch: readInteger(fields.epoch, 0, MAXIMUM_EPOCH),
    operator,
    layer: readInteger(fields.layer, 1, MAXIMUM_LAYERS),
    address: readAddress(fields.address),
    identity: readHex(fields.identity, KEY_LENGTH),
    linkPin: readHex(fields.linkPin, DIGEST_LENGTH),
    onionKey: readHex(fields.onionKey, KEY_LENGTH),
    validFromSeconds: readInteger(fields.validFromSeconds, 0, MAXIMUM_SECONDS),
    validUntilSeconds: readInteger(fields.validUntilSeconds, 0, MAXIMUM_SECONDS),
  };
}

function signedDescriptorToJson({ descriptor, signature }: SignedDescriptor): JsonObject {
  return { descriptor: descriptorToJson(descriptor), signature: toHex(signature) };
}

function signedDescriptorFromJson(value: JsonValue): SignedDescriptor {
  const fields = readObject(value, ['descriptor', 'signature']);
  return {
    descriptor: descriptorFromJson(fields.descriptor),
    signature: readHex(fields.signature, SIGNATURE_LENGTH),
  };
}

function directoryToJson(directory: Directory): JsonObject {
  const { controlCenter } = directory;
  return {
    controlCenter: {
      address: controlCenter.address,
      linkPin: toHex(controlCenter.linkPin),
      onionKey: toHex(controlCenter.onionKey),
    },
    epoch: directory.epoch,
    layers: directory.layers,
    linkAuthority: toHex(directory.linkAuthority),
    region: directory.region,
    relays: directory.relays.map(signedDescriptorToJson),
    validFromSeconds: directory.validFromSeconds,
    validUntilSeconds: directory.validUntilSeconds,
  };
}

function directoryFromJson(value: JsonValue): Directory {
  const fields = readObject(value, [
    'controlCenter',
    'epoch',
    'layers',
    'linkAuthority',
    'region',
    'relays',
    'validFromSeconds',
    'validUntilSeconds',
  ]);
  const controlCenter = readObject(fields.controlCenter, ['address', 'linkPin', 'onionKey']);
  return {
    region: checkRegion(readString(fields.region, REGION_LENGTH)),
    epoch: readInteger(fields.epoch, 0, MAXIMUM_EPOCH),
    layers: readInteger(fields.layers, 1, MAXIMUM_LAYERS),
    validFromSeconds: readInteger(fields.validFromSeconds, 0, MAXIMUM_SECONDS),
    validUntilSeconds: readInteger(fields.validUntilSeconds, 0, MAXIMUM_SECONDS),
    controlCenter: {
      address: readAddress(controlCenter.address),
      linkPin: readHex(controlCenter.linkPin, DIGEST_LENGTH),
      onionKey: readHex(controlCenter.onionKey, KEY_LENGTH),
    },
    linkAuthority: readHex(fields.linkAuthority, LINK_AUTHORITY_LENGTH),
    relays: readArray(fields.relays, MAXIMUM_RELAYS, signedDescriptorFromJson),
  };
}

function readAddress(value: JsonValue): string {
  const address = readString(value, MAXIMUM_ADDRESS_LENGTH);
  parseAddress(address);
  return address;
}
