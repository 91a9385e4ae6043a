// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { concatBytes, toHex } from '../../../protocol/crypto/bytes.js';
import { decodeParametersFile } from '../../../protocol/ledger/bulletin.js';
import { splitRows } from '../../../protocol/ledger/page.js';
import { fingerprint } from '../../../protocol/ledger/parameters.js';
import { ROW_LENGTH, ROW_OFFSET, rowPseudonym, rowValue } from '../../../protocol/ledger/row.js';
import { verifyParametersList } from '../../../protocol/rules/check-parameters.js';
import { auditInterval } from '../../../protocol/rules/verify-interval.js';
import { HouseholdUnderTest } from '../../../test/support/household.js';
import type { Tampering } from '../../../test/support/memory-bulletin.js';
import type { FakeRegion } from '../../../test/support/region.js';
import { DirectoryBulletin } from '../../bulletin/reader.js';
import { fetchInterval } from './check-interval.js';

/** The codes that a stranger finds in a dispute's evidence, who knows nothing but the control center's key. */
async function faultsIn(
  evidence: string,
  { crypto, region, controlCenter }: FakeRegion,
  start: number,
): Promise<string[]> {
  const source = new DirectoryBulletin(evidence);
  const parameters = decodeParametersFile((await source.readParameters())!);
  verifyParametersList(crypto, parameters, fingerprint(crypto, controlCenter.publicKey));
  assert.notEqual(await source.readDirectory(region, 0), undefined);
  const files = await fetchInterval(source, region, start);
  const trust = { parameters, previous: 'unknown' } as const;
  const { faults } = auditInterval(crypto, { region, startSeconds: start }, files!, { ...trust, depth: 'full' });
  return faults.map(({ code }) => code);
}

