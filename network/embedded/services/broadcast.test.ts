// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { common } from '@hyperledger/fabric-protos';
import type { SigningIdentity } from '../identity/signing-identity.js';
import type { Channel } from '../ledger/channel.js';
import { FakeOrganization, registryOf } from '../../../test/support/embedded/organization.js';
import { newTransaction, writesOf, type TransactionParts } from '../../../test/support/embedded/transaction.js';
import { Broadcast } from './broadcast.js';

describe('broadcast', () => {
  const ordered: Uint8Array[] = [];
  let broadcast: Broadcast;
  let client: SigningIdentity;
  let peer0: SigningIdentity;
  let outsider: SigningIdentity;

  before(async () => {
    const [member, foreign] = await Promise.all([FakeOrganization.create('CC'), FakeOrganization.create('Foreign')]);
    [client, peer0, outsider] = await Promise.all([
      member.issue('client'),
      member.issue('peer'),
      foreign.issue('client'),
    ]);
    const rules = { members: new Set(['CC']), msps: registryOf(member, foreign) };
    const channel = { rules, order: (envelope: Uint8Array) => ordered.push(envelope) } as unknown as Channel;
    broadcast = new Broadcast(new Map([['consumption', channel]]), 20_000);
  });

  const submit = (creator: SigningIdentity, parts: TransactionParts = {}, size = 10): string => {
    const results = writesOf('consumption', { key: 'x'.repeat(size) });
    const { statusName, info } = broadcast.submit(newTransaction(creator, [], results, parts).envelope);
    return info === '' ? statusName : `${statusName}: ${info}`;
  };

  it('orders what a writer of the channel signed', () => {
    assert.equal(submit(client), 'SUCCESS');
    assert.equal(ordered.length, 1);
  });

  it('refuses the rest with the words of an orderer, and orders none of it', () => {
    const writers =
      "implicit policy evaluation failed - 0 sub-policies were satisfied, but this policy requires 1 of the 'Writers' sub-policies to be satisfied: permission denied";
    assert.equal(submit(peer0), `FORBIDDEN: ${writers}`);
    assert.equal(submit(outsider), `FORBIDDEN: ${writers}`);
    assert.equal(submit(client, { channel: 'nope' }), 'BAD_REQUEST: channel does not exist');
    assert.match(submit(client, { type: common.HeaderType.CONFIG }), /^BAD_REQUEST: message is of type that cannot be/);
    assert.match(
      submit(client, {}, 20_000),
      /^BAD_REQUEST: message payload is \d+ bytes and exceeds maximum allowed 20000 bytes$/,
    );
    const unsigned = common.Envelope.deserializeBinary(newTransaction(client, [], new Uint8Array()).envelope);
    unsigned.setSignature('');
    assert.equal(broadcast.submit(unsigned.serializeBinary()).info, writers);
    assert.equal(broadcast.submit(Uint8Array.of(1, 2, 3)).statusName, 'BAD_REQUEST');
    assert.equal(ordered.length, 1);
  });
});
