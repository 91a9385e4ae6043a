// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHex } from '../../../protocol/crypto/bytes.js';
import { IntervalLog, withLateRows, type LoggedInterval } from './interval-log.js';
import { FileKey } from '../../runtime/sealed-file.js';

const MIDNIGHT = Date.UTC(2026, 0, 5) / 1000;
const KEY = new FileKey(new Uint8Array(32).fill(1), 'hub', 'test');

function interval(startSeconds: number, rows = 2): LoggedInterval {
  return {
    startSeconds,
    depth: 'light',
    priceNanoPerKilowattHour: 240_000_000n,
    rows: Array.from({ length: rows }, (_, index) => ({
      pseudonym: new Uint8Array(32).fill(index + 1),
      milliWattHours: 50_000n,
      billNanoCurrency: 12_000_000n,
    })),
  };
}

describe('IntervalLog', () => {
  let directory: string;
  let log: IntervalLog;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'gridveil-log-'));
    log = new IntervalLog(join(directory, 'intervals'), KEY);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('keeps one sealed file a day and gives all back in order', async () => {
    const starts = [MIDNIGHT + 1_800, MIDNIGHT, MIDNIGHT - 1_800];
    for (const start of starts) {
      await log.put(interval(start));
    }
    assert.deepEqual(readdirSync(join(directory, 'intervals')), ['2026-01-04.sealed', '2026-01-05.sealed']);
    const all: LoggedInterval[] = [];
    for await (const one of new IntervalLog(join(directory, 'intervals'), KEY).all()) {
      all.push(one);
    }
    assert.deepEqual(
      all,
      [...starts].reverse().map((start) => interval(start)),
    );
    const bytes = readFileSync(join(directory, 'intervals', '2026-01-05.sealed'));
    assert.ok(!bytes.includes(toHex(interval(0).rows[0]!.pseudonym)), 'the household’s rows do not stand in the clear');
  });

  it('replaces an interval that is put again', async () => {
    await log.put(interval(MIDNIGHT, 1));
    await log.put(interval(MIDNIGHT, 3));
    assert.equal((await log.get(MIDNIGHT))?.rows.length, 3);
    assert.equal(await log.get(MIDNIGHT + 1_800), undefined);
  });

  it('adds late rows once', () => {
    const found = withLateRows(interval(MIDNIGHT, 1), interval(MIDNIGHT, 3).rows);
    assert.equal(found.rows.length, 3);
    assert.deepEqual(withLateRows(found, found.rows), found);
  });

  it('refuses a day sealed under another key', async () => {
    await log.put(interval(MIDNIGHT));
    const other = new IntervalLog(join(directory, 'intervals'), new FileKey(new Uint8Array(32).fill(2), 'hub', 'test'));
    await assert.rejects(other.get(MIDNIGHT), { code: 'SEALED_INVALID' });
  });
});
