// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { IntervalMaker } from '../../test/support/interval.js';
import { FakeRegion } from '../../test/support/region.js';
import { concatBytes } from '../crypto/bytes.js';
import { sodiumCrypto } from '../crypto/sodium.js';
import type { Header } from '../ledger/header.js';
import { splitRows } from '../ledger/page.js';
import { decodeRow, signRow } from '../ledger/row.js';
import { checkBillHeader, checkBillPage } from './check-bills.js';
import { checkHeader } from './check-header.js';
import { intervalContext } from './interval-context.js';

const kit = new FakeRegion({ meters: 6 });
const maker = new IntervalMaker(kit);
const interval = maker.next([0, 0, 0, 0, 0, 4, 4, 4, 4, 4, 4]);
const { price, consumption, billing, ledgerId } = interval;
const context = intervalContext(sodiumCrypto, kit.parameters, ledgerId.startSeconds);

function check(bills: Uint8Array, signatures: 'verify' | 'skip' = 'verify', billedPrice = price): () => void {
  return () =>
    checkBillPage(sodiumCrypto, bills, context, { consumption: consumption.rows, price: billedPrice, signatures });
}

/** The bills with row 3 changed and signed again. */
function changed(change: object, key = kit.serviceProvider): Uint8Array {
  const rows = splitRows(billing.rows);
  return concatBytes(...rows.with(3, signRow(sodiumCrypto, { ...decodeRow(rows[3]!), ...change }, key)));
}

describe('bills', () => {
  it('mirror consumption row by row', () => {
    check(billing.rows)();
    check(billing.rows, 'skip')();
  });

  it('are refused with another amount, pseudonym, ledger, time, type or key', () => {
    const value = decodeRow(splitRows(billing.rows)[3]!).value;
    for (const [bills, code] of [
      [changed({ value: value + 1n }), 'WRONG_BILL'],
      [changed({ value: value - 1n }), 'WRONG_BILL'],
      [changed({ pseudonym: new Uint8Array(32) }), 'WRONG_PSEUDONYM'],
      [changed({ type: 0 }), 'WRONG_TYPE'],
      [changed({ timeSeconds: ledgerId.startSeconds }), 'WRONG_TIME'],
      [changed({ ledgerId: { ...ledgerId, region: 'paris' } }), 'WRONG_LEDGER'],
      [changed({}, kit.controlCenter), 'WRONG_KEY'],
    ] as const) {
      assert.throws(check(bills), { code, message: /^row 3: / });
      assert.throws(check(bills, 'skip'), { code });
    }
    assert.throws(check(billing.rows, 'verify', price + 1_000n), { code: 'WRONG_BILL' });
    assert.throws(check(billing.rows, 'verify', price + 1n), { code: 'PRICE_GRANULARITY' });
  });

  it('are signed by SP, every one', () => {
    for (let row = 0; row < 11; row++) {
      const at = row * 177 + 150;
      const forged = billing.rows.with(at, billing.rows[at]! ^ 1);
      assert.throws(check(forged), { code: 'BAD_SIGNATURE' });
      assert.doesNotThrow(check(forged, 'skip'), 'left to a full check; the root covers the bytes');
    }
  });

  it('are as many as the rows, in their order', () => {
    const rows = splitRows(billing.rows);
    assert.throws(check(concatBytes(...rows.slice(1))), { code: 'PAGE_MISMATCH' });
    assert.throws(check(concatBytes(rows[1]!, rows[0]!, ...rows.slice(2))), { code: 'WRONG_PSEUDONYM' });
    assert.throws(check(billing.rows.subarray(1)), { code: 'BAD_LENGTH' });
  });
});

describe('header of the bills', () => {
  const refused = (header: Header, code: string, billedPrice = price) => {
    assert.throws(() => checkBillHeader(header, consumption.header, billedPrice), { code });
  };
  const page = billing.header.pages[0]!;

  it('mirrors that of consumption', () => {
    checkHeader(billing.header, context);
    checkBillHeader(billing.header, consumption.header, price);
  });

  it('is refused with other pages, borders, counts or amounts', () => {
    refused({ ...billing.header, pages: [] }, 'PAGE_MISMATCH');
    for (const change of [{ count: 10 }, { first: page.last }, { last: page.first }]) {
      refused({ ...billing.header, pages: [{ ...page, ...change }] }, 'PAGE_MISMATCH');
    }
    const [small, large] = page.histogram;
    const moved = [
      { ...small!, count: small!.count + 1 },
      { ...large!, count: large!.count - 1 },
    ];
    refused({ ...billing.header, pages: [{ ...page, histogram: moved }] }, 'WRONG_BILL');
    refused(billing.header, 'WRONG_BILL', price + 1_000n);
    refused(billing.header, 'PRICE_GRANULARITY', 1n);
  });

  it('has one value when the price is zero', () => {
    const free = maker.header('billing', ledgerId, maker.billRows(ledgerId, consumption.rows, 0n));
    assert.deepEqual(free.histogram, [{ value: 0n, count: 11 }]);
    checkHeader(free, context);
    checkBillHeader(free, consumption.header, 0n);
  });
});
