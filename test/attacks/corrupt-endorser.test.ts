// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { compareBytes, concatBytes, equalBytes, toHex } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { oneTimeKey } from '../../protocol/identity/one-time-key.js';
import { pseudonymScheme } from '../../protocol/identity/pseudonym.js';
import { decodeWitnesses, type RowWitness } from '../../protocol/identity/witness.js';
import { splitRows } from '../../protocol/ledger/page.js';
import { decodeRow, rowPseudonym, signRow, verifyRowSignature } from '../../protocol/ledger/row.js';
import { rowTimeSeconds } from '../../protocol/schedule/windows.js';
import { beginWorld } from '../support/contract-world.js';
import { IntervalMaker, type FakeInterval, type WitnessedRow } from '../support/interval.js';
import { FakeRegion } from '../support/region.js';

const ROWS = new Array<number>(20).fill(1);
const TOP = 4;

/** What the process of one endorsing peer sees: the page's rows and their witnesses, from the transient map. */
function seen(kit: FakeRegion, interval: FakeInterval): WitnessedRow[] {
  const rows = splitRows(interval.consumption.rows);
  const witnesses = decodeWitnesses(interval.witnesses[0]!, rows.length, kit.parameters.registryDepth);
  return rows.map((row, place) => ({ row, witness: witnesses[place]! }));
}

/** The next row of a meter whose witness was seen, with an energy of the forger's choice. */
function forge(kit: FakeRegion, interval: FakeInterval, { row, witness }: WitnessedRow): WitnessedRow {
  const next: RowWitness = { ...witness, k: witness.k + 1, previous: rowPseudonym(row) };
  const pseudonym = pseudonymScheme(kit.parameters.identityMode).derive(sodiumCrypto, next);
  const value = kit.parameters.categoriesMilliWattHours[TOP]!;
  const timeSeconds = rowTimeSeconds(kit.parameters, interval.ledgerId.startSeconds);
  const content = { ...decodeRow(row), ledgerId: interval.ledgerId, pseudonym, timeSeconds, value };
  return { row: signRow(sodiumCrypto, content, oneTimeKey(sodiumCrypto, next.epochNode, next.k)), witness: next };
}

describe('attack: one corrupt peer of the control center', () => {
  const kit = new FakeRegion({ meters: 10 });
  const maker = new IntervalMaker(kit);
  const first = maker.next(ROWS);
  const second = maker.next(ROWS);

  it('links the rows of every meter in its pages, within an interval and over the epoch', () => {
    const rows = [first, second].flatMap((interval) => seen(kit, interval));
    const meters = new Map<string, number>();
    for (const { witness } of rows) {
      const meter = toHex(witness.identity);
      meters.set(meter, (meters.get(meter) ?? 0) + 1);
    }
    assert.deepEqual([...meters.values()], new Array(10).fill(4), 'ten meters with two rows in each of two intervals');
  });

  it('signs rows for any of them, which the contract and every auditor accept', async () => {
    const world = await beginWorld(kit);
    await world.complete(first);
    const honest = seen(kit, first);
    const last = honest.filter(({ witness }) => witness.meterNumber === 0).sort((a, b) => a.witness.k - b.witness.k);
    const forged = Array.from({ length: kit.parameters.kAnonymity }).reduce<WitnessedRow[]>(
      (rows) => [...rows, forge(kit, second, rows.at(-1) ?? last.at(-1)!)],
      [],
    );
    assert.ok(forged.every(({ row }) => verifyRowSignature(sodiumCrypto, row)));

    const page = [...forged].sort((a, b) => compareBytes(rowPseudonym(a.row), rowPseudonym(b.row)));
    const rows = concatBytes(...page.map(({ row }) => row));
    const header = new IntervalMaker(kit).header('consumption', second.ledgerId, rows);
    assert.equal((await world.putHeader(header)).message, '');
    const accepted = await world.putPage('consumption', {
      ledgerId: second.ledgerId,
      page: 0,
      rows,
      witnesses: maker.witnessesOf(page),
    });
    assert.equal(accepted.message, '');
  });

  it('does not make a seal: the key of the seals is not on a peer, and no witness holds a key of another epoch', () => {
    const [{ witness } = assert.fail()] = seen(kit, first);
    const meter = kit.meters[witness.meterNumber]!;
    assert.ok(equalBytes(meter.secretsOf(0).epochNode, witness.epochNode));
    assert.ok(!equalBytes(meter.secretsOf(1).epochNode, witness.epochNode));
  });
});
