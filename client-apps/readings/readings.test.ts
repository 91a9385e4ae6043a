// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { requireShared } from '../../test/support/shared-data.js';
import { loadReadings } from './load.js';
import { writeLongCsv } from './long-csv.js';
import { averageMilliWattHours, maximumMilliWattHours, ReadingsError, type ReadingsFault } from './readings.js';
import type { LoadOptions } from './series-collector.js';

const HOUR_NAMES = Array.from({ length: 24 }, (_, hour) => `${String(hour).padStart(2, '0')}:00`);
const WIDE = `household,tariff,date,${HOUR_NAMES.join(',')}`;
const LONG = 'household,start,kwh';

/** A wide line of 24 equal readings, or with one of them replaced. */
function wideLine(household: string, date: string, replaced?: { readonly hour: number; readonly kwh: string }): string {
  const values = HOUR_NAMES.map((_, index) => (index === replaced?.hour ? replaced.kwh : '0.1'));
  return `${household},Std,${date},${values.join(',')}`;
}

describe('readings files', () => {
  let directory: string;
  before(() => (directory = mkdtempSync(join(tmpdir(), 'gridveil-readings-'))));
  after(() => rmSync(directory, { recursive: true }));

  const file = (...lines: string[]): string => {
    const path = join(directory, 'readings.csv');
    writeFileSync(path, `${lines.join('\n')}\n`);
    return path;
  };

  it('reads the London week exactly, in file order', async function () {
    const path = requireShared(this, 'data/lcl_london_2013-11-11_7d_30min.csv');
    const readings = await loadReadings(path);
    assert.equal(readings.households.length, 913);
    assert.equal(readings.intervals, 336);
    assert.equal(readings.intervalSeconds, 1_800);
    assert.equal(readings.startSeconds, Date.UTC(2013, 10, 11) / 1000);
    assert.equal(readings.households[0]?.id, 'MAC000002');
    assert.deepEqual([...readings.households[0].milliWattHours.subarray(0, 3)], [1_793_000n, 1_597_000n, 1_540_000n]);
    // awk over the columns of the file gives 214,228.48 mWh.
    assert.equal(averageMilliWattHours(readings), 214_228n);
    const first = await loadReadings(path, { meters: 3, intervals: 6 });
    assert.deepEqual(
      first.households.map(({ id }) => id),
      readings.households.slice(0, 3).map(({ id }) => id),
    );
    assert.equal(first.intervals, 6);
    assert.deepEqual(first.households[2]?.milliWattHours, readings.households[2]?.milliWattHours.slice(0, 6));
  });

  it('reads wide lines with any step, CRLF, a byte order mark, and other columns between', async () => {
    const path = join(directory, 'crlf.csv');
    writeFileSync(path, '\uFEFFdate,household,00:00,06:00,12:00,18:00,note\r\n2020-02-29,a b,1,2.5,0,0.000001,x\r\n');
    const readings = await loadReadings(path);
    assert.equal(readings.intervalSeconds, 21_600);
    assert.equal(readings.households[0]?.id, 'a b');
    assert.deepEqual([...readings.households[0].milliWattHours], [1_000_000n, 2_500_000n, 0n, 1n]);
  });

  it('reads long lines of mixed households and any offset, and cuts to the steps that all have', async () => {
    const readings = await loadReadings(
      file(
        LONG,
        'a,2020-01-01T00:00:00Z,0.001',
        'b,2020-01-01T02:30+02:00,0.002',
        'a,2020-01-01T00:30:00Z,0.003',
        'b,2019-12-31T20:00:00-05:00,0.004',
        'a,2020-01-01T01:00:00Z,0.005',
      ),
    );
    assert.equal(readings.startSeconds, Date.UTC(2020, 0, 1, 0, 30) / 1000);
    assert.deepEqual(
      readings.households.map(({ id, milliWattHours }) => [id, ...milliWattHours]),
      [
        ['a', 3_000n, 5_000n],
        ['b', 2_000n, 4_000n],
      ],
    );
  });

  const refusals: {
    name: string;
    fault: ReadingsFault;
    line: number | undefined;
    lines: string[];
    options?: LoadOptions;
  }[] = [
    { name: 'an unknown header', fault: 'BAD_HEADER', line: 1, lines: ['a,b,c'] },
    {
      name: 'columns that are no regular step',
      fault: 'BAD_STEP',
      line: 1,
      lines: ['household,date,00:00,01:00,03:00'],
    },
    {
      name: 'columns that do not begin at midnight',
      fault: 'BAD_STEP',
      line: 1,
      lines: ['household,date,00:30,12:30'],
    },
    { name: 'a quoted field', fault: 'BAD_LINE', line: 2, lines: [LONG, '"a",2020-01-01T00:00:00Z,1'] },
    {
      name: 'an empty line',
      fault: 'BAD_LINE',
      line: 3,
      lines: [WIDE, wideLine('a', '2020-01-01'), '', wideLine('a', '2020-01-02')],
    },
    { name: 'a line with too few columns', fault: 'BAD_LINE', line: 2, lines: [WIDE, 'a,Std,2020-01-01,1'] },
    { name: 'a line without a household', fault: 'BAD_HOUSEHOLD', line: 2, lines: [WIDE, wideLine('', '2020-01-01')] },
    { name: 'a date that does not exist', fault: 'BAD_TIME', line: 2, lines: [WIDE, wideLine('a', '2020-02-30')] },
    { name: 'a time without an offset', fault: 'BAD_TIME', line: 2, lines: [LONG, 'a,2020-01-01T00:00:00,1'] },
    {
      name: 'a negative reading',
      fault: 'NEGATIVE',
      line: 3,
      lines: [WIDE, wideLine('a', '2020-01-01'), wideLine('a', '2020-01-02', { hour: 5, kwh: '-0.001' })],
    },
    {
      name: 'an empty reading',
      fault: 'MISSING',
      line: 2,
      lines: [WIDE, wideLine('a', '2020-01-01', { hour: 23, kwh: '' })],
    },
    {
      name: 'a reading named Null',
      fault: 'MISSING',
      line: 2,
      lines: [WIDE, wideLine('a', '2020-01-01', { hour: 0, kwh: 'Null' })],
    },
    {
      name: 'a missing day',
      fault: 'MISSING',
      line: 3,
      lines: [WIDE, wideLine('a', '2020-01-01'), wideLine('a', '2020-01-03')],
    },
    {
      name: 'a missing step',
      fault: 'MISSING',
      line: 4,
      lines: [LONG, 'a,2020-01-01T00:00:00Z,1', 'a,2020-01-01T00:30:00Z,1', 'a,2020-01-01T01:30:00Z,1'],
    },
    {
      name: 'a day twice',
      fault: 'DUPLICATE',
      line: 3,
      lines: [WIDE, wideLine('a', '2020-01-01'), wideLine('a', '2020-01-01')],
    },
    {
      name: 'a step twice, not in a row',
      fault: 'DUPLICATE',
      line: 4,
      lines: [LONG, 'a,2020-01-01T00:00:00Z,1', 'a,2020-01-01T00:30:00Z,1', 'a,2020-01-01T00:00:00Z,1'],
    },
    {
      name: 'days out of order',
      fault: 'UNORDERED',
      line: 3,
      lines: [WIDE, wideLine('a', '2020-01-02'), wideLine('a', '2020-01-01')],
    },
    {
      name: 'a reading beside the step',
      fault: 'BAD_STEP',
      line: 4,
      lines: [LONG, 'a,2020-01-01T00:00:00Z,1', 'a,2020-01-01T00:30:00Z,1', 'a,2020-01-01T00:45:00Z,1'],
    },
    {
      name: 'a step that does not divide a day',
      fault: 'BAD_STEP',
      line: 3,
      lines: [LONG, 'a,2020-01-01T00:00:00Z,1', 'a,2020-01-01T00:07:00Z,1'],
    },
    {
      name: 'a household on another grid',
      fault: 'BAD_STEP',
      line: 4,
      lines: [LONG, 'a,2020-01-01T00:00:00Z,1', 'a,2020-01-01T00:30:00Z,1', 'b,2020-01-01T00:10:00Z,1'],
    },
    {
      name: 'another step than asked for',
      fault: 'BAD_STEP',
      line: 1,
      lines: [WIDE, wideLine('a', '2020-01-01')],
      options: { intervalSeconds: 1800 },
    },
    {
      name: 'one reading, from which no step is seen',
      fault: 'BAD_STEP',
      line: undefined,
      lines: [LONG, 'a,2020-01-01T00:00:00Z,1'],
    },
    {
      name: 'text for a number',
      fault: 'BAD_NUMBER',
      line: 2,
      lines: [WIDE, wideLine('a', '2020-01-01', { hour: 2, kwh: '1e3' })],
    },
    {
      name: 'more decimals than a milliwatt hour',
      fault: 'BAD_NUMBER',
      line: 2,
      lines: [WIDE, wideLine('a', '2020-01-01', { hour: 2, kwh: '0.0000001' })],
    },
    {
      name: 'more than 100 kW on average',
      fault: 'IMPOSSIBLE',
      line: 2,
      lines: [WIDE, wideLine('a', '2020-01-01', { hour: 2, kwh: '100.000001' })],
    },
    {
      name: 'the same in the first long line, whose step is not yet known',
      fault: 'IMPOSSIBLE',
      line: 2,
      lines: [LONG, 'a,2020-01-01T00:00:00Z,50.1', 'a,2020-01-01T00:30:00Z,1'],
    },
    {
      name: 'a day with a missing hour',
      fault: 'CLOCK_CHANGE',
      line: 3,
      lines: [WIDE, wideLine('a', '2020-03-28'), wideLine('a', '2020-03-29')],
      options: { timeZone: 'Europe/London' },
    },
    {
      name: 'a day with an hour twice',
      fault: 'CLOCK_CHANGE',
      line: 2,
      lines: [WIDE, wideLine('a', '2020-10-25')],
      options: { timeZone: 'Europe/London' },
    },
    {
      name: 'a clock change inside a longer step',
      fault: 'CLOCK_CHANGE',
      line: 2,
      lines: ['household,date,00:00,12:00', 'a,2020-03-29,1,1'],
      options: { timeZone: 'Europe/London' },
    },
    {
      name: 'a clock change at midnight',
      fault: 'CLOCK_CHANGE',
      line: 2,
      lines: [WIDE, wideLine('a', '2018-11-04')],
      options: { timeZone: 'America/Sao_Paulo' },
    },
    {
      name: 'an unknown time zone',
      fault: 'UNKNOWN_TIME_ZONE',
      line: undefined,
      lines: [WIDE, wideLine('a', '2020-01-01')],
      options: { timeZone: 'Europe/Atlantis' },
    },
    {
      name: 'a household that is not there',
      fault: 'UNKNOWN_HOUSEHOLD',
      line: undefined,
      lines: [WIDE, wideLine('a', '2020-01-01')],
      options: { household: 'b' },
    },
    {
      name: 'fewer steps than asked for',
      fault: 'TOO_SHORT',
      line: undefined,
      lines: [WIDE, wideLine('a', '2020-01-01')],
      options: { intervals: 25 },
    },
    { name: 'no line after the header', fault: 'TOO_SHORT', line: undefined, lines: [WIDE] },
    { name: 'a line without an end', fault: 'TOO_LARGE', line: 2, lines: [WIDE, 'a'.repeat(400_000)] },
  ];
  for (const { name, fault, line, lines, options } of refusals) {
    it(`refuses ${name}: ${fault}${line === undefined ? '' : ` in line ${line}`}`, async () => {
      const path = file(...lines);
      await assert.rejects(loadReadings(path, options), (error: unknown) => {
        assert.ok(error instanceof ReadingsError, String(error));
        assert.equal(error.fault, fault);
        assert.equal(error.code, 'READINGS_INVALID');
        assert.equal(error.place, line === undefined ? path : `${path}:${line}`);
        assert.ok(error.message.startsWith(`${error.place}: ${fault}: `));
        return true;
      });
    });
  }

  it('refuses a file that is not there', async () => {
    await assert.rejects(loadReadings(join(directory, 'absent')), { fault: 'UNREADABLE' });
  });

  it('skips and counts faulty households under lenient, and still refuses lines without a household', async () => {
    const path = file(
      WIDE,
      wideLine('good', '2020-01-01'),
      wideLine('negative', '2020-01-01', { hour: 3, kwh: '-1' }),
      wideLine('gap', '2020-01-01'),
      wideLine('gap', '2020-01-03'),
      wideLine('gap', '2020-01-04'),
      wideLine('good', '2020-01-02'),
    );
    const readings = await loadReadings(path, { lenient: true });
    assert.deepEqual(
      readings.households.map(({ id, milliWattHours }) => [id, milliWattHours.length]),
      [['good', 48]],
    );
    assert.deepEqual(readings.skipped, [
      { id: 'negative', fault: 'NEGATIVE', place: `${path}:3` },
      { id: 'gap', fault: 'MISSING', place: `${path}:5` },
    ]);
    await assert.rejects(loadReadings(file(WIDE, wideLine('', '2020-01-01')), { lenient: true }), {
      fault: 'BAD_HOUSEHOLD',
    });
  });

  it('does not look at households beyond the first N', async () => {
    const path = file(WIDE, wideLine('a', '2020-01-01'), wideLine('b', '2020-01-01', { hour: 3, kwh: 'rubbish' }));
    assert.equal((await loadReadings(path, { meters: 1 })).households.length, 1);
  });

  it('places days of a zone at the instants of that zone', async () => {
    const path = file(WIDE, wideLine('a', '2020-07-01'), wideLine('a', '2020-07-02'));
    const readings = await loadReadings(path, { timeZone: 'Asia/Kathmandu' });
    assert.equal(readings.startSeconds, Date.UTC(2020, 5, 30, 18, 15) / 1000);
    assert.equal(readings.intervals, 48);
  });

  it('writes a household as a long file that reads back to the same energies', async () => {
    const energy = fc.bigInt({ min: 0n, max: maximumMilliWattHours(1800) });
    await fc.assert(
      fc.asyncProperty(fc.array(energy, { minLength: 1, maxLength: 100 }), async (energies) => {
        const series = { id: 'a', milliWattHours: BigInt64Array.from(energies) };
        const about = { intervalSeconds: 1800, startSeconds: 1_577_836_800, intervals: energies.length };
        const path = join(directory, 'own.csv');
        writeFileSync(path, writeLongCsv({ source: '', ...about, households: [series], skipped: [] }, 0));
        const readings = await loadReadings(path, { household: 'a', intervalSeconds: 1800 });
        assert.deepEqual([...readings.households[0]!.milliWattHours], energies);
        assert.equal(readings.startSeconds, about.startSeconds);
      }),
      { numRuns: 30 },
    );
  });
});
