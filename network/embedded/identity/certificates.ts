// SPDX-License-Identifier: Apache-2.0
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { wallClockMilliseconds } from '../wall-clock.js';

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** As long as cryptogen's. */
const VALIDITY_MILLISECONDS = 10 * 365 * 24 * 60 * 60 * 1000;
/** Clocks of two containers or machines differ a little. */
const CLOCK_SKEW_MILLISECONDS = 5 * 60 * 1000;

x509.cryptoProvider.set(webcrypto);

/** A certificate with its private key, both PEM; the key as PKCS #8. */
export interface IssuedCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

/** Purpose of a leaf certificate. */
export type LeafPurpose =
  | { readonly kind: 'identity'; readonly role: 'client' | 'peer' | 'admin' | 'orderer' }
  | { readonly kind: 'tls'; readonly hosts: readonly string[] };

/** A P-256 root CA that issues certificates like cryptogen's. Its key leaves memory only as {@link issued}. */
export class CertificateAuthority {
  readonly issued: IssuedCertificate;
  readonly #certificate: x509.X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;

  private constructor(issued: IssuedCertificate, certificate: x509.X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.issued = issued;
    this.#certificate = certificate;
    this.#keys = keys;
  }

  /** @param commonName such as `ca.cc.example.com`; @param organization its O, cryptogen's Domain. */
  static async create(commonName: string, organization: string): Promise<CertificateAuthority> {
    const keys = await newKeys();
    const { KeyUsageFlags } = x509;
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: newSerialNumber(),
      name: `C=US, ST=California, L=San Francisco, O=${organization}, CN=${commonName}`,
      ...validity(),
      signingAlgorithm: P256,
      keys,
      extensions: [
        new x509.KeyUsagesExtension(
          KeyUsageFlags.digitalSignature |
            KeyUsageFlags.keyEncipherment |
            KeyUsageFlags.keyCertSign |
            KeyUsageFlags.cRLSign,
          true,
        ),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth, x509.ExtendedKeyUsage.serverAuth]),
        new x509.BasicConstraintsExtension(true, undefined, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return new CertificateAuthority(await pem(certificate, keys), certificate, keys);
  }

  /** Issues a certificate for a new key. An identity's role is its OU, as Fabric's NodeOUs require. */
  async issue(commonName: string, purpose: LeafPurpose): Promise<IssuedCertificate> {
    const keys = await newKeys();
    const { KeyUsageFlags } = x509;
    const unit = purpose.kind === 'identity' ? `, OU=${purpose.role}` : '';
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: newSerialNumber(),
      subject: `C=US, ST=California, L=San Francisco${unit}, CN=${commonName}`,
      issuer: this.#certificate.subject,
      ...validity(),
      signingAlgorithm: P256,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      extensions: [
        purpose.kind === 'tls'
          ? new x509.KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment, true)
          : new x509.KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        ...(purpose.kind === 'tls' ? tlsExtensions(purpose.hosts) : []),
        new x509.BasicConstraintsExtension(false, undefined, true),
        await x509.AuthorityKeyIdentifierExtension.create(this.#certificate),
      ],
    });
    return pem(certificate, keys);
  }
}

function tlsExtensions(hosts: readonly string[]): x509.Extension[] {
  const names = [...new Set(hosts)].map((host) => ({
    type: /^[0-9.]+$|:/.test(host) ? ('ip' as const) : ('dns' as const),
    value: host,
  }));
  return [
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
    new x509.SubjectAlternativeNameExtension(names),
  ];
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
}

/** 16 random bytes, positive. */
function newSerialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0]! &= 0x7f;
  bytes[0]! |= 0x40;
  return bytes.toString('hex');
}

function validity(): { notBefore: Date; notAfter: Date } {
  const now = wallClockMilliseconds();
  return { notBefore: new Date(now - CLOCK_SKEW_MILLISECONDS), notAfter: new Date(now + VALIDITY_MILLISECONDS) };
}

async function pem(certificate: x509.X509Certificate, keys: webcrypto.CryptoKeyPair): Promise<IssuedCertificate> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    certificate: `${certificate.toString('pem')}\n`,
    privateKey: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`,
  };
}
