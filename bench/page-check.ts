// SPDX-License-Identifier: Apache-2.0
import { pathToFileURL } from 'node:url';
import { decodeWitnesses } from '../protocol/identity/witness.js';
import { ROWS_PER_PAGE } from '../protocol/ledger/limits.js';
import { checkBillPage } from '../protocol/rules/check-bills.js';
import { checkConsumptionPage } from '../protocol/rules/check-page.js';
import { intervalContext } from '../protocol/rules/interval-context.js';
import { IntervalMaker } from '../test/support/interval.js';
import { FakeRegion } from '../test/support/region.js';

/** Number of windows; the best counts, because other work on the machine only slows it down. */
const WINDOWS = 12;
const PAGES_PER_WINDOW = 5;

/** A full page of distinct meters: the most registry paths that a page can need. */
const METERS = 500;

/** 13 levels hold a region of 5,000 meters; 18 is what the first experiments used. */
const DEPTHS = [13, 18];

/** CPU microseconds of one row, with every check. */
function microsecondsPerRow(checkPage: () => void): number {
  let best = Infinity;
  for (let window = 0; window < WINDOWS; window++) {
    const start = process.cpuUsage();
    for (let page = 0; page < PAGES_PER_WINDOW; page++) {
      checkPage();
    }
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / (PAGES_PER_WINDOW * ROWS_PER_PAGE));
  }
  return best;
}

/** Rows per second of one core through the pure page checks, with the native back end. */
export function benchPageCheck(): Record<string, number> {
  const results: Record<string, number> = {};
  const record = (name: string, microseconds: number): void => {
    results[`${name}, CPU µs per row`] = Math.round(microseconds * 10) / 10;
    results[`${name}, rows/s`] = Math.round(1_000_000 / microseconds);
  };
  for (const registryDepth of DEPTHS) {
    const kit = new FakeRegion({ meters: METERS, parameters: { registryDepth } });
    const { crypto, parameters } = kit;
    const interval = new IntervalMaker(kit).next(Array.from({ length: ROWS_PER_PAGE }, (_, row) => row % 5));
    const { header, rows: page } = interval.consumption;
    const context = intervalContext(crypto, parameters, interval.ledgerId.startSeconds);
    const { registryRoot } = kit.registryRoot(context.registryEpoch);
    const entry = header.pages[0]!;
    const witnesses = interval.witnesses[0]!;
    record(
      `consumption page, ${registryDepth} levels of registry`,
      microsecondsPerRow(() => {
        const decoded = decodeWitnesses(witnesses, entry.count, registryDepth);
        checkConsumptionPage(crypto, page, context, { entry, witnesses: decoded, registryRoot });
      }),
    );
    if (registryDepth === DEPTHS[0]) {
      record(
        'bill page',
        microsecondsPerRow(() =>
          checkBillPage(crypto, interval.billing.rows, context, {
            consumption: page,
            price: interval.price,
            signatures: 'verify',
          }),
        ),
      );
    }
  }
  return results;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.table(benchPageCheck());
}
