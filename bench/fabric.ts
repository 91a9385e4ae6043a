// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { concatBytes } from '../protocol/crypto/bytes.js';
import { ROWS_PER_PAGE } from '../protocol/ledger/limits.js';
import { splitPages } from '../protocol/ledger/page.js';
import { FabricNetwork } from '../network/fabric/fabric-network.js';
import { IntervalMaker } from '../test/support/interval.js';
import { FabricUnderTest } from '../test/support/ledger/fabric-under-test.js';
import { Clients, RegionOnLedger } from '../test/support/ledger/region-on-ledger.js';
import { FakeRegion } from '../test/support/region.js';

const METERS = 500;
/** The first window of each kind warms up; windows of the two kinds alternate, and the median of the others counts. */
const WINDOWS = 6;
const PAGES = 16;
/** All in flight at once. */
const SINGLE_ROWS = 150;

/**
 * Measures the chaincodes on Hyperledger Fabric, every process on this machine: pages of 500 rows, and the same kind of
 * rows one a transaction, with every check of every row on. Needs Fabric's binaries; without them it is skipped.
 */
export async function benchFabric(): Promise<Record<string, number>> {
  const missing = FabricNetwork.missingBinaries();
  if (missing.length > 0) {
    process.stderr.write(`skipped: Fabric binaries not found (${missing.join(', ')}); see network.sh prereq\n`);
    return {};
  }
  const fabric = await FabricUnderTest.start('raft');
  const clients = new Clients(fabric);
  try {
    // One epoch for all intervals.
    const kit = new FakeRegion({ meters: METERS, parameters: { region: 'bench', epochSeconds: 1_800 * 2_000 } });
    const region = new RegionOnLedger(clients, kit);
    await region.begin();
    const work = new Work(region, new IntervalMaker(kit));
    const pages: number[] = [];
    const rows: number[] = [];
    for (let window = 0; window < WINDOWS; window++) {
      pages.push((PAGES * ROWS_PER_PAGE) / (await work.pages()));
      rows.push(SINGLE_ROWS / (await work.singleRows()));
    }
    const [pageRate, rowRate] = [median(pages.slice(1)), median(rows.slice(1))];
    return {
      'pages of 500 rows, checked and committed, rows/s': Math.round(pageRate),
      'pages/s': Math.round((10 * pageRate) / ROWS_PER_PAGE) / 10,
      'one row a transaction, checked and committed, rows/s': Math.round(rowRate),
      'pages against single rows, times': Math.round((10 * pageRate) / rowRate) / 10,
      ...memory(fabric.network),
    };
  } finally {
    clients.close();
    await fabric.stop();
  }
}

/** Intervals that are never sealed, which makes no difference to their pages. */
class Work {
  #interval = 0;

  readonly #region: RegionOnLedger;
  readonly #maker: IntervalMaker;

  constructor(region: RegionOnLedger, maker: IntervalMaker) {
    this.#region = region;
    this.#maker = maker;
  }

  /** Seconds for all pages of an interval. */
  async pages(): Promise<number> {
    const puts = await this.#begin(PAGES * ROWS_PER_PAGE);
    return secondsOf(() => Promise.all(puts.map((put) => put())));
  }

  /** Seconds for as many pages of one row: each the last of an interval with one row more than fits a page. */
  async singleRows(): Promise<number> {
    const intervals = Array.from({ length: SINGLE_ROWS }, () => this.#begin(ROWS_PER_PAGE + 1));
    const puts = (await Promise.all(intervals)).map(([, lastPage]) => lastPage!);
    return secondsOf(() => Promise.all(puts.map((put) => put())));
  }

  /** Writes the header of the next interval. @returns what puts each of its pages */
  async #begin(count: number): Promise<(() => Promise<unknown>)[]> {
    const region = this.#region;
    const maker = this.#maker;
    const ledgerId = { region: region.kit.region, startSeconds: region.kit.startOf(this.#interval++) };
    const witnessed = maker.consumptionRows(
      ledgerId,
      Array.from({ length: count }, (_, row) => row % 5),
    );
    const rows = concatBytes(...witnessed.map(({ row }) => row));
    await region.putHeader(maker.header('consumption', ledgerId, rows));
    return splitPages(rows).map((page, index) => {
      const witnesses = maker.witnessesOf(witnessed.slice(ROWS_PER_PAGE * index, ROWS_PER_PAGE * (index + 1)));
      return () => region.putPage('consumption', { ledgerId, page: index, rows: page, witnesses });
    });
  }
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

/** Resident memory after the run, MB: the largest process of each kind. */
function memory(network: FabricNetwork): Record<string, number> {
  const largest = new Map<string, number>();
  for (const [name, pid] of network.processes()) {
    const kind = /^(chaincode-[a-z]+|orderer|peer)/.exec(name)?.[0] ?? name;
    const megabytes = Math.round(
      Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024,
    );
    largest.set(kind, Math.max(largest.get(kind) ?? 0, megabytes));
  }
  return Object.fromEntries([...largest].map(([kind, megabytes]) => [`memory of ${kind}, MB`, megabytes]));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const [name, value] of Object.entries(await benchFabric())) {
    process.stdout.write(`${name}: ${value}\n`);
  }
}
