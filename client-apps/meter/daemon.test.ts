// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { FakeRegion } from '../../test/support/region.js';
import { SteppedClock } from '../runtime/clock.js';
import { FRAME } from '../links/frames.js';
import { listenLinks, type LinkListener } from '../links/listen.js';
import { linkKeyFromSeed, selfIssuedIdentity, type LinkIdentity } from '../links/link-identity.js';
import { createLog } from '../runtime/log.js';
import type { Slot } from '../../protocol/schedule/slots.js';
import { MeterDaemon } from './daemon.js';
import type { SlotPackets } from './meter.js';
import { timersOn } from '../../test/support/links.js';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

describe('MeterDaemon', () => {
  const kit = new FakeRegion();
  const begin = kit.startOf(0) * 1000;
  let clock: SteppedClock;
  let identity: LinkIdentity;
  let relay: LinkListener<true>;
  /** Milliseconds at which packets arrived, by their first byte. */
  let arrivals: [kind: number, atMilliseconds: number][];

  beforeEach(async () => {
    clock = new SteppedClock(begin);
    arrivals = [];
    const validity = { validFromSeconds: 0, validUntilSeconds: 4_000_000_000 };
    identity = await selfIssuedIdentity(linkKeyFromSeed(random(32)), validity);
    relay = await listenLinks<true>({
      identity,
      host: '127.0.0.1',
      port: 0,
      timers: timersOn(clock),
      admit: () => true,
      onFrame: (_link, type, body) => {
        assert.equal(type, FRAME.packet);
        arrivals.push([body[0]!, clock.nowMilliseconds()]);
      },
    });
  });
  afterEach(() => relay.close());

  /** Moves the time in steps of 100 ms, letting everything arrive in between. */
  const advance = async (toMilliseconds: number): Promise<void> => {
    while (clock.nowMilliseconds() < toMilliseconds) {
      clock.advance(Math.min(toMilliseconds, clock.nowMilliseconds() + 100));
      while (clock.state().work > 0 || clock.activity.frames.sent > clock.activity.frames.received) {
        await turn();
      }
    }
  };

  const start = (slot: (slot: Slot) => Promise<SlotPackets | undefined>): MeterDaemon => {
    const meter = { slot, balance: { measured: 0n, carried: 0n, inFlight: 0n } };
    const context = { clock, random, log: createLog('meter', 'silent'), report: () => undefined };
    const opened = { meter, bulletin: { versions: [kit.signedParameters] }, link: identity };
    return new MeterDaemon(opened, { addressOverrides: {} }, context, {
      onSlot: () => undefined,
      onFailure: (error) => assert.fail(String(error)),
    });
  };

  const packets = (): SlotPackets => {
    const entry = { address: `127.0.0.1:${relay.port}`, pin: identity.key.pin };
    const packet = (kind: number): { entry: typeof entry; bytes: Uint8Array } => ({
      entry,
      bytes: Uint8Array.of(kind),
    });
    return { controlCenter: packet(1), hub: packet(2), entryRelays: [entry] };
  };

  it('sends one packet to each side in every slot, at offsets of their own in the window', async () => {
    const daemon = start(() => Promise.resolve(packets()));
    let together = 0;
    for (let slot = 1; slot <= 8; slot++) {
      await advance(begin + slot * 300_000 + 21_000);
      const inSlot = arrivals.splice(0);
      assert.deepEqual(inSlot.map(([kind]) => kind).sort(), [1, 2]);
      for (const [, at] of inSlot) {
        assert.ok(at >= begin + slot * 300_000 && at <= begin + slot * 300_000 + 20_100);
      }
      if (inSlot[0]![1] === inSlot[1]![1]) {
        together++;
      }
      clock.advance(begin + (slot + 1) * 300_000 - 1);
    }
    assert.ok(together < 4, 'independent offsets fall into the same 100 ms once in 200 slots');
    await daemon.stop();
  });

  it('sends nothing while the meter has nothing to send with', async () => {
    const daemon = start(() => Promise.resolve(undefined));
    await advance(begin + 321_000);
    assert.equal(arrivals.length, 0);
    await daemon.stop();
  });
});
