// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '../errors.js';
import { asciiBytes, concatBytes, wipe } from './bytes.js';
import { DIGEST_LENGTH } from './crypto.js';
import type { Crypto } from './crypto.js';

/** HKDF's salt where the input is a uniform key already. */
export const NO_SALT = new Uint8Array(0);

/** Subjects of plain digests. One name, one use. */
export type DigestDomain = (typeof DIGEST_DOMAINS)[number];
const DIGEST_DOMAINS = [
  'header',
  'provider-header',
  'seal',
  'parameters',
  'tariff',
  'directory',
  'consumers',
  'successor',
  'index',
  'registry',
  'registry-root',
  'descriptor',
  'price',
] as const;

/** Purposes of tags and derived keys. */
export type MacDomain = (typeof MAC_DOMAINS)[number];
const MAC_DOMAINS = ['enrolment', 'packet', 'padding', 'pseudonym'] as const;

const EMPTY = new Uint8Array(0);
const HKDF_MAXIMUM_LENGTH = 255 * DIGEST_LENGTH;

/**
 * The domain prefix: ASCII `gridveil/v1/<name>` and a zero byte. No name holds a zero byte, so no prefix begins
 * another one, and no input of one function is an input of another.
 */
export function prefix(name: string): Uint8Array {
  return concatBytes(asciiBytes(`gridveil/v1/${name}`), new Uint8Array(1));
}

const H_PREFIX = prefix('H');
const H1_PREFIX = prefix('H1');
const H2_PREFIX = prefix('H2');
const RATCHET_PREFIX = prefix('ratchet');
const DOMAIN_PREFIXES = Object.fromEntries(
  [...DIGEST_DOMAINS, ...MAC_DOMAINS].map((domain) => [domain, prefix(domain)]),
) as Record<DigestDomain | MacDomain, Uint8Array>;

/** The paper's keyed H, which makes pseudonyms: HMAC-SHA-256(key, prefix(H) ‖ message). 32 bytes. */
export function H(crypto: Crypto, key: Uint8Array, message: Uint8Array): Uint8Array {
  return crypto.hmacSha256(key, H_PREFIX, message);
}

/** The paper's H1, from a group element to 32 bytes: SHA-256(prefix(H1) ‖ point). */
export function H1(crypto: Crypto, point: Uint8Array): Uint8Array {
  return crypto.sha256(H1_PREFIX, point);
}

/** The paper's H2, the message that is signed: SHA-256(prefix(H2) ‖ message). 32 bytes. */
export function H2(crypto: Crypto, message: Uint8Array): Uint8Array {
  return crypto.sha256(H2_PREFIX, message);
}

/** One step of the link key: h_{e+1} = HMAC-SHA-256(h_e, prefix(ratchet)). 32 bytes. */
export function ratchet(crypto: Crypto, linkKey: Uint8Array): Uint8Array {
  return crypto.hmacSha256(linkKey, RATCHET_PREFIX);
}

/** SHA-256(prefix(domain) ‖ parts). 32 bytes. */
export function digest(crypto: Crypto, domain: DigestDomain, ...parts: readonly Uint8Array[]): Uint8Array {
  return crypto.sha256(DOMAIN_PREFIXES[domain], ...parts);
}

/** HMAC-SHA-256(key, prefix(domain) ‖ parts). 32 bytes. */
export function mac(crypto: Crypto, domain: MacDomain, key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  return crypto.hmacSha256(key, DOMAIN_PREFIXES[domain], ...parts);
}

/** Inputs of HKDF. */
export interface HkdfInputs {
  /** Empty means 32 zero bytes. */
  readonly salt: Uint8Array;
  readonly inputKey: Uint8Array;
  readonly info: Uint8Array;
  /** Bytes wanted, at most 8,160. */
  readonly length: number;
}

/**
 * HKDF-SHA-256 (RFC 5869), extract and expand.
 *
 * @throws LIMIT_EXCEEDED for a length above 8,160
 */
export function hkdf(crypto: Crypto, { salt, inputKey, info, length }: HkdfInputs): Uint8Array {
  if (length > HKDF_MAXIMUM_LENGTH) {
    throw new ProtocolError('LIMIT_EXCEEDED', 'HKDF gives at most 8,160 bytes');
  }
  const pseudorandomKey = crypto.hmacSha256(salt, inputKey);
  const output = new Uint8Array(length);
  let block: Uint8Array = EMPTY;
  for (let offset = 0, counter = 1; offset < length; offset += DIGEST_LENGTH, counter++) {
    block = crypto.hmacSha256(pseudorandomKey, block, info, Uint8Array.of(counter));
    output.set(block.subarray(0, length - offset), offset);
  }
  wipe(pseudorandomKey);
  return output;
}
