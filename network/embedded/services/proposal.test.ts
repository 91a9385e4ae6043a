// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { common, peer } from '@hyperledger/fabric-protos';
import type { SigningIdentity } from '../identity/signing-identity.js';
import { FakeOrganization } from '../../../test/support/embedded/organization.js';
import {
  newProposal,
  responsePayloadOf,
  writesOf,
  type TransactionParts,
} from '../../../test/support/embedded/transaction.js';
import { prepareTransaction } from './prepared-transaction.js';
import { parseProposal, proposalFault } from './proposal.js';

describe('proposal', () => {
  let client: SigningIdentity;

  before(async () => {
    client = await (await FakeOrganization.create('CC')).issue('client');
  });

  const faultOf = (parts: TransactionParts): string | undefined =>
    proposalFault(parseProposal(newProposal(client, parts)));

  it('hashes to the same with and without transient data, which the transaction does not carry', () => {
    const signed = newProposal(client, { transient: { secret: 'planted-secret' } });
    assert.ok(Buffer.from(signed.getProposalBytes_asU8()).includes('planted-secret'));
    const proposal = parseProposal(signed);
    assert.ok(proposal.hasTransientData);
    const { header } = proposal;
    const hash = createHash('sha256').update(header.getChannelHeader_asU8()).update(header.getSignatureHeader_asU8());
    assert.deepEqual(proposal.hash, hash.update(proposal.payloadWithoutTransient).digest());
    const payload = responsePayloadOf(proposal, writesOf('consumption', { key: 'value' }));
    const envelope = prepareTransaction(proposal, payload, []);
    assert.ok(!Buffer.from(envelope.serializeBinary()).includes('planted-secret'));
  });

  it('is refused with the words of a peer', () => {
    assert.equal(faultOf({}), undefined);
    assert.equal(faultOf({ epoch: 1 }), 'epoch is non-zero');
    assert.equal(faultOf({ type: common.HeaderType.MESSAGE }), 'invalid header type MESSAGE');
    assert.match(faultOf({ transactionId: 'abc' })!, /^incorrectly computed txid 'abc' -- expected '[0-9a-f]{64}'$/);
    assert.throws(() => parseProposal(newProposal(client, { channel: '' })), { message: 'no channel id provided' });
    assert.throws(() => parseProposal(newProposal(client, { chaincode: '' })), {
      message: 'no chaincode name is provided, channel id [consumption]',
    });
    assert.throws(() => parseProposal(undefined), { message: 'a signed proposal is required' });
    const garbage = new peer.SignedProposal();
    garbage.setProposalBytes(Uint8Array.of(255, 255, 255));
    assert.throws(() => parseProposal(garbage), { message: 'error unmarshalling Proposal' });
  });
});
