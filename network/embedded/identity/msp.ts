// SPDX-License-Identifier: Apache-2.0
import { X509Certificate, type KeyObject } from 'node:crypto';
import { msp } from '@hyperledger/fabric-protos';
import { wallClockMilliseconds } from '../wall-clock.js';
import { verifyLowS } from './ecdsa.js';

export type Role = 'client' | 'peer' | 'admin' | 'orderer';
const ROLES: ReadonlySet<string> = new Set<Role>(['client', 'peer', 'admin', 'orderer']);

/** Certificates that clients show are few; whoever sends ever new ones shall not fill the memory. */
const CACHE_LIMIT = 1_000;

/** A certificate of a known organisation; {@link Identity.validate} says whether it is accepted. */
export class Identity {
  readonly mspId: string;
  readonly #certificate: X509Certificate;
  readonly #key: KeyObject;
  readonly #roles: readonly Role[];
  readonly #issuedByRoot: boolean;
  readonly #notBefore: number;
  readonly #notAfter: number;

  constructor(mspId: string, certificate: X509Certificate, roots: readonly X509Certificate[]) {
    this.mspId = mspId;
    this.#certificate = certificate;
    this.#key = certificate.publicKey;
    this.#roles = rolesOf(certificate);
    this.#issuedByRoot = roots.some((root) => certificate.checkIssued(root) && certificate.verify(root.publicKey));
    this.#notBefore = Date.parse(certificate.validFrom);
    this.#notAfter = Date.parse(certificate.validTo);
  }

  /** Names this identity wherever two signatures must not come from one signer. */
  get fingerprint(): string {
    return this.#certificate.fingerprint256;
  }

  get expired(): boolean {
    return wallClockMilliseconds() > this.#notAfter;
  }

  /** @returns why Fabric would not accept this certificate; undefined if it would. */
  validate(): string | undefined {
    if (this.#key.asymmetricKeyType !== 'ec' || this.#key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
      return "could not validate identity's public key algorithm";
    }
    if (!this.#issuedByRoot || this.#certificate.ca || wallClockMilliseconds() < this.#notBefore) {
      return 'could not obtain certification chain: the supplied identity is not valid';
    }
    if (this.#roles.length !== 1) {
      return `could not validate identity's OUs: the identity does not have exactly one role. MSP: [${this.mspId}]`;
    }
    return undefined;
  }

  /** Whether this identity is what a policy calls `<mspId>.<role>`; `member` is any accepted identity. */
  satisfies(mspId: string, role: Role | 'member'): boolean {
    return this.mspId === mspId && this.validate() === undefined && (role === 'member' || this.#roles[0] === role);
  }

  /** Checks an ECDSA signature with SHA-256, DER, low s. */
  verify(message: Uint8Array, signature: Uint8Array): boolean {
    return verifyLowS(this.#key, message, signature);
  }
}

/** The organisations whose certificates mean something here, by MSP id. */
export class MspRegistry {
  readonly #roots: ReadonlyMap<string, readonly X509Certificate[]>;
  readonly #cache = new Map<string, Identity>();

  /** @param rootCertificates PEM of each organisation's identity CAs. */
  constructor(rootCertificates: ReadonlyMap<string, readonly string[]>) {
    this.#roots = new Map([...rootCertificates].map(([id, pems]) => [id, pems.map((pem) => new X509Certificate(pem))]));
  }

  /**
   * @param serialized msp.SerializedIdentity.
   * @returns undefined if the bytes are none, or of an organisation unknown here.
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
      const roots = this.#roots.get(parsed.getMspid());
      return roots && new Identity(parsed.getMspid(), new X509Certificate(parsed.getIdBytes_asU8()), roots);
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
