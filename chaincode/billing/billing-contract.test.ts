// SPDX-License-Identifier: Apache-2.0
import { accepted, pageArgs, refused, repeated, World } from '../test/world.js';
import assert from 'node:assert/strict';
import { concatBytes } from '../../protocol/crypto/bytes.js';
import { splitRows } from '../../protocol/ledger/page.js';
import { decodeRow, ROW_TYPE, type RowContent, signRow } from '../../protocol/ledger/row.js';
import { type Seal, signSeal } from '../../protocol/ledger/seal.js';
import { type FakeInterval, IntervalMaker } from '../../test/support/interval.js';
import { FakeRegion } from '../../test/support/region.js';
import type { RefusalCode } from '../common/refusal.js';

const ROWS = Array.from({ length: 25 }, (_, row) => row % 5);
const TWO_PAGES = Array.from({ length: 505 }, (_, row) => row % 5);

describe('BillingContract', () => {
  const kit = new FakeRegion({ meters: 100 });
  let maker: IntervalMaker;
  let world: World;
  let interval: FakeInterval;

  const prepare = async (categories: readonly number[]): Promise<void> => {
    maker = new IntervalMaker(kit);
    world = new World(kit.pricePseudonymKey);
    accepted(await world.putParameters(kit.signedParameters));
    accepted(await world.putRegistryRoot(kit.registryRoot(0)));
    accepted(await world.putDirectory(kit.directory(0)));
    interval = maker.next(categories);
    await world.seal('consumption', interval);
  };

  const price = (): Promise<void> => world.seal('pricing', interval);

  /** The bills with the one at a place exchanged. */
  const bills = (changes: Partial<RowContent>, key = kit.serviceProvider): Uint8Array =>
    concatBytes(
      ...splitRows(interval.billing.rows).map((row, i) =>
        i === 3 ? signRow(kit.crypto, { ...decodeRow(row), ...changes }, key) : row,
      ),
    );

  it('accepts the bills of a priced interval; a repeated transaction writes nothing', async () => {
    await prepare(TWO_PAGES);
    await price();
    await world.seal('billing', interval);
    repeated(await world.putSigned(interval.billing));
    for (const page of [1, 0]) {
      repeated(
        await world.putPage('billing', { ledgerId: interval.ledgerId, page, rows: interval.billing.pages[page]! }),
      );
    }
    repeated(await world.putSeal(interval.billing.seal));
    refused(
      await world.putPage('billing', { ledgerId: interval.ledgerId, page: 0, rows: interval.billing.pages[1]! }),
      'ALREADY_SEALED',
    );
    const next = maker.next(ROWS);
    await world.complete(next);
  });

  it('waits for the seal of pricing', async () => {
    await prepare(ROWS);
    await world.fill('pricing', interval);
    refused(await world.putSigned(interval.billing), 'NOT_YET_SEALED');
    refused(
      await world.putPage('billing', { ledgerId: interval.ledgerId, page: 0, rows: interval.billing.rows }),
      'NOT_YET_SEALED',
    );
  });

  it('refuses a changed bill in the header', async () => {
    await prepare(ROWS);
    await price();
    const dear = maker.billRows(interval.ledgerId, interval.consumption.rows, interval.price + 1_000n);
    refused(await world.putSigned(maker.signedHeader('billing', interval.ledgerId, dear)), 'WRONG_BILL');
  });

  it('refuses bills that trade places, although they add up', async () => {
    await prepare(ROWS);
    await price();
    const rows = splitRows(interval.billing.rows).map(decodeRow);
    const other = rows.findIndex((row) => row.value !== rows[3]!.value);
    const traded = concatBytes(
      ...rows.map((row, i) => {
        const value = i === 3 ? rows[other]!.value : i === other ? rows[3]!.value : row.value;
        return signRow(kit.crypto, { ...row, value }, kit.serviceProvider);
      }),
    );
    accepted(await world.putSigned(maker.signedHeader('billing', interval.ledgerId, traded)));
    refused(await world.putPage('billing', { ledgerId: interval.ledgerId, page: 0, rows: traded }), 'WRONG_BILL');
  });

  it('refuses bills that are not the announced ones', async () => {
    await prepare(TWO_PAGES);
    await price();
    refused(
      await world.putPage('billing', { ledgerId: interval.ledgerId, page: 0, rows: interval.billing.pages[0]! }),
      'HEADER_MISSING',
    );
    accepted(await world.putSigned(interval.billing));
    refused(
      await world.putPage('billing', { ledgerId: interval.ledgerId, page: 0, rows: interval.billing.pages[1]! }),
      'PAGE_MISMATCH',
    );
    refused(
      await world.putPage('billing', { ledgerId: interval.ledgerId, page: 2, rows: interval.billing.pages[1]! }),
      'PAGE_MISMATCH',
    );
    const changed = interval.billing.pages[0]!.slice();
    changed[100]! ^= 1;
    refused(await world.putPage('billing', { ledgerId: interval.ledgerId, page: 0, rows: changed }), 'PAGE_MISMATCH');
    accepted(
      await world.putPage('billing', { ledgerId: interval.ledgerId, page: 0, rows: interval.billing.pages[0]! }),
    );
    refused(await world.putPage('billing', { ledgerId: interval.ledgerId, page: 0, rows: changed }), 'CONFLICT');
  });

  it("refuses a bill with another's key, type, interval, time or signature", async () => {
    await prepare(ROWS);
    await price();
    const refusedBill = async (code: RefusalCode, rows: Uint8Array): Promise<void> => {
      accepted(await world.putSigned(maker.signedHeader('billing', interval.ledgerId, rows)));
      refused(await world.putPage('billing', { ledgerId: interval.ledgerId, page: 0, rows }), code);
    };
    await refusedBill('WRONG_KEY', bills({}, kit.signingKey('other')));
    await refusedBill('WRONG_TYPE', bills({ type: ROW_TYPE.price }));
    await refusedBill('WRONG_LEDGER', bills({ ledgerId: { region: 'london', startSeconds: kit.startOf(1) } }));
    await refusedBill('WRONG_TIME', bills({ timeSeconds: kit.startOf(0) }));
    const forged = interval.billing.rows.slice();
    forged[3 * 177 + 176]! ^= 1;
    await refusedBill('BAD_SIGNATURE', forged);
    const pseudonym = decodeRow(splitRows(interval.billing.rows)[3]!).pseudonym.slice();
    pseudonym[31]! ^= 1;
    await refusedBill('WRONG_PSEUDONYM', bills({ pseudonym }));
  });

  it('mirrors the pages of consumption', async () => {
    await prepare(TWO_PAGES);
    await price();
    const fewer = interval.billing.rows.subarray(177);
    refused(await world.putSigned(maker.signedHeader('billing', interval.ledgerId, fewer)), 'PAGE_MISMATCH');
    const onePage = interval.billing.pages[0]!;
    refused(await world.putSigned(maker.signedHeader('billing', interval.ledgerId, onePage)), 'PAGE_MISMATCH');
    refused(await world.putSigned(maker.sign(interval.consumption.header), 'billing'), 'WRONG_LEDGER');
    refused(await world.putSigned(maker.sign({ ...interval.billing.header, parametersVersion: 2 })), 'HEADER_MISMATCH');
  });

  it('is sealed with the pricing seal as its basis', async () => {
    await prepare(TWO_PAGES);
    await price();
    refused(await world.putSeal(interval.billing.seal), 'HEADER_MISSING');
    accepted(await world.putSigned(interval.billing));
    accepted(
      await world.putPage('billing', { ledgerId: interval.ledgerId, page: 1, rows: interval.billing.pages[1]! }),
    );
    refused(await world.putChoice(interval.billing), 'PAGES_MISSING');
    accepted(
      await world.putPage('billing', { ledgerId: interval.ledgerId, page: 0, rows: interval.billing.pages[0]! }),
    );
    refused(await world.putSeal(interval.billing.seal), 'NOT_CHOSEN');
    accepted(await world.putChoice(interval.billing));
    const { seal } = interval.billing.seal;
    const sealed = (changes: Partial<Seal>) => signSeal(kit.crypto, { ...seal, ...changes }, kit.controlCenter);
    refused(await world.putSeal(sealed({ basis: interval.pricing.seal.seal.basis })), 'SEAL_MISMATCH');
    refused(await world.putSeal(signSeal(kit.crypto, seal, kit.serviceProvider)), 'BAD_SIGNATURE');
    accepted(await world.putSeal(interval.billing.seal));
  });

  it('replaces a poisoned header with its pages: an impossible root, then a page under it', async () => {
    await prepare(TWO_PAGES);
    await price();
    const { header } = interval.billing;
    const [first, second] = header.pages;
    const poisoned = maker.sign({ ...header, pages: [first!, { ...second!, root: kit.secret('impossible') }] });
    accepted(await world.putSigned(poisoned));
    accepted(
      await world.putPage('billing', { ledgerId: interval.ledgerId, page: 0, rows: interval.billing.pages[0]! }),
    );
    refused(
      await world.putPage('billing', { ledgerId: interval.ledgerId, page: 1, rows: interval.billing.pages[1]! }),
      'PAGE_MISMATCH',
    );
    refused(await world.putChoice(poisoned), 'PAGES_MISSING');
    refused(await world.putChoice(interval.billing), 'HEADER_REPLACED');

    const replacing = await world.putSigned(interval.billing);
    accepted(replacing);
    const pages = [...replacing.writes].filter(([key]) => key.startsWith('page/'));
    assert.deepEqual(
      pages.map(([, bytes]) => bytes.length),
      [0, 0],
      'both pages are deleted, whether they were written or not',
    );
    refused(await world.query('billing', 'GetPageRows', ...pageArgs(interval.ledgerId, 0)), 'NOT_FOUND');
    refused(await world.putChoice(interval.billing), 'PAGES_MISSING');
    for (const page of [0, 1]) {
      accepted(
        await world.putPage('billing', { ledgerId: interval.ledgerId, page, rows: interval.billing.pages[page]! }),
      );
    }
    accepted(await world.putChoice(interval.billing));
    repeated(await world.putChoice(interval.billing));
    refused(await world.putChoice(poisoned), 'CONFLICT');
    refused(await world.putSigned(poisoned), 'ALREADY_CHOSEN');
    repeated(await world.putSigned(interval.billing));
    accepted(await world.putSeal(interval.billing.seal));
    refused(await world.putSigned(poisoned), 'ALREADY_SEALED');
  });

  it('has an interval without rows, priced and sealed all the same', async () => {
    await prepare([]);
    await price();
    await world.seal('billing', interval);
  });
}).timeout(10_000);
