// SPDX-License-Identifier: Apache-2.0
import 'reflect-metadata';
import {
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  webcrypto,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';
import { BasicConstraintsExtension, KeyUsageFlags, KeyUsagesExtension, X509CertificateGenerator } from '@peculiar/x509';
import { P256_ORDER } from '../../protocol/crypto/p256-signature.js';
import { ClientError } from '../runtime/errors.js';

/** Bytes of the secret from which a link key is made. */
export const LINK_SEED_LENGTH = 32;

/** Role in a certificate of the control center's link authority. */
export type LinkRole = 'meter' | 'hub' | 'relay';
const LINK_ROLES: readonly LinkRole[] = ['meter', 'hub', 'relay'];

/** A long-term P-256 key of TLS links. */
export interface LinkKey {
  readonly privateKey: KeyObject;
  /** SubjectPublicKeyInfo in DER, 91 bytes. */
  readonly publicKey: Uint8Array;
  /** SHA-256 of the SubjectPublicKeyInfo, by which others know the key. */
  readonly pin: Uint8Array;
}

/** A link key and its certificate, for TLS. */
export interface LinkIdentity {
  readonly key: LinkKey;
  /** PEM. */
  readonly certificate: string;
}

/** Validity period of a certificate, Unix seconds. */
export interface CertificateValidity {
  readonly validFromSeconds: number;
  readonly validUntilSeconds: number;
}

/** 64 bits more than the order has, so that the remainder's bias is below 2^-64 (FIPS 186-5, A.2.1). */
const SCALAR_SOURCE_LENGTH = 40;
const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const SERIAL_LENGTH = 16;

/** SHA-256 of a SubjectPublicKeyInfo in DER. */
export function linkPin(publicKey: Uint8Array): Uint8Array {
  return createHash('sha256').update(publicKey).digest();
}

/**
 * The P-256 key that belongs to a secret: the same secret gives the same key, so a party stores 32 bytes.
 *
 * @param seed LINK_SEED_LENGTH secret bytes, from the OS random source (a demo derives them)
 * @throws ClientError LIMIT_EXCEEDED when the seed has another length
 */
export function linkKeyFromSeed(seed: Uint8Array): LinkKey {
  if (seed.length !== LINK_SEED_LENGTH) {
    throw new ClientError('LIMIT_EXCEEDED', `expected a link seed of ${LINK_SEED_LENGTH} bytes, got ${seed.length}`);
  }
  const source = hkdfSync('sha256', seed, new Uint8Array(0), 'gridveil/v1/link key', SCALAR_SOURCE_LENGTH);
  const scalar = (BigInt(`0x${Buffer.from(source).toString('hex')}`) % (P256_ORDER - 1n)) + 1n;
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(scalar.toString(16).padStart(64, '0'), 'hex');
  const point = ecdh.getPublicKey();
  const coordinate = (offset: number): string => point.subarray(offset, offset + 32).toString('base64url');
  const privateKey = createPrivateKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'P-256',
      d: ecdh.getPrivateKey().toString('base64url'),
      x: coordinate(1),
      y: coordinate(33),
    },
  });
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return { privateKey, publicKey, pin: linkPin(publicKey) };
}

/** A certificate that the key signs for itself: for parties known by their pin. */
export async function selfIssuedIdentity(key: LinkKey, validity: CertificateValidity): Promise<LinkIdentity> {
  return { key, certificate: await issue(key, key.publicKey, 'CN=gridveil link', validity) };
}

/**
 * Issues a certificate of the control center's link authority. It names a role and a region, but no party.
 *
 * @param authority the link authority's key; its public key is in the directory
 * @param publicKey SubjectPublicKeyInfo of the link key to be certified
 * @returns PEM
 * @throws ClientError LINK_REFUSED when the public key is not a P-256 key
 */
export async function issueLinkCertificate(
  authority: LinkKey,
  publicKey: Uint8Array,
  { role, region }: { readonly role: LinkRole; readonly region: string },
  validity: CertificateValidity,
): Promise<string> {
  return issue(authority, publicKey, subjectOf(role, region), validity);
}

/**
 * The role that a certificate of this authority gives, or undefined when it is not from the authority, for another
 * region, or not valid at this time.
 *
 * @param certificate DER; TLS has checked that the peer holds its key
 * @param authority SubjectPublicKeyInfo of the link authority
 */
export function certifiedRole(
  certificate: Uint8Array,
  authority: Uint8Array,
  region: string,
  nowMilliseconds: number,
): LinkRole | undefined {
  const parsed = new X509Certificate(certificate);
  const role = LINK_ROLES.find((candidate) => parsed.subject === nodeSubject(candidate, region));
  if (role === undefined) {
    return undefined;
  }
  if (nowMilliseconds < Date.parse(parsed.validFrom) || nowMilliseconds >= Date.parse(parsed.validTo)) {
    return undefined;
  }
  const key = createPublicKey({ key: Buffer.from(authority), format: 'der', type: 'spki' });
  return parsed.verify(key) ? role : undefined;
}

function subjectOf(role: LinkRole, region: string): string {
  return `O=gridveil ${region}, OU=${role}`;
}

/** The same subject as node:crypto prints it. */
function nodeSubject(role: LinkRole, region: string): string {
  return `O=gridveil ${region}\nOU=${role}`;
}

async function issue(
  issuer: LinkKey,
  publicKey: Uint8Array,
  subject: string,
  validity: CertificateValidity,
): Promise<string> {
  const { subtle } = webcrypto;
  const pkcs8 = issuer.privateKey.export({ format: 'der', type: 'pkcs8' });
  const subjectKey = await subtle.importKey('spki', publicKey, ECDSA, true, ['verify']).catch((cause: unknown) => {
    throw new ClientError('LINK_REFUSED', 'link key is not a P-256 key', { cause });
  });
  const serial = webcrypto.getRandomValues(new Uint8Array(SERIAL_LENGTH));
  serial[0] = (serial[0]! & 0x7f) | 0x01; // positive and of full length in DER
  const certificate = await X509CertificateGenerator.create({
    serialNumber: Buffer.from(serial).toString('hex'),
    subject,
    issuer: 'CN=gridveil link',
    notBefore: new Date(validity.validFromSeconds * 1000),
    notAfter: new Date(validity.validUntilSeconds * 1000),
    signingAlgorithm: ECDSA,
    publicKey: subjectKey,
    signingKey: await subtle.importKey('pkcs8', pkcs8, ECDSA, false, ['sign']),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    ],
  });
  return certificate.toString('pem');
}
