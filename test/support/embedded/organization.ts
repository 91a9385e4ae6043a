// SPDX-License-Identifier: Apache-2.0
import { CertificateAuthority, type LeafPurpose } from '../../../network/embedded/identity/certificates.js';
import { MspRegistry, type Role } from '../../../network/embedded/identity/msp.js';
import { SigningIdentity } from '../../../network/embedded/identity/signing-identity.js';

/** An organisation for unit tests: a CA that issues signing identities. */
export class FakeOrganization {
  readonly mspId: string;
  readonly authority: CertificateAuthority;

  private constructor(mspId: string, authority: CertificateAuthority) {
    this.mspId = mspId;
    this.authority = authority;
  }

  static async create(mspId: string): Promise<FakeOrganization> {
    return new FakeOrganization(mspId, await CertificateAuthority.create(`ca.${mspId}`, mspId));
  }

  /** @param mspId the organisation that the identity claims, by default this one */
  async issue(role: Role, mspId = this.mspId): Promise<SigningIdentity> {
    return this.#identity({ kind: 'identity', role }, mspId);
  }

  /** A certificate of this CA that names no role. */
  async issueWithoutRole(): Promise<SigningIdentity> {
    return this.#identity({ kind: 'tls', hosts: ['localhost'] }, this.mspId);
  }

  async #identity(purpose: LeafPurpose, mspId: string): Promise<SigningIdentity> {
    const { certificate, privateKey } = await this.authority.issue('node', purpose);
    return new SigningIdentity(mspId, certificate, privateKey);
  }
}

/** A registry that knows these organisations. */
export function registryOf(...organizations: FakeOrganization[]): MspRegistry {
  return new MspRegistry(new Map(organizations.map(({ mspId, authority }) => [mspId, [authority.issued.certificate]])));
}
