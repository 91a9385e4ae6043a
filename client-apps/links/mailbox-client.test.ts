// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { INNER_LENGTH } from '../../protocol/onion/geometry.js';
import { ClientError } from '../runtime/errors.js';
import { FRAME, MAILBOX_BATCH, MAILBOX_PACKETS_LENGTH } from './frames.js';
import { MailboxClient, MAXIMUM_DRAIN_ANSWERS } from './mailbox-client.js';
import { decodeDrain, decodeMailboxPackets, encodeMailboxPackets } from './mailbox-frames.js';
import { connectOptions, listen, targetOf, until } from '../../test/support/links.js';

const packet = (number: number): Uint8Array => new Uint8Array(INNER_LENGTH).fill(number);
const hasCode = (code: string) => (error: unknown) => error instanceof ClientError && error.code === code;

describe('mailbox frames', () => {
  it('are equally long however many packets they hold', () => {
    for (let count = 0; count <= MAILBOX_BATCH; count++) {
      const packets = Array.from({ length: count }, (_, number) => packet(number));
      const answer = { lastNumber: 77n, more: count === 2, packets };
      const body = encodeMailboxPackets(answer);
      assert.equal(body.length, MAILBOX_PACKETS_LENGTH);
      assert.deepEqual(decodeMailboxPackets(body), answer);
    }
    const body = encodeMailboxPackets({ lastNumber: 0n, more: false, packets: [] });
    assert.throws(() => decodeMailboxPackets(body.subarray(1)), hasCode('BAD_ANSWER'));
    body[8] = MAILBOX_BATCH + 1;
    assert.throws(() => decodeMailboxPackets(body), hasCode('BAD_ANSWER'));
  });
});

describe('mailbox client', () => {
  /** A relay that hands out packets 1 … `waiting` and forgets what was acknowledged. */
  async function relay(waiting: { count: number }): ReturnType<typeof listen> {
    let opened = false;
    return listen('relay', {
      onFrame: (link, type, body) => {
        if (type === FRAME.mailboxOpen) {
          opened = true;
        }
        if (type !== FRAME.mailboxDrain) {
          return;
        }
        assert.ok(opened, 'drained before it was opened');
        const received = Number(decodeDrain(body));
        const last = Math.min(waiting.count, received + MAILBOX_BATCH);
        const packets = Array.from({ length: last - received }, (_, index) => packet(received + index + 1));
        link.send(
          FRAME.mailboxPackets,
          encodeMailboxPackets({ lastNumber: BigInt(last), more: last < waiting.count, packets }),
        );
      },
    });
  }

  it('fetches all that waits, and acknowledges it with the next drain', async () => {
    const waiting = { count: 10 };
    const listener = await relay(waiting);
    const client = new MailboxClient(targetOf('relay', listener.port), await connectOptions('hub'));
    const numbers = async (): Promise<number[]> => (await client.drain()).map((bytes) => bytes[0]!);
    assert.deepEqual(await numbers(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert.deepEqual(await numbers(), []);
    waiting.count = 11;
    assert.deepEqual(await numbers(), [11]);
    await client.close();
    await listener.close();
  });

  it('says when the relay is out of reach', async () => {
    const listener = await relay({ count: 0 });
    await listener.close();
    const client = new MailboxClient(targetOf('relay', listener.port), await connectOptions('hub'));
    await assert.rejects(client.drain(), hasCode('UNREACHABLE'));
    await client.close();
  });

  it('starts over after the relay did', async () => {
    const first = await relay({ count: 3 });
    const client = new MailboxClient(targetOf('relay', first.port), await connectOptions('hub'));
    assert.equal((await client.drain()).length, 3);
    await first.close();
    const second = await listen('relay', {
      port: first.port,
      onFrame: (link, type, body) => {
        if (type !== FRAME.mailboxDrain) {
          return;
        }
        assert.equal(decodeDrain(body), 0n);
        const answer = { lastNumber: 1n, more: false, packets: [packet(9)] };
        link.send(FRAME.mailboxPackets, encodeMailboxPackets(answer));
      },
    });
    await until('linked again', () => second.links.size === 1);
    assert.deepEqual(
      (await client.drain()).map((bytes) => bytes[0]),
      [9],
    );
    await client.close();
    await second.close();
  });

  it('is not flooded by a relay that never comes to an end, with packets or without', async () => {
    const full = await relay({ count: 1_000_000 });
    const one = new MailboxClient(targetOf('relay', full.port), await connectOptions('hub'));
    assert.equal((await one.drain()).length, MAXIMUM_DRAIN_ANSWERS * MAILBOX_BATCH);
    assert.equal((await one.drain())[0]![0], (MAXIMUM_DRAIN_ANSWERS * MAILBOX_BATCH + 1) % 256, 'goes on from there');
    await one.close();
    await full.close();

    let answers = 0;
    const empty = await listen('relay', {
      onFrame: (link, type) => {
        if (type === FRAME.mailboxDrain) {
          answers++;
          link.send(FRAME.mailboxPackets, encodeMailboxPackets({ lastNumber: 0n, more: true, packets: [] }));
        }
      },
    });
    const other = new MailboxClient(targetOf('relay', empty.port), await connectOptions('hub'));
    assert.deepEqual(await other.drain(), []);
    assert.equal(answers, MAXIMUM_DRAIN_ANSWERS);
    await other.close();
    await empty.close();
  });

  it('waits no longer than its time, and keeps what came in it', async () => {
    let silent = true;
    const listener = await listen('relay', {
      onFrame: (link, type) => {
        if (type === FRAME.mailboxDrain && !silent) {
          silent = true;
          link.send(FRAME.mailboxPackets, encodeMailboxPackets({ lastNumber: 1n, more: true, packets: [packet(1)] }));
        }
      },
    });
    const client = new MailboxClient(targetOf('relay', listener.port), await connectOptions('hub'), 200);
    await assert.rejects(client.drain(), hasCode('UNREACHABLE'));
    silent = false;
    assert.deepEqual(
      (await client.drain()).map((bytes) => bytes[0]),
      [1],
    );
    await client.close();
    await listener.close();
  });
});
