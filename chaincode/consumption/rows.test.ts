// SPDX-License-Identifier: Apache-2.0
import { accepted, refused, World } from '../test/world.js';
import { concatBytes } from '../../protocol/crypto/bytes.js';
import type { SigningKey } from '../../protocol/crypto/crypto.js';
import { IDENTITY_MODES } from '../../protocol/identity/pseudonym-scheme.js';
import { oneTimeKey } from '../../protocol/identity/one-time-key.js';
import { decodeRow, ROW_OFFSET, ROW_TYPE, type RowContent, signRow } from '../../protocol/ledger/row.js';
import { type FakeInterval, IntervalMaker, type WitnessedRow } from '../../test/support/interval.js';
import { FakeRegion } from '../../test/support/region.js';
import type { RefusalCode } from '../common/refusal.js';
import type { Simulation } from '../test/simulation-stub.js';

const ROWS = Array.from({ length: 25 }, (_, row) => row % 5);

describe('PutPage of ConsumptionContract, row by row', () => {
  const kit = new FakeRegion();
  let maker: IntervalMaker;
  let world: World;
  let interval: FakeInterval;

  beforeEach(async () => {
    maker = new IntervalMaker(kit);
    world = new World(kit.pricePseudonymKey);
    accepted(await world.putParameters(kit.signedParameters));
    accepted(await world.putRegistryRoot(kit.registryRoot(0)));
    interval = maker.next(ROWS);
  });

  /** Puts rows under a header that fits them, so that only the rows themselves can be wrong. */
  const putRows = async (rows: readonly WitnessedRow[]): Promise<Simulation> => {
    const bytes = concatBytes(...rows.map(({ row }) => row));
    accepted(await world.putHeader(maker.header('consumption', interval.ledgerId, bytes)));
    return world.putPage('consumption', {
      ledgerId: interval.ledgerId,
      page: 0,
      rows: bytes,
      witnesses: maker.witnessesOf(rows),
    });
  };

  /** The interval's rows with the one at a place exchanged. */
  const withRow = (change: (row: WitnessedRow) => WitnessedRow, place = 7): WitnessedRow[] =>
    interval.witnessedRows.map((row, i) => (i === place ? change(row) : row));

  const signedAgain = (
    { row, witness }: WitnessedRow,
    changes: Partial<RowContent>,
    key: SigningKey = oneTimeKey(kit.crypto, witness.epochNode, witness.k),
  ): WitnessedRow => ({ row: signRow(kit.crypto, { ...decodeRow(row), ...changes }, key), witness });

  const refusedRow = async (code: RefusalCode, change: (row: WitnessedRow) => WitnessedRow): Promise<void> =>
    refused(await putRows(withRow(change)), code);

  it('accepts the rows of registered meters', async () => accepted(await putRows(interval.witnessedRows)));

  it('accepts them in every identity mode', async () => {
    for (const identityMode of IDENTITY_MODES) {
      const region = new FakeRegion({ parameters: { identityMode } });
      const other = new World(region.pricePseudonymKey);
      accepted(await other.putParameters(region.signedParameters));
      accepted(await other.putRegistryRoot(region.registryRoot(0)));
      await other.fill('consumption', new IntervalMaker(region).next(ROWS));
    }
  });

  it('refuses a row signed with another key', () =>
    refusedRow('WRONG_KEY', (row) => signedAgain(row, {}, kit.signingKey('other'))));

  it("refuses a row signed with the meter's key of another message", () =>
    refusedRow('WRONG_KEY', (row) => signedAgain(row, {}, oneTimeKey(kit.crypto, row.witness.epochNode, 99))));

  it('refuses a changed signature', () =>
    refusedRow('BAD_SIGNATURE', ({ row, witness }) => {
      const bytes = row.slice();
      bytes[ROW_OFFSET.signature]! ^= 1;
      return { row: bytes, witness };
    }));

  it('refuses an unregistered meter', async () => {
    const larger = new FakeRegion({ meters: kit.meters.length + 1 });
    const stranger = larger.meters.at(-1)!;
    const row = new IntervalMaker(larger).consumptionRow(interval.ledgerId, stranger, 2);
    const rows = [...interval.witnessedRows, row].sort((a, b) =>
      Buffer.compare(a.row.subarray(17), b.row.subarray(17)),
    );
    refused(await putRows(rows), 'UNREGISTERED');
  });

  it("refuses a registered meter's path with another meter's secrets", () =>
    refusedRow('UNREGISTERED', ({ row, witness }) => {
      const { leafIndex, siblings } = interval.witnessedRows.find(
        (other) => other.witness.leafIndex !== witness.leafIndex,
      )!.witness;
      return { row, witness: { ...witness, leafIndex, siblings } };
    }));

  it('refuses a pseudonym that is not of this message', () =>
    refusedRow('WRONG_PSEUDONYM', ({ row, witness }) => ({
      row,
      witness: { ...witness, k: witness.k + 1, previous: kit.secret('other') },
    })));

  it('refuses k = 0', () => refusedRow('K_RANGE', ({ row, witness }) => ({ row, witness: { ...witness, k: 0 } })));

  it('refuses a row of another kind of ledger', () =>
    refusedRow('WRONG_TYPE', (row) => signedAgain(row, { type: ROW_TYPE.bill })));

  it('refuses a row of another interval', () =>
    refusedRow('WRONG_LEDGER', (row) =>
      signedAgain(row, { ledgerId: { ...interval.ledgerId, startSeconds: kit.startOf(1) } }),
    ));

  it('refuses a row of another region', () =>
    refusedRow('WRONG_LEDGER', (row) => signedAgain(row, { ledgerId: { ...interval.ledgerId, region: 'paris' } })));

  it('refuses a row with its own time', () =>
    refusedRow('WRONG_TIME', (row) => signedAgain(row, { timeSeconds: decodeRow(row.row).timeSeconds + 1 })));

  it('refuses a row that is there twice', async () => {
    accepted(await world.putHeader(interval.consumption.header));
    const [first, ...others] = interval.witnessedRows as [WitnessedRow, ...WitnessedRow[]];
    const twice = concatBytes(first.row, first.row, ...others.slice(1).map(({ row }) => row));
    refused(
      await world.putPage('consumption', {
        ledgerId: interval.ledgerId,
        page: 0,
        rows: twice,
        witnesses: interval.witnesses[0],
      }),
      'DUPLICATE_ROW',
    );
  });

  it('refuses rows out of order', async () => {
    accepted(await world.putHeader(interval.consumption.header));
    const reversed = concatBytes(...interval.witnessedRows.map(({ row }) => row).reverse());
    refused(
      await world.putPage('consumption', {
        ledgerId: interval.ledgerId,
        page: 0,
        rows: reversed,
        witnesses: interval.witnesses[0],
      }),
      'ROW_ORDER',
    );
  });

  it('refuses rows that are not the announced ones', async () => {
    accepted(await world.putHeader(interval.consumption.header));
    const { rows } = interval.consumption;
    const witnesses = interval.witnesses[0];
    const put = (changed: Uint8Array): Promise<Simulation> =>
      world.putPage('consumption', { ledgerId: interval.ledgerId, page: 0, rows: changed, witnesses });
    refused(await put(rows.subarray(0, -177)), 'PAGE_MISMATCH');
    refused(await put(rows.subarray(0, -1)), 'BAD_LENGTH');
    for (const offset of [ROW_OFFSET.time, ROW_OFFSET.value, ROW_OFFSET.signaturePublicKey, ROW_OFFSET.signature]) {
      const changed = rows.slice();
      changed[offset]! ^= 1;
      refused(await put(changed), 'PAGE_MISMATCH');
    }
  });

  it('refuses witnesses that are not one for each row', async () => {
    accepted(await world.putHeader(interval.consumption.header));
    const { rows } = interval.consumption;
    const put = (witnesses: Uint8Array): Promise<Simulation> =>
      world.putPage('consumption', { ledgerId: interval.ledgerId, page: 0, rows, witnesses });
    refused(await put(maker.witnessesOf(interval.witnessedRows.slice(1))), 'BAD_LENGTH');
    refused(await put(interval.witnesses[0]!.subarray(1)), 'BAD_LENGTH');
    refused(await put(maker.witnessesOf([...interval.witnessedRows].reverse())), 'WRONG_PSEUDONYM');
  });
}).timeout(10_000);
