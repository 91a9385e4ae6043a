// SPDX-License-Identifier: Apache-2.0
import { X509Certificate, type KeyObject } from 'node:crypto';
import { msp } from '@hyperledger/fabric-protos';
import { wallClockMilliseconds } from '../wall-clock.js';
import { verifyLowS } from './ecdsa.js';

export type Role = 'client' | 'peer' | 'admin' | 'orderer';
const ROLES: ReadonlySet<string> = new Set<Role>(['client', 'peer', 'admin', 'orderer']);

/** Clients use few certificates; one that sends new ones without end must not fill the memory. */
const CACHE_LIMIT = 1_000;

/** An identity whose certificate a known organisation's CA issued. */
export class Identity {
  readonly mspId: string;
  readonly #certificate: X509Certificate;
  readonly #key: KeyObject;
  readonly #roles: readonly Role[];
  readonly #notAfter: number;

  constructor(mspId: string, certificate: X509Certificate) {
    this.mspId = mspId;
    this.#certificate = certificate;
    this.#key = certificate.publicKey;
    this.#roles = rolesOf(certificate);
    this.#notAfter = Date.parse(certificate.validTo);
  }

  /** Names this identity wherever two signatures must not come from one signer. */
  get fingerprint(): string {
    return this.#certificate.fingerprint256;
  }

  get expired(): boolean {
    return wallClockMilliseconds() > this.#notAfter;
  }

  /** Whether Fabric would accept it: a P-256 key, and exactly one role. */
  get valid(): boolean {
    return this.#roles.length === 1 && this.#key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  }

  /** Whether this identity is what a policy calls `<mspId>.<role>`; `member` is any accepted identity. */
  satisfies(mspId: string, role: Role | 'member'): boolean {
    return this.mspId === mspId && this.valid && (role === 'member' || this.#roles[0] === role);
  }

  /** Checks an ECDSA signature with SHA-256, DER, low s. */
  verify(message: Uint8Array, signature: Uint8Array): boolean {
    return verifyLowS(this.#key, message, signature);
  }
}

/** The organisations whose certificates are accepted, by MSP id. */
export class MspRegistry {
  readonly #roots: ReadonlyMap<string, readonly X509Certificate[]>;
  readonly #cache = new Map<string, Identity>();

  /** @param rootCertificates PEM of each organisation's identity CAs. */
  constructor(rootCertificates: ReadonlyMap<string, readonly string[]>) {
    this.#roots = new Map([...rootCertificates].map(([id, pems]) => [id, pems.map((pem) => new X509Certificate(pem))]));
  }

  /**
   * @param serialized msp.SerializedIdentity.
   * @returns undefined if the bytes are malformed, or no CA of the organisation that they name issued the certificate.
   */
  identity(serialized: Uint8Array): Identity | undefined {
    const cacheKey = Buffer.from(serialized).toString('latin1');
    const known = this.#cache.get(cacheKey);
    if (known !== undefined) {
      return known;
    }
    const identity = this.#deserialize(serialized);
    if (identity !== undefined) {
      if (this.#cache.size >= CACHE_LIMIT) {
        this.#cache.clear();
      }
      this.#cache.set(cacheKey, identity);
    }
    return identity;
  }

  #deserialize(serialized: Uint8Array): Identity | undefined {
    try {
      const parsed = msp.SerializedIdentity.deserializeBinary(serialized);
      const certificate = new X509Certificate(parsed.getIdBytes_asU8());
      const roots = this.#roots.get(parsed.getMspid()) ?? [];
      const issued = roots.some((root) => certificate.checkIssued(root) && certificate.verify(root.publicKey));
      return issued && !certificate.ca ? new Identity(parsed.getMspid(), certificate) : undefined;
    } catch {
      return undefined;
    }
  }
}

/** Roles named by the certificate's organisational units. */
function rolesOf(certificate: X509Certificate): Role[] {
  return certificate.subject
    .split('\n')
    .filter((part) => part.startsWith('OU='))
    .map((part) => part.slice('OU='.length))
    .filter((unit): unit is Role => ROLES.has(unit));
}
