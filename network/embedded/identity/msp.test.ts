// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { msp } from '@hyperledger/fabric-protos';
import { FakeOrganization, registryOf } from '../../../test/support/embedded/organization.js';

describe('membership', () => {
  let own: FakeOrganization;
  let other: FakeOrganization;

  before(async () => {
    [own, other] = await Promise.all([FakeOrganization.create('Own'), FakeOrganization.create('Other')]);
  });

  it('accepts what its CA issued, with the role that the certificate names', async () => {
    const client = await own.issue('client');
    const identity = registryOf(own, other).identity(client.serialized)!;
    assert.ok(identity.valid && !identity.expired);
    assert.ok(identity.satisfies('Own', 'client') && identity.satisfies('Own', 'member'));
    assert.ok(!identity.satisfies('Own', 'admin') && !identity.satisfies('Other', 'client'));
    assert.ok(identity.verify(Buffer.from('text'), client.sign(Buffer.from('text'))));
    assert.ok(!identity.verify(Buffer.from('other text'), client.sign(Buffer.from('text'))));
  });

  it("does not know a certificate of another CA, whatever organisation it claims and whatever the CA's name", async () => {
    const registry = registryOf(own, other);
    const impostor = await FakeOrganization.create('Own');
    assert.equal(registry.identity((await other.issue('admin', 'Own')).serialized), undefined);
    assert.equal(registry.identity((await impostor.issue('admin')).serialized), undefined);
    assert.equal(registry.identity((await own.issue('admin', 'Nobody')).serialized), undefined);
  });

  it('does not accept a CA as a member, nor a certificate without exactly one role', async () => {
    const registry = registryOf(own);
    const authority = new msp.SerializedIdentity();
    authority.setMspid('Own');
    authority.setIdBytes(Buffer.from(own.authority.issued.certificate));
    assert.equal(registry.identity(authority.serializeBinary()), undefined);
    const nobody = registry.identity((await own.issueWithoutRole()).serialized)!;
    assert.equal(nobody.valid, false);
    assert.equal(nobody.satisfies('Own', 'member'), false);
  });

  it('survives any bytes', () => {
    const registry = registryOf(own);
    const garbage = new msp.SerializedIdentity();
    garbage.setMspid('Own');
    garbage.setIdBytes(Buffer.from('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'));
    for (const bytes of [new Uint8Array(), Uint8Array.of(255, 255), garbage.serializeBinary()]) {
      assert.equal(registry.identity(bytes), undefined);
    }
  });
});
