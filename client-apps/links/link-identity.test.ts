// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { toHex } from '../../protocol/crypto/bytes.js';
import { LINK_AUTHORITY_LENGTH } from '../../protocol/onion/directory-format.js';
import { ClientError } from '../runtime/errors.js';
import { certifiedRole, issueLinkCertificate, linkKeyFromSeed, selfIssuedIdentity } from './link-identity.js';
import { ALWAYS, seedOf } from '../../test/support/links.js';

const authority = linkKeyFromSeed(seedOf('authority'));
const meter = linkKeyFromSeed(seedOf('meter'));
const NOW = Date.UTC(2013, 10, 11);
const VALIDITY = { validFromSeconds: NOW / 1000 - 10, validUntilSeconds: NOW / 1000 + 10 };

const der = (pem: string): Uint8Array => new X509Certificate(pem).raw;
const roleOf = (pem: string, nowMilliseconds = NOW, region = 'london'): string | undefined =>
  certifiedRole(der(pem), authority.publicKey, region, nowMilliseconds);

describe('link identity', () => {
  it('follows from its seed, and is known by the SHA-256 of its public key', () => {
    const key = linkKeyFromSeed(new Uint8Array(32).fill(1));
    assert.equal(toHex(key.pin), '67d95b8b4f185d8b47925b1b26a640e6262f92419c469570c8dfc704ecd32fc2');
    assert.equal(key.publicKey.length, LINK_AUTHORITY_LENGTH);
    assert.deepEqual(key.pin, createHash('sha256').update(key.publicKey).digest());
    assert.notDeepEqual(meter.pin, authority.pin);
    assert.throws(() => linkKeyFromSeed(new Uint8Array(31)), ClientError);
  });

  it('signs a certificate for itself', async () => {
    const { certificate } = await selfIssuedIdentity(meter, ALWAYS);
    const parsed = new X509Certificate(certificate);
    assert.ok(parsed.verify(parsed.publicKey));
    assert.deepEqual(parsed.publicKey.export({ format: 'der', type: 'spki' }), meter.publicKey);
  });

  it('is certified by the link authority with a role and no name', async () => {
    for (const role of ['meter', 'hub', 'relay'] as const) {
      const certificate = await issueLinkCertificate(authority, meter.publicKey, { role, region: 'london' }, VALIDITY);
      assert.equal(roleOf(certificate), role);
      assert.equal(new X509Certificate(certificate).subject, `O=gridveil london\nOU=${role}`);
    }
    const [one, other] = await Promise.all(
      [1, 2].map(() => issueLinkCertificate(authority, meter.publicKey, { role: 'meter', region: 'london' }, VALIDITY)),
    );
    assert.notEqual(new X509Certificate(one!).serialNumber, new X509Certificate(other!).serialNumber);
  });

  it('has no role in another region, at another time, or by another hand', async () => {
    const certificate = await issueLinkCertificate(
      authority,
      meter.publicKey,
      { role: 'meter', region: 'london' },
      VALIDITY,
    );
    assert.equal(roleOf(certificate, NOW, 'paris'), undefined);
    assert.equal(roleOf(certificate, NOW - 11_000), undefined);
    assert.equal(roleOf(certificate, NOW + 10_000), undefined);
    const forged = await issueLinkCertificate(meter, meter.publicKey, { role: 'meter', region: 'london' }, VALIDITY);
    assert.equal(roleOf(forged), undefined);
    assert.equal(roleOf((await selfIssuedIdentity(meter, ALWAYS)).certificate), undefined);
  });

  it('is not issued for a key of another kind', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
    const spki = publicKey.export({ format: 'der', type: 'spki' });
    const isRefusal = (error: unknown): boolean => error instanceof ClientError && error.code === 'LINK_REFUSED';
    await assert.rejects(
      issueLinkCertificate(authority, spki, { role: 'meter', region: 'london' }, VALIDITY),
      isRefusal,
    );
    await assert.rejects(
      issueLinkCertificate(authority, seedOf('x'), { role: 'meter', region: 'london' }, VALIDITY),
      isRefusal,
    );
  });
});
