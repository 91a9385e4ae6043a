// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { pino } from 'pino';
import { connectLedger, type LedgerClient, type LedgerEvent } from '../../client-apps/ledger/index.js';
import { CONTROL_CENTER, FixtureLedger } from '../support/embedded/ledger.js';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe('ledger client on the embedded ledger', function () {
  this.timeout(60_000);
  const kit = new FixtureLedger();
  let client: LedgerClient;

  const connect = (mspId = CONTROL_CENTER): LedgerClient =>
    connectLedger(kit.ledger.connectionProfile(mspId), kit.ledger.user(mspId));

  before(async () => {
    await kit.start();
    client = connect();
  });

  after(async () => {
    client.close();
    await kit.stop();
  });

  it('repeats transactions that lose against concurrent ones until each has its turn', async () => {
    const commits = await Promise.all(
      Array.from({ length: 12 }, () => client.submit('consumption', 'Increment', ['n'])),
    );
    assert.equal(text(await client.evaluate('consumption', 'Get', ['n'])), '12');
    assert.equal(new Set(commits.map(({ transactionId }) => transactionId)).size, 12);
  });

  it("gives the chaincode's code of a refusal", async () => {
    const refused = { name: 'LedgerError', code: 'K_ANONYMITY', message: 'too few' };
    await assert.rejects(client.submit('consumption', 'Refuse', ['K_ANONYMITY: too few']), refused);
    await assert.rejects(client.evaluate('consumption', 'Refuse', ['K_ANONYMITY: too few']), refused);
  });

  it('sends transient data of any member through its own peer to the endorsing organisation', async () => {
    const provider = connect('ServiceProviderMSP');
    await provider.submit('consumption', 'PutTransient', ['from SP'], { value: Buffer.from('bytes') });
    assert.equal(text(await provider.evaluate('consumption', 'Get', ['from SP'])), 'bytes');
    provider.close();
  });

  it('waits through a restart of the ledger: submissions, queries and events', async () => {
    const lines: { level: number; msg: string }[] = [];
    const log = pino({ base: {} }, { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[0]) });
    const { profile, user } = {
      profile: kit.ledger.connectionProfile(CONTROL_CENTER),
      user: kit.ledger.user(CONTROL_CENTER),
    };
    const client = connectLedger(profile, user, { log });
    const start = await client.height('consumption');
    const events: string[] = [];
    const following = (async () => {
      for await (const event of client.chaincodeEvents('consumption', start)) {
        events.push(describeEvent(event));
        if (events.length === 3) {
          break;
        }
      }
    })();
    await client.submit('consumption', 'Emit', ['Sealed', '1']);
    await kit.killLedger();
    const waiting = client.submit('consumption', 'Emit', ['Sealed', '2']);
    const asking = client.evaluate('consumption', 'Caller');
    await kit.startLedger();
    await waiting;
    assert.equal(text(await asking), CONTROL_CENTER);
    await client.submit('consumption', 'Emit', ['Sealed', '3']);
    await following;
    assert.deepEqual(events, ['Sealed 1', 'Sealed 2', 'Sealed 3']);
    client.close();
    for (const request of ['submit on consumption', 'query on consumption']) {
      const told = lines.filter(({ msg }) => msg.startsWith(`ledger, ${request}: `));
      assert.equal(told[0]?.level, 40, request);
      assert.match(told.at(-1)!.msg, /answers again$/);
    }
  });

  it('decodes blocks with their write sets, events and endorsers', async () => {
    const { blockNumber, transactionId } = await client.submit('consumption', 'Emit', ['Sealed', 'payload']);
    for await (const block of client.blocks('consumption', blockNumber, blockNumber)) {
      const [transaction] = block.transactions;
      assert.equal(block.number, blockNumber);
      assert.equal(transaction?.id, transactionId);
      assert.equal(transaction.creatorMspId, CONTROL_CENTER);
      assert.equal(transaction.validationCode, 0);
      const { chaincode, endorserMspIds, writes, event } = transaction.endorsed!;
      assert.equal(chaincode, 'consumption');
      assert.deepEqual(endorserMspIds, [CONTROL_CENTER]);
      assert.deepEqual(transaction.endorsed!.arguments.map(text), ['Emit', 'Sealed', 'payload']);
      assert.deepEqual(
        writes.map(({ key, value }) => [key, text(value!)]),
        [['emitted', 'payload']],
      );
      assert.equal(event?.name, 'Sealed');
    }
    const numbers: bigint[] = [];
    for await (const { number } of client.blocks('consumption', 0n, blockNumber)) {
      numbers.push(number);
    }
    assert.deepEqual(
      numbers,
      Array.from({ length: Number(blockNumber) + 1 }, (_, i) => BigInt(i)),
    );
  });

  it('ends everything that waits when it is closed', async () => {
    const closing = connect();
    const events = closing.chaincodeEvents('consumption');
    const next = events[Symbol.asyncIterator]().next();
    await closing.evaluate('consumption', 'Caller');
    closing.close();
    assert.equal((await next).done, true);
    await assert.rejects(async () => closing.evaluate('consumption', 'Caller'), { code: 'CLOSED' });
  });
});

function describeEvent({ name, payload }: LedgerEvent): string {
  return `${name} ${text(payload)}`;
}
