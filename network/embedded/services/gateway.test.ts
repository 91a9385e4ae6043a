// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { status as GrpcStatus } from '@grpc/grpc-js';
import { CommitError, type Contract } from '@hyperledger/fabric-gateway';
import { peer } from '@hyperledger/fabric-protos';
import { CONTROL_CENTER, FixtureLedger, refusalOf } from '../../../test/support/embedded/ledger.js';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe('gateway, with unmodified Fabric clients and chaincode servers', function () {
  this.timeout(60_000);
  const kit = new FixtureLedger();
  let contract: Contract;

  before(async () => {
    await kit.start();
    contract = kit.contract();
  });

  after(() => kit.stop());

  it('runs a transaction from proposal to commit, and answers queries', async () => {
    assert.equal(text(await contract.submitTransaction('Put', 'colour', 'green')), 'green');
    assert.equal(text(await contract.evaluateTransaction('Get', 'colour')), 'green');
    assert.equal(text(await contract.evaluateTransaction('PutAndGet', 'colour', 'red')), 'green');
    await contract.submitTransaction('Delete', 'colour');
    assert.equal(text(await contract.evaluateTransaction('Get', 'colour')), '');
  });

  it('tells the chaincode who calls, whichever organisation’s peer is asked', async () => {
    for (const mspId of [CONTROL_CENTER, 'ServiceProviderMSP', 'ConsumersMSP']) {
      assert.equal(text(await kit.contract('consumption', mspId).evaluateTransaction('Caller')), mspId);
    }
    await kit.contract('consumption', 'ServiceProviderMSP').submitTransaction('Put', 'by', 'SP');
  });

  it('passes a refusal by the chaincode on, with the status codes of a peer', async () => {
    const reason = 'chaincode response 500, K_ANONYMITY: too few';
    const evaluated = await refusalOf(contract.evaluateTransaction('Refuse', 'K_ANONYMITY: too few'));
    assert.equal(evaluated.code, GrpcStatus.UNKNOWN);
    assert.equal(evaluated.message, `2 UNKNOWN: evaluate call to endorser returned error: ${reason}`);
    const endorsed = await refusalOf(contract.submitTransaction('Refuse', 'K_ANONYMITY: too few'));
    assert.equal(endorsed.code, GrpcStatus.ABORTED);
    assert.match(endorsed.message, /failed to endorse transaction, see attached details for more info$/);
    assert.deepEqual(endorsed.details, [reason]);
  });

  it('says what is unknown as a peer says it', async () => {
    const network = (channel: string) => kit.gateway().gateway.getNetwork(channel);
    const noChannel = await refusalOf(network('nope').getContract('cc').evaluateTransaction('Get', 'x'));
    assert.equal(noChannel.code, GrpcStatus.UNAVAILABLE);
    assert.match(noChannel.message, /failed to get config for channel \[nope\]/);
    const noChaincode = await refusalOf(network('consumption').getContract('nope').evaluateTransaction('Get', 'x'));
    assert.equal(noChaincode.code, GrpcStatus.FAILED_PRECONDITION);
    assert.match(noChaincode.message, /no peers available to evaluate chaincode nope in channel consumption$/);
    const noEndorser = await refusalOf(
      contract.submit('Put', { arguments: ['a', 'b'], endorsingOrganizations: ['ServiceProviderMSP'] }),
    );
    assert.equal(noEndorser.code, GrpcStatus.UNAVAILABLE);
    assert.match(noEndorser.message, /failed to find any endorsing peers for org\(s\): ServiceProviderMSP$/);
  });

  it('lets concurrent increments of one counter conflict, and counts those that did not', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => contract.submitTransaction('Increment', 'n')),
    );
    const committed = outcomes.filter(({ status }) => status === 'fulfilled').length;
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') {
        assert.ok(outcome.reason instanceof CommitError);
        assert.equal(outcome.reason.code, peer.TxValidationCode.MVCC_READ_CONFLICT);
      }
    }
    assert.ok(committed >= 1 && committed < 20);
    assert.equal(text(await contract.evaluateTransaction('Get', 'n')), String(committed));
  });

  it('does not commit two counts of a range into which a key came', async () => {
    await contract.submitTransaction('PutMany', 'p', '3');
    const [count, put] = await Promise.all([
      contract.newProposal('Count', { arguments: ['p', 'q', 'result'] }).endorse(),
      contract.newProposal('Put', { arguments: ['p9', 'x'] }).endorse(),
    ]);
    assert.ok((await (await put.submit()).getStatus()).successful);
    assert.equal((await (await count.submit()).getStatus()).code, peer.TxValidationCode.PHANTOM_READ_CONFLICT);
  });

  it('runs ranges of any length, and composite keys', async () => {
    await contract.submitTransaction('PutMany', 'm', '250');
    const keys = JSON.parse(text(await contract.evaluateTransaction('List', 'm', 'n'))) as string[];
    assert.equal(keys.length, 250);
    assert.deepEqual(keys, [...keys].sort());
    assert.equal(text(await contract.evaluateTransaction('ListFirst', 'm', 'n')), 'm00000');
    const attributes = ['a', 'z', '\ue000', '\u{1f600}'];
    for (const attribute of attributes) {
      await contract.submitTransaction('Composite', 'first', attribute);
    }
    assert.deepEqual(JSON.parse(text(await contract.evaluateTransaction('ListComposite', 'first'))), attributes);
  });

  it('refuses a page of a range, and a chaincode that calls itself', async () => {
    const page = await refusalOf(contract.evaluateTransaction('Page', 'a', 'z'));
    assert.match(page.message, /paginated queries are not supported by the development ledger$/);
    const self = await refusalOf(contract.evaluateTransaction('Query', 'consumption', 'consumption', '["Caller"]'));
    assert.match(self.message, /execute failed: error sending: txid: [0-9a-f]{64}\(consumption\) exists$/);
  });

  it('answers queries across channels, and drops their writes', async () => {
    await contract.submitTransaction('Put', 'shared', 'yes');
    const pricing = kit.contract('pricing');
    const query = (...args: string[]) =>
      pricing.evaluateTransaction('Query', 'consumption', 'consumption', JSON.stringify(args));
    assert.equal(text(await query('Get', 'shared')), '200  yes');
    assert.equal(text(await query('Refuse', 'NOT_FOUND: no')), '500 NOT_FOUND: no ');
    await pricing.submitTransaction('Query', 'consumption', 'consumption', '["Put","shared","no"]');
    assert.equal(text(await contract.evaluateTransaction('Get', 'shared')), 'yes');
  });

  it('refuses signatures that are not the caller’s', async () => {
    const { gateway } = kit.gateway();
    const proposal = gateway
      .getNetwork('consumption')
      .getContract('consumption')
      .newProposal('Get', { arguments: ['x'] });
    const foreign = gateway.newSignedProposal(proposal.getBytes(), Uint8Array.of(0x30, 6, 2, 1, 1, 2, 1, 1));
    const denied = await refusalOf(foreign.evaluate());
    assert.equal(denied.code, GrpcStatus.FAILED_PRECONDITION);
    assert.match(denied.message, /access denied: channel \[consumption\] creator org \[ControlCenterMSP\]$/);
  });
});
