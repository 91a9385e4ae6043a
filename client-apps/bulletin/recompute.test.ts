// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHex } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { rowPseudonym, rowSignaturePublicKey, rowValue } from '../../protocol/ledger/row.js';
import { bulletinOf, writeFiles } from '../../test/support/bulletin.js';
import { IntervalMaker } from '../../test/support/interval.js';
import { CROSSED_MODES, MODES, modesText } from '../../test/support/modes.js';
import { FakeRegion } from '../../test/support/region.js';
import { parseHandles, recompute } from './recompute.js';
import { recomputeBulletin } from './recompute-bulletin.js';

/** Row r is meter r's: the household is meter 2, which has two rows in the first interval. */
const ROWS = [
  [0, 0, 0, 0, 0, 0, 0, 3, 3, 3, 3, 3, 3],
  [2, 2, 2, 2, 2],
  [1, 1, 1, 1, 1],
];
const OWN = 2;

for (const modes of [...MODES, ...CROSSED_MODES]) {
  describe(`Remark 5: a household computes price and bill itself (${modesText(modes)})`, () => {
    const kit = new FakeRegion({ meters: 10, consumers: 3, parameters: modes });
    const maker = new IntervalMaker(kit);
    const intervals = ROWS.map((categories) => maker.next(categories));
    const own = intervals.map(({ witnessedRows }) =>
      witnessedRows.filter(({ witness }) => witness.meterNumber === OWN).map(({ row }) => row),
    );
    const handlesBy = (field: (row: Uint8Array) => Uint8Array): Set<string> =>
      new Set(own.flat().map((row) => toHex(field(row))));
    let root: string;

    before(async () => {
      root = await mkdtemp(join(tmpdir(), 'gridveil-recompute-'));
      await writeFiles(root, bulletinOf(kit, intervals));
    });
    after(() => rm(root, { recursive: true }));

    for (const [name, field] of [
      ['A', rowPseudonym],
      ['sigPk', rowSignaturePublicKey],
    ] as const) {
      it(`knows its rows by ${name} alone`, async () => {
        const found = await recomputeBulletin(sodiumCrypto, root, handlesBy(field));
        assert.deepEqual(found.audit.faults, []);
        assert.deepEqual(found.missing, []);
        found.intervals.forEach((interval, j) => {
          const energy = own[j]!.reduce((sum, row) => sum + rowValue(row), 0n);
          assert.equal(interval.found.length, own[j]!.length);
          assert.equal(interval.milliWattHours, energy);
          assert.equal(interval.regionMilliWattHours, intervals[j]!.consumption.header.total);
          assert.equal(interval.priceNanoPerKilowattHour, intervals[j]!.price);
          assert.equal(interval.billNanoCurrency, (energy * intervals[j]!.price) / 1_000_000n);
          assert.equal(interval.billedNanoCurrency, interval.billNanoCurrency);
        });
        assert.deepEqual(
          found.intervals.map(({ found: { length } }) => length),
          [2, 1, 1],
        );
      });
    }

    it('knows nothing of the rows of others, and says which handles have no row', async () => {
      const strange = new Set(['ab'.repeat(32)]);
      const found = await recomputeBulletin(sodiumCrypto, root, strange);
      assert.deepEqual(found.missing, [...strange]);
      assert.ok(
        found.intervals.every(({ milliWattHours, billNanoCurrency }) => milliWattHours + billNanoCurrency === 0n),
      );
    });
  });
}

describe('recomputation', () => {
  const kit = new FakeRegion({ meters: 10 });
  const interval = new IntervalMaker(kit).next([0, 0, 0, 0, 0]);
  const { row } = interval.witnessedRows[0]!;
  const verified = {
    ledgerId: interval.ledgerId,
    stage: 'billing',
    parameters: kit.parameters,
    registeredMeters: kit.meters.length,
  } as Parameters<typeof recompute>[0];

  it('shows a bill that is not price times consumption', () => {
    const dearer = new IntervalMaker(kit).billRows(interval.ledgerId, interval.consumption.rows, 2n * interval.price);
    const handles = new Set([toHex(rowPseudonym(row))]);
    const found = recompute(verified, interval.consumption.rows, dearer, handles);
    assert.equal(found.billedNanoCurrency, 2n * found.billNanoCurrency);
    assert.equal(recompute(verified, interval.consumption.rows, undefined, handles).billedNanoCurrency, undefined);
  });

  it('reads handles one a line, and names the line that is none', () => {
    const handle = toHex(rowPseudonym(row));
    assert.deepEqual(parseHandles(`${handle}\n\n  ${handle}\r\n`), new Set([handle]));
    for (const bad of ['xyz', handle.toUpperCase(), handle.slice(2), `${handle}00`]) {
      assert.throws(() => parseHandles(`${handle}\n${bad}\n`), { code: 'WRONG_USE', message: /^handles, line 2: / });
    }
  });
});
