// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { status as GrpcStatus } from '@grpc/grpc-js';
import type { Contract } from '@hyperledger/fabric-gateway';
import { peer, type common } from '@hyperledger/fabric-protos';
import { checkChain } from '../../test/support/embedded/block-checks.js';
import { CONTROL_CENTER, FixtureLedger, refusalOf } from '../../test/support/embedded/ledger.js';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe('embedded ledger', function () {
  this.timeout(60_000);
  const kit = new FixtureLedger();
  let contract: Contract;

  before(async () => {
    await kit.start();
    contract = kit.contract();
  });

  after(() => kit.stop());

  async function blocksOf(channel: string, count: number): Promise<common.Block[]> {
    const events = await kit.gateway().gateway.getNetwork(channel).getBlockEvents({ startBlock: 0n });
    const blocks: common.Block[] = [];
    for await (const block of events) {
      if (blocks.push(block) === count) {
        break;
      }
    }
    events.close();
    return blocks;
  }

  it('keeps transient data out of the block, and to the organisations named', async () => {
    const secret = 'the-planted-secret';
    const transientData = { value: secret };
    await contract.submit('DigestTransient', { transientData });
    const block = (await blocksOf('consumption', await heightOf('consumption'))).at(-1)!;
    assert.ok(!Buffer.from(block.serializeBinary()).includes(secret));
    const sp = kit.contract('consumption', 'ServiceProviderMSP');
    const protectedData = await refusalOf(sp.submit('DigestTransient', { transientData }));
    assert.equal(protectedData.code, GrpcStatus.FAILED_PRECONDITION);
    await sp.submit('DigestTransient', { transientData, endorsingOrganizations: [CONTROL_CENTER] });
    // The search would find it: this contract writes it into the state.
    await contract.submit('PutTransient', { arguments: ['leak'], transientData });
    const leaking = (await blocksOf('consumption', await heightOf('consumption'))).at(-1)!;
    assert.ok(Buffer.from(leaking.serializeBinary()).includes(secret));
  });

  it('refuses a proposal sent twice, and marks a transaction sent twice', async () => {
    const proposal = contract.newProposal('Put', { arguments: ['once', '1'] });
    const transaction = await proposal.endorse();
    const commit = await transaction.submit();
    const first = await commit.getStatus();
    const replayed = await refusalOf(proposal.endorse());
    assert.equal(replayed.code, GrpcStatus.ABORTED);
    assert.match(replayed.details[0]!, /^duplicate transaction found \[[0-9a-f]{64}\]. Creator \[/);
    await transaction.submit();
    await contract.submitTransaction('Put', 'after', '1');
    const flags = (await blocksOf('consumption', await heightOf('consumption')))
      .slice(Number(first.blockNumber) + 1)
      .flatMap((block) => [...block.getMetadata()!.getMetadataList_asU8()[2]!]);
    assert.ok(flags.includes(peer.TxValidationCode.DUPLICATE_TXID));
    assert.deepEqual(await commit.getStatus(), first);
  });

  it('chains signed blocks whose hashes, endorsements and flags hold under independent checks', async () =>
    checkChain(await blocksOf('consumption', await heightOf('consumption'))));

  it('gives chaincode events from any block on, and from behind a transaction', async () => {
    const height = await heightOf('consumption');
    const first = await (await contract.submitAsync('Emit', { arguments: ['Sealed', 'one'] })).getStatus();
    const second = await (await contract.submitAsync('Emit', { arguments: ['Sealed', 'two'] })).getStatus();
    const network = kit.gateway().gateway.getNetwork('consumption');
    const collect = async (
      count: number,
      options: Parameters<typeof network.getChaincodeEvents>[1],
    ): Promise<string[]> => {
      const events = await network.getChaincodeEvents('consumption', options);
      const payloads: string[] = [];
      for await (const event of events) {
        assert.equal(event.eventName, 'Sealed');
        if (payloads.push(`${event.blockNumber} ${text(event.payload)}`) === count) {
          break;
        }
      }
      events.close();
      return payloads;
    };
    const [one, two] = [`${first.blockNumber} one`, `${second.blockNumber} two`];
    assert.deepEqual(await collect(2, { startBlock: BigInt(height) }), [one, two]);
    const checkpoint = { getBlockNumber: () => first.blockNumber, getTransactionId: () => first.transactionId };
    assert.deepEqual(await collect(1, { checkpoint }), [two]);
    const live = collect(1, {});
    await new Promise((resolve) => setTimeout(resolve, 200));
    await contract.submitTransaction('Emit', 'Sealed', 'three');
    assert.match((await live)[0]!, / three$/);
  });

  it('survives the death of a chaincode and dials it again', async () => {
    const died = await refusalOf(contract.evaluateTransaction('Die'));
    assert.equal(died.code, GrpcStatus.ABORTED);
    assert.match(died.details[0]!, /error sending: chaincode stream terminated$/);
    kit.startChaincode('consumption');
    assert.equal(text(await contract.evaluateTransaction('Caller')), CONTROL_CENTER);
  });

  it('has after kill −9 all that was committed, on the same addresses, and continues', async () => {
    await Promise.all(Array.from({ length: 30 }, (_, i) => contract.submitTransaction('Put', `kept${i}`, String(i))));
    const before = await kit.ledger.status();
    const inFlight = Array.from({ length: 30 }, (_, i) => contract.submitTransaction('Put', `late${i}`, String(i)));
    const settled = Promise.allSettled(inFlight);
    await kit.killLedger();
    const acknowledged = (await settled).map(({ status }) => status === 'fulfilled');
    await kit.startLedger();
    const after = await kit.ledger.status();
    assert.deepEqual(after.endpoints, before.endpoints);
    const again = kit.contract();
    for (let i = 0; i < 30; i++) {
      assert.equal(text(await again.evaluateTransaction('Get', `kept${i}`)), String(i));
      if (acknowledged[i]) {
        assert.equal(text(await again.evaluateTransaction('Get', `late${i}`)), String(i));
      }
    }
    await again.submitTransaction('Put', 'onwards', '1');
    const height = await heightOf('consumption');
    assert.equal((await blocksOf('consumption', height)).length, height);
  });

  async function heightOf(channel: string): Promise<number> {
    return (await kit.ledger.status()).channels.find(({ name }) => name === channel)!.height;
  }
});
