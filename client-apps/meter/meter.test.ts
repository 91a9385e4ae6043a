// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { toHex } from '../../protocol/crypto/bytes.js';
import { PuncturedTree } from '../../protocol/crypto/ggm.js';
import { ProtocolError } from '../../protocol/errors.js';
import { chainPseudonyms } from '../../protocol/identity/pseudonym.js';
import { rowPseudonym, rowValue } from '../../protocol/ledger/row.js';
import { packetLength } from '../../protocol/onion/geometry.js';
import { checkConsumptionRow, checkRowSecrets } from '../../protocol/rules/check-row.js';
import { intervalContext } from '../../protocol/rules/interval-context.js';
import { Crash, enrolledMeter as setUp, runWindow, type MeterUnderTest } from '../../test/support/meter.js';

const SLOT = 300;
const L = 1_800;

const sum = (rows: readonly Uint8Array[]): bigint => rows.reduce((total, row) => total + rowValue(row), 0n);

function assertBalance(meter: MeterUnderTest, onLedger: bigint): void {
  const { measured, carried, inFlight } = meter.meter.balance;
  assert.equal(measured, onLedger + carried + inFlight);
}

describe('Meter', function () {
  this.timeout(60_000);

  it('splits at the start of the window, sends valid rows, and reads the sealed index as its acknowledgement', async () => {
    const meter = await setUp();
    const { kit, bulletin } = meter;
    meter.energy.set(kit.startOf(0), 1_234_567n);
    const { sent, rows } = await runWindow(meter, 0);
    assert.deepEqual(rows.map(rowValue), [800_000n, 400_000n]);
    assert.deepEqual(meter.meter.balance, { measured: 1_234_567n, carried: 34_567n, inFlight: 1_200_000n });

    const context = intervalContext(kit.crypto, kit.parameters, kit.startOf(0));
    const secrets = meter.secretsOf(0);
    let previous = secrets.identity;
    for (const [index, row] of rows.entries()) {
      checkConsumptionRow(row, context);
      checkRowSecrets(kit.crypto, chainPseudonyms, row, { ...secrets, k: index + 1, previous });
      previous = rowPseudonym(row);
    }
    assert.equal(sent[5]?.hub.measuredMilliWattHours, 1_234_567n);
    assert.equal(sent[5].hub.carriedMilliWattHours, 34_567n);
    assert.deepEqual(
      sent[5].hub.handles.map(({ pseudonym }) => toHex(pseudonym)),
      rows.map((row) => toHex(rowPseudonym(row))),
    );

    await runWindow(meter, 1, [0]);
    assert.equal(meter.meter.balance.inFlight, 1_200_000n, 'unsealed: it waits');
    bulletin.seal(kit.startOf(0), rows, 'consumption');
    await runWindow(meter, 1, [1]);
    assert.deepEqual(meter.meter.balance, { measured: 1_234_567n, carried: 34_567n, inFlight: 0n });
    assert.equal(meter.store.writes, 4, 'two for the enrolment, one for the split, one for the seal');
  });

  it('carries suppressed energy again, and keeps below the rare category for one interval', async () => {
    const meter = await setUp();
    const { kit, bulletin } = meter;
    const energies = [1_250_000n, 0n, 850_000n, 850_000n];
    energies.forEach((energy, interval) => meter.energy.set(kit.startOf(interval), energy));
    const first = await runWindow(meter, 0);
    assert.deepEqual(first.rows.map(rowValue), [800_000n, 400_000n, 50_000n]);
    await runWindow(meter, 1, [0]);
    bulletin.seal(kit.startOf(0), first.rows.slice(1, 2), 'consumption');
    await runWindow(meter, 1, [1]);
    assert.deepEqual(meter.meter.balance, { measured: 1_250_000n, carried: 850_000n, inFlight: 0n });
    assertBalance(meter, 400_000n);

    // 800 Wh and 50 Wh came back: 400 Wh is now the largest, and the smallest is tried again.
    const third = await runWindow(meter, 2);
    assert.deepEqual(third.rows.map(rowValue), [400_000n, 400_000n, 400_000n, 400_000n, 100_000n]);
    const fourth = await runWindow(meter, 3);
    assert.deepEqual(fourth.rows.map(rowValue), [800_000n, 50_000n], 'the cap holds for one interval');
    const handles = new Set([...first.rows, ...third.rows, ...fourth.rows].map((row) => toHex(rowPseudonym(row))));
    assert.equal(handles.size, 10, 'every row has a fresh pseudonym');
  });

  it('sends one packet of one size to each side in every slot, whatever the use', async () => {
    const meter = await setUp();
    const { kit, bulletin } = meter;
    // Nothing, a little, a peak of more than a window holds, its backlog, and then the bulletin is cut off.
    [0n, 1n, 20_000_000n, 300_000n, 700_000n].forEach((energy, interval) =>
      meter.energy.set(kit.startOf(interval), energy),
    );
    const fill: number[] = [];
    for (let interval = 0; interval < 5; interval++) {
      bulletin.unreachable = interval === 4;
      const { sent } = await runWindow(meter, interval);
      assert.equal(sent.length, 6, `interval ${interval}`);
      for (const { packets, controlCenter } of sent) {
        assert.equal(packets.controlCenter.bytes.length, packetLength(2));
        assert.equal(packets.hub.bytes.length, packetLength(2));
        fill.push(controlCenter.rows.length);
      }
    }
    assert.deepEqual(fill.slice(0, 12), new Array(12).fill(0), 'filler only');
    assert.deepEqual(fill.slice(12, 18), new Array(6).fill(3), 'all places');
    assert.deepEqual(fill.slice(24), new Array(6).fill(0), 'without the bulletin nothing is split');
    assert.equal(meter.meter.balance.measured, 21_000_001n);
    assertBalance(meter, 0n);
  });

  it('splits late when the bulletin or the reading comes late, into the places that are left', async () => {
    const meter = await setUp();
    const { kit, bulletin } = meter;
    meter.energy.set(kit.startOf(0), 20_000_000n);
    assert.ok(await runWindow(meter, 0, [0]));
    const late = await setUp();
    late.energy.set(kit.startOf(0), 20_000_000n);
    late.bulletin.unreachable = true;
    assert.equal((await runWindow(late, 0, [0, 1])).sent.length, 0, 'it has never had a directory');
    late.bulletin.unreachable = false;
    const { rows } = await runWindow(late, 0, [4, 5]);
    assert.equal(rows.length, 6);
    assert.equal(late.meter.balance.carried, 20_000_000n - sum(rows));

    bulletin.seal(kit.startOf(0), [], 'consumption');
    const waiting = await runWindow(meter, 1, [0, 1]);
    assert.equal(waiting.rows.length, 0, 'no reading yet');
    meter.energy.set(kit.startOf(1), 0n);
    assert.equal((await runWindow(meter, 1, [2])).rows.length, 3);
  });

  it('includes all intervals of an outage in the next split', async () => {
    const meter = await setUp();
    for (let interval = 0; interval < 10; interval++) {
      meter.energy.set(meter.kit.startOf(interval), 110_000n);
    }
    await runWindow(meter, 0);
    const { rows } = await runWindow(meter, 9);
    assert.equal(meter.meter.balance.measured, 1_100_000n);
    assert.equal(sum(rows), 800_000n + 200_000n);
  });

  for (const moment of ['before', 'after'] as const) {
    it(`never gives a k to two rows, and loses no energy, killed ${moment} any write`, async () => {
      for (let killed = 0; killed < 7; killed++) {
        const meter = await setUp();
        const { kit, bulletin, store } = meter;
        for (let interval = 0; interval < 4; interval++) {
          meter.energy.set(kit.startOf(interval), 1_290_001n);
        }
        const target = store.writes + killed;
        store.crashAt = (write) => (write === target ? moment : undefined);
        const rowOfK = new Map<number, string>();
        let crashes = 0;
        let onLedger = 0n;
        let published: Uint8Array[] = [];
        for (let interval = 0; interval < 4; interval++) {
          const rows = new Map<string, Uint8Array>();
          for (let slot = 0; slot < 6; slot++) {
            if (slot === 1 && interval > 0) {
              bulletin.seal(kit.startOf(interval - 1), published, 'consumption');
              onLedger += sum(published);
            }
            const time = kit.startOf(interval) + L + slot * SLOT;
            const opened = await meter.slot(time).catch(async (error: unknown) => {
              assert.ok(error instanceof Crash);
              crashes++;
              await meter.restart();
              return meter.slot(time);
            });
            for (const { k, row } of opened!.controlCenter.rows) {
              assert.equal(rowOfK.get(k) ?? toHex(row), toHex(row), `k ${k}, killed at write ${killed}`);
              rowOfK.set(k, toHex(row));
              rows.set(toHex(row), row);
            }
            assertBalance(meter, onLedger);
          }
          published = [...rows.values()].filter((_, position) => position % 3 !== 1);
        }
        assert.equal(crashes, 1);
        assert.equal(meter.meter.balance.measured, 4n * 1_290_001n);
      }
    });
  }

  it('crosses an epoch: new keys, k from 1, and nothing of the old epoch is left', async () => {
    const meter = await setUp({ epochSeconds: 2 * L });
    const { kit, bulletin } = meter;
    for (let interval = 0; interval < 4; interval++) {
      meter.energy.set(kit.startOf(interval), 200_000n);
    }
    await runWindow(meter, 0);
    const last = await runWindow(meter, 1);
    assert.equal(last.sent[5]?.controlCenter.epoch, 0, 'rows of the old epoch go out under its keys');
    const old = await meter.store.state();
    assert.equal((await runWindow(meter, 2, [0])).sent.length, 0, 'without its directory the epoch has not come');
    assert.equal((await meter.store.state()).keys.epoch, 0);

    bulletin.publishDirectory(1);
    const { sent, rows } = await runWindow(meter, 2, [1, 2, 3]);
    assert.equal(sent[0]?.controlCenter.epoch, 1);
    assert.equal(sent[0].controlCenter.rows[0]?.k, 1);
    const secrets = meter.secretsOf(1);
    checkRowSecrets(kit.crypto, chainPseudonyms, rows[0]!, { ...secrets, k: 1, previous: secrets.identity });

    const state = await meter.store.state();
    const kept = new TextDecoder().decode(meter.store.bytes);
    assert.ok(kept.includes(toHex(state.keys.linkKey)), 'the search finds what is there');
    for (const secret of [old.keys.linkKey, old.keys.epochNode, meter.meterKey]) {
      assert.ok(!kept.includes(toHex(secret)), 'a secret of the old epoch is still there');
    }
    const tree = PuncturedTree.fromBytes(kit.crypto, state.tree);
    for (const epoch of [0, 1]) {
      assert.throws(
        () => tree.epochNode(epoch),
        (error) => error instanceof ProtocolError && error.code === 'EPOCH_ERASED',
      );
    }
    assert.deepEqual(tree.epochNode(2), meter.secretsOf(2).epochNode);
    assert.equal(
      await meter.slot(kit.startOf(1) + L),
      undefined,
      'the clock was set back over the border: it is silent',
    );
  });

  it('continues without the bulletin to the end of the newest epoch whose directory it has, and holds its packets then', async () => {
    const meter = await setUp({ epochSeconds: 2 * L });
    meter.bulletin.publishDirectory(1);
    await runWindow(meter, 0, [0]);
    meter.bulletin.unreachable = true;
    const sent: number[] = [];
    for (let interval = 0; interval < 6; interval++) {
      sent.push((await runWindow(meter, interval)).sent.length);
    }
    assert.deepEqual(sent, [6, 6, 6, 6, 0, 0]);
    meter.bulletin.unreachable = false;
    meter.bulletin.publishDirectory(3);
    assert.equal((await runWindow(meter, 6)).sent.length, 6);
  });

  it('balances to the milliwatt hour under any use, any loss and any restart', async () => {
    const interval = fc.record({
      energy: fc.oneof(fc.constant(0n), fc.bigInt(1n, 900_000n), fc.bigInt(1_000_000n, 9_000_000n)),
      leftOut: fc.array(fc.boolean(), { minLength: 18, maxLength: 18 }),
      unreachable: fc.boolean(),
      restart: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(interval, { minLength: 2, maxLength: 8 }), async (intervals) => {
        const meter = await setUp();
        const { kit, bulletin } = meter;
        let onLedger = 0n;
        for (const [index, { energy, leftOut, unreachable, restart }] of intervals.entries()) {
          meter.energy.set(kit.startOf(index), energy);
          const before = await runWindow(meter, index, [0]);
          bulletin.unreachable = unreachable;
          if (restart) {
            await meter.restart();
          }
          const after = await runWindow(meter, index, [1, 2, 3, 4, 5]);
          bulletin.unreachable = false;
          if (restart) {
            assert.ok(!unreachable ? after.sent.length === 5 : after.sent.length === 0);
          } else {
            assert.equal(after.sent.length, 5);
          }
          const rows = new Map([...before.rows, ...after.rows].map((row) => [toHex(row), row]));
          const published = [...rows.values()].filter((_, position) => !leftOut[position]);
          bulletin.seal(kit.startOf(index), published, 'consumption');
          onLedger += sum(published);
        }
        for (const slot of [0, 1]) {
          await meter.slot(kit.startOf(intervals.length) + L + slot * SLOT);
        }
        const total = intervals.reduce((all, { energy }) => all + energy, 0n);
        const { measured, carried, inFlight } = meter.meter.balance;
        assert.equal(measured, total);
        assert.equal(inFlight, 0n);
        assert.equal(onLedger + carried, total);
      }),
      { numRuns: 15 },
    );
  });
});
