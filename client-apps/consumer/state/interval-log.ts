// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { DAY_SECONDS } from '../../../protocol/schedule/intervals.js';
import { equalBytes } from '../../../protocol/crypto/bytes.js';
import {
  amount,
  decodeAs,
  encodeAs,
  hex,
  integer,
  list,
  oneOf,
  record,
  type Codec,
} from '../../../protocol/ledger/canonical-codec.js';
import { MAXIMUM_ROWS_PER_METER, MAXIMUM_SECONDS } from '../../../protocol/ledger/limits.js';
import { PSEUDONYM_LENGTH } from '../../../protocol/ledger/row.js';
import { listIfPresent } from '../../runtime/atomic-file.js';
import { SealedFile, type FileKey } from '../../runtime/sealed-file.js';
import type { OwnRow } from '../checks/own-rows.js';

/** A verified interval in the household's log. */
export interface LoggedInterval {
  /** s, Unix seconds. */
  readonly startSeconds: number;
  readonly depth: 'full' | 'light';
  /** p_j, nano-currency per kWh. */
  readonly priceNanoPerKilowattHour: bigint;
  readonly rows: readonly OwnRow[];
}

/** Intervals of a day: minutes, the shortest possible. */
const MAXIMUM_INTERVALS_PER_DAY = 1_440;
/** Maximum bytes of a day: half hours with two rows each need 10 kB; a day of minutes with all rows is refused. */
const MAXIMUM_DAY_BYTES = 8_000_000;

const intervalCodec: Codec<LoggedInterval> = record({
  startSeconds: integer(0, MAXIMUM_SECONDS),
  depth: oneOf(['full', 'light']),
  priceNanoPerKilowattHour: amount,
  rows: list(
    MAXIMUM_ROWS_PER_METER,
    record({ pseudonym: hex(PSEUDONYM_LENGTH), milliWattHours: amount, billNanoCurrency: amount }),
  ),
});
const dayCodec = list(MAXIMUM_INTERVALS_PER_DAY, intervalCodec);

/** The verified intervals of a household, one sealed file per day (UTC), so that writes stay small. */
export class IntervalLog {
  readonly #directory: string;
  readonly #key: FileKey;

  constructor(directory: string, key: FileKey) {
    this.#directory = directory;
    this.#key = key;
  }

  /** Writes an interval, replacing an earlier version of it. */
  async put(interval: LoggedInterval): Promise<void> {
    const file = this.#file(interval.startSeconds);
    const others = (await read(file)).filter(({ startSeconds }) => startSeconds !== interval.startSeconds);
    const day = [...others, interval].sort((a, b) => a.startSeconds - b.startSeconds);
    await file.write(encodeAs(dayCodec, day));
  }

  async get(startSeconds: number): Promise<LoggedInterval | undefined> {
    return (await read(this.#file(startSeconds))).find((interval) => interval.startSeconds === startSeconds);
  }

  /** All intervals, ascending, day by day. */
  async *all(): AsyncGenerator<LoggedInterval> {
    const names = await listIfPresent(this.#directory);
    for (const name of names.filter((candidate) => candidate.endsWith('.sealed')).sort()) {
      yield* await read(new SealedFile(join(this.#directory, name), this.#key));
    }
  }

  #file(startSeconds: number): SealedFile {
    const day = new Date(Math.floor(startSeconds / DAY_SECONDS) * DAY_SECONDS * 1000).toISOString().slice(0, 10);
    return new SealedFile(join(this.#directory, `${day}.sealed`), this.#key);
  }
}

/**
 * Adds rows that were found late, without duplicates and up to the maximum of a meter in an interval.
 */
export function withLateRows(interval: LoggedInterval, found: readonly OwnRow[]): LoggedInterval {
  const added = found.filter(({ pseudonym }) => !interval.rows.some((row) => equalBytes(row.pseudonym, pseudonym)));
  return { ...interval, rows: [...interval.rows, ...added].slice(0, MAXIMUM_ROWS_PER_METER) };
}

async function read(file: SealedFile): Promise<readonly LoggedInterval[]> {
  const bytes = await file.read();
  if (bytes === undefined) {
    return [];
  }
  return decodeAs(dayCodec, bytes, MAXIMUM_DAY_BYTES);
}
