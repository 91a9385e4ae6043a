// SPDX-License-Identifier: Apache-2.0
import { pathToFileURL } from 'node:url';
import { ROWS_PER_PAGE } from '../protocol/ledger/limits.js';
import type { LedgerKind } from '../protocol/ledger/row.js';
import { IntervalMaker, type FakeInterval } from '../test/support/interval.js';
import { EmbeddedUnderTest } from '../test/support/ledger/embedded-under-test.js';
import { Clients, RegionOnLedger } from '../test/support/ledger/region-on-ledger.js';
import { FakeRegion } from '../test/support/region.js';

/** A page of distinct meters: the most registry paths that a page can need. */
const METERS = 500;
const PAGES = 8;
/** The first interval warms up; the best of the others counts. */
const INTERVALS = 4;

/**
 * The real chaincodes on the embedded ledger, everything on this machine: every check of every row, up to the commit.
 */
export async function benchContract(): Promise<Record<string, number>> {
  const kit = new FakeRegion({ meters: METERS, parameters: { region: 'bench' } });
  const maker = new IntervalMaker(kit);
  const categories = Array.from({ length: PAGES * ROWS_PER_PAGE }, (_, row) => row % 5);
  const intervals = Array.from({ length: INTERVALS }, () => maker.next(categories));
  const ledger = await EmbeddedUnderTest.start();
  const clients = new Clients(ledger);
  try {
    const region = new RegionOnLedger(clients, kit);
    await region.begin();
    const pages: Record<LedgerKind, number> = { consumption: Infinity, pricing: Infinity, billing: Infinity };
    let all = Infinity;
    for (const [index, interval] of intervals.entries()) {
      const seconds = await processInterval(region, interval);
      if (index === 0) {
        continue;
      }
      pages.consumption = Math.min(pages.consumption, seconds.consumption);
      pages.billing = Math.min(pages.billing, seconds.billing);
      all = Math.min(all, seconds.all);
    }
    const rowsPerSecond = (seconds: number): number => Math.round(categories.length / seconds);
    return {
      'consumption rows through the contract, checked and committed, rows/s': rowsPerSecond(pages.consumption),
      'bill rows through the contract, checked and committed, rows/s': rowsPerSecond(pages.billing),
      'consumption, price and bills of an interval up to the last seal, consumption rows/s': rowsPerSecond(all),
    };
  } finally {
    clients.close();
    await ledger.stop();
  }
}

/** Real seconds of an interval: its consumption pages, its bill pages, and all of it. */
async function processInterval(
  region: RegionOnLedger,
  interval: FakeInterval,
): Promise<{ consumption: number; billing: number; all: number }> {
  const timed = async (work: () => Promise<void>): Promise<number> => {
    const start = performance.now();
    await work();
    return (performance.now() - start) / 1000;
  };
  const consumption = await timed(() => region.fill('consumption', interval));
  const between = await timed(async () => {
    await region.putSeal(interval.consumption.seal);
    await region.seal('pricing', interval);
  });
  const billing = await timed(() => region.fill('billing', interval));
  const last = await timed(async () => {
    await region.putSeal(interval.billing.seal);
  });
  return { consumption, billing, all: consumption + between + billing + last };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const [name, value] of Object.entries(await benchContract())) {
    process.stdout.write(`${name}: ${value}\n`);
  }
}