describe('disputes of a hub', () => {
  let root: string;
  let count = 0;
  before(() => (root = mkdtempSync(join(tmpdir(), 'gridveil-disputes-'))));
  after(() => rmSync(root, { recursive: true }));

  const setUp = async (fullCheckEvery?: number): Promise<HouseholdUnderTest> => {
    const household = new HouseholdUnderTest(join(root, String(count++)), fullCheckEvery);
    await household.start();
    return household;
  };

  const flip = (rows: Uint8Array, offset: number): Uint8Array => {
    const changed = rows.slice();
    changed[offset]! ^= 1;
    return changed;
  };
  /** A row of the lowest category gets the bill of the highest, so that the bills look like bills. */
  const withAnothersBill = (rows: Uint8Array): Uint8Array => {
    const changed = rows.slice();
    const byBill = splitRows(changed).sort((a, b) => Number(rowValue(a) - rowValue(b)));
    const [lowest, highest] = [byBill[0]!, byBill.at(-1)!];
    lowest.set(highest.subarray(ROW_OFFSET.value, ROW_OFFSET.signaturePublicKey), ROW_OFFSET.value);
    return changed;
  };
  const swindles: [name: string, code: string, Tampering | ((home: HouseholdUnderTest, start: number) => void)][] = [
    ['a price beside the tariff', 'WRONG_PRICE', { price: (price) => price + 1_000n }],
    ['a bill that is too high', 'WRONG_BILL', { bills: withAnothersBill }],
    ['a bill that is not signed', 'BAD_SIGNATURE', { bills: (rows) => flip(rows, ROW_OFFSET.signature) }],
    // The pseudonym's last byte: with its first one changed, the rows might be out of order.
    ['a bill for somebody else', 'PAGE_MISMATCH', { bills: (rows) => flip(rows, ROW_OFFSET.time - 1) }],
    ['a bill that is missing', 'PAGE_MISMATCH', { bills: (rows) => rows.subarray(ROW_LENGTH) }],
    [
      'a row that is missing from the file',
      'BAD_LENGTH',
      (home, start) => change(home, start, 'consumption.rows', (rows) => rows.subarray(7)),
    ],
    [
      'a row that the header does not know',
      'BAD_LENGTH',
      (home, start) =>
        change(home, start, 'consumption.rows', (rows) => concatBytes(rows, rows.subarray(0, ROW_LENGTH))),
    ],
    [
      'a row that was changed after the seal',
      'PAGE_MISMATCH',
      (home, start) => change(home, start, 'consumption.rows', (rows) => flip(rows, ROW_OFFSET.value)),
    ],
    [
      'an index that does not fit',
      'INDEX_MISMATCH',
      (home, start) => change(home, start, 'consumption.index', (index) => flip(index, 0)),
    ],
    [
      'a seal that was changed',
      'SEAL_MISMATCH',
      (home, start) => {
        change(home, start, 'seals.json', (seals) =>
          new TextEncoder().encode(
            new TextDecoder().decode(seals).replace('"registeredMeters":10', '"registeredMeters":11'),
          ),
        );
      },
    ],
    [
      'seals that cannot be read',
      'MALFORMED',
      (home, start) => change(home, start, 'seals.json', (seals) => seals.subarray(1)),
    ],
  ];
  const change = (
    home: HouseholdUnderTest,
    start: number,
    file: string,
    by: (bytes: Uint8Array) => Uint8Array,
  ): void => {
    home.bulletin.files.set(`${start}/${file}`, by(home.bulletin.files.get(`${start}/${file}`)!));
  };
  for (const [name, code, swindle] of swindles) {
    it(`disputes ${name}: ${code}, with evidence that anyone can check, and continues`, async () => {
      const home = await setUp();
      const start = home.kit.startOf(1);
      await home.window(0, { energy: 900_000n });
      await home.window(1, { energy: 900_000n, ...(typeof swindle === 'function' ? {} : { tampering: swindle }) });
      if (typeof swindle === 'function') {
        swindle(home, start);
      }
      await home.finish(1, 1);
      assert.equal(home.hub.sums.disputes, 0, 'it looks twice');
      await home.finish(1);
      assert.equal(home.hub.sums.disputes, 1);
      assert.equal(home.hub.sums.intervals, 1, 'a disputed interval is not verified');
      const [dispute] = await home.files.disputes.list();
      assert.equal(dispute?.startSeconds, start);
      assert.ok(
        dispute.faults.some((fault) => fault.code === code),
        JSON.stringify(dispute.faults),
      );

      const evidence = join(home.directory, 'disputes', `ledger-${start}`);
      const own = (await home.meter.store.state()).handles.map(({ pseudonym }) => toHex(pseudonym));
      const text = await readFile(`${evidence}.json`, 'utf8');
      assert.ok(own.length > 0 && own.every((pseudonym) => !text.includes(pseudonym)));
      assert.ok((await faultsIn(evidence, home.kit, start)).includes(code));
    });
  }

  it('looks again before it disputes: a fault that is gone in the next slot was none', async () => {
    const home = await setUp();
    await home.window(0, { energy: 900_000n });
    const path = `${home.kit.startOf(0)}/billing.rows`;
    const right = home.bulletin.files.get(path)!;
    home.bulletin.files.set(path, right.subarray(ROW_LENGTH));
    await home.finish(0, 1);
    home.bulletin.files.set(path, right);
    await home.finish(0);
    assert.deepEqual([home.hub.sums.disputes, home.hub.sums.intervals], [0, 1]);
  });

  it('checks the signatures of its own rows and bills in a light check too, and then all', async () => {
    const home = await setUp(1_000_000);
    const forge = (isMine: (pseudonym: string) => boolean) => (rows: Uint8Array) => {
      const changed = rows.slice();
      const index = splitRows(rows).findIndex((row) => isMine(toHex(rowPseudonym(row))));
      changed[index * ROW_LENGTH + ROW_OFFSET.signature]! ^= 1;
      return changed;
    };
    let own: string[] = [];
    const publish = (row: Uint8Array): boolean => own.push(toHex(rowPseudonym(row))) > 0;
    const energy = 800_000n;
    await home.window(0, { energy, publish, tampering: { bills: forge((pseudonym) => !own.includes(pseudonym)) } });
    own = [];
    await home.window(1, { energy, publish, tampering: { bills: forge((pseudonym) => own.includes(pseudonym)) } });
    await home.finish(1);
    const disputes = await home.files.disputes.list();
    assert.deepEqual(
      disputes.map(({ startSeconds, faults }) => [startSeconds, faults.map(({ code }) => code)]),
      [[home.kit.startOf(1), ['BAD_SIGNATURE']]],
      'the stranger’s bill is left to the strangers and to those who have their turn',
    );
    assert.deepEqual([home.hub.sums.intervals, home.hub.sums.fullChecks], [1, 0]);
  });
});
