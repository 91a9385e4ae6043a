// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { intervalFolder } from '../../../protocol/ledger/bulletin.js';
import { splitRows } from '../../../protocol/ledger/page.js';
import { fingerprint } from '../../../protocol/ledger/parameters.js';
import { ROW_LENGTH, rowValue } from '../../../protocol/ledger/row.js';
import { bulletinOf, writeFiles } from '../../../test/support/bulletin.js';
import { IntervalMaker, type FakeInterval } from '../../../test/support/interval.js';
import { FakeRegion } from '../../../test/support/region.js';

const PROGRAM = fileURLToPath(new URL('../main.js', import.meta.url));

describe('gridveil verify', function () {
  this.timeout(60_000);
  const kit = new FakeRegion({ consumers: 7, parameters: { priceMode: 'direct' } });
  const own = fingerprint(kit.crypto, kit.controlCenter.publicKey);
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'gridveil-evidence-'))));
  afterEach(() => rm(folder, { recursive: true }));

  function gridveil(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return new Promise((resolve) => {
      execFile(process.execPath, [PROGRAM, ...args], (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  }

  /** A bulletin of one interval. */
  async function publish(interval: FakeInterval): Promise<string> {
    const root = join(folder, 'bulletin-root');
    await writeFiles(root, bulletinOf(kit, [interval]));
    return root;
  }

  it('judges what an audit has written of a price that differs for one consumer, from that file alone', async () => {
    const priceOf = (place: number, price: bigint) => (place === 5 ? price + 1_000n : price);
    const interval = new IntervalMaker(kit).next([0, 0, 0, 0, 0], priceOf);
    const root = await publish(interval);
    const audit = await gridveil('verify', root, '--cc-key', own, '--evidence', join(folder, 'evidence'), '--json');
    assert.equal(audit.code, 1);
    const { evidence } = JSON.parse(audit.stdout) as { evidence: string[] };
    assert.deepEqual(evidence, [
      join(folder, 'evidence', `price-${kit.region}-${interval.ledgerId.startSeconds}.json`),
    ]);
    await rm(root, { recursive: true });

    const found = await gridveil('verify', evidence[0]!, '--cc-key', own, '--json');
    assert.equal(found.code, 0);
    assert.deepEqual(JSON.parse(found.stdout), {
      kind: 'evidence',
      path: evidence[0],
      proven: true,
      trustedKey: own,
      keyWasGiven: true,
      region: kit.region,
      startSeconds: interval.ledgerId.startSeconds,
      signedBySuccessor: null,
      signedPricesNanoPerKilowattHour: [(interval.price + 1_000n).toString(), interval.price.toString()],
      tariffPriceNanoPerKilowattHour: interval.price.toString(),
    });
    assert.match(
      (await gridveil('verify', evidence[0]!)).stdout,
      /^Proven: the service provider signed a wrong price\.\n/m,
    );
    assert.equal((await gridveil('verify', evidence[0]!, '--cc-key', '0'.repeat(64))).code, 1);

    const text = await readFile(evidence[0]!, 'utf8');
    const { rows } = JSON.parse(text) as { rows: { row: string }[] };
    const [wrong, right] = rows.map(({ row }) => row) as [string, string];
    for (const [other, code] of [
      [right, 'MALFORMED'],
      [`${wrong.slice(0, -2)}00`, 'BAD_SIGNATURE'],
    ] as const) {
      await writeFile(evidence[0]!, text.replace(wrong, other));
      const refused = await gridveil('verify', evidence[0]!);
      assert.equal(refused.code, 1);
      assert.ok(refused.stderr.startsWith(`gridveil: ${code}: `), refused.stderr);
    }
  });

  it('prints what tells two bulletins of one control center apart, and what none can show', async () => {
    const [one, other] = await Promise.all(
      [
        [0, 0, 0, 0, 0],
        [1, 1, 1, 1, 1],
      ].map(async (categories, i) => {
        const maker = new IntervalMaker(kit);
        const root = join(folder, String(i));
        await writeFiles(root, bulletinOf(kit, [maker.next(categories), maker.next([])]));
        return gridveil('verify', root, '--cc-key', own);
      }),
    );
    const withoutSums = (text: string): string => text.replace(/^(energy|bills) .*$/gm, '');
    assert.notEqual(withoutSums(one!.stdout), withoutSums(other!.stdout));
    for (const line of [
      /^DEMO: /m,
      /^kind +bulletin$/m,
      /^parameters +version 1 of 1, [0-9a-f]{64}$/m,
      /^k-anonymity +k = 5$/m,
      /^modes +identity mode chain, price mode direct$/m,
      /^first interval +london\/1384128000 [^]*^ {2}consumption seal +[0-9a-f]{64}$[^]*^last interval /m,
      /^ {2}that there are no later intervals$/m,
    ]) {
      assert.match(one!.stdout, line);
    }
    const { stdout } = await gridveil('verify', join(folder, '0'), '--json');
    const json = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual([json['kind'], json['demo'], json['faultCount'], json['faults']], ['bulletin', true, 0, []]);
    assert.deepEqual(json['notShown'], [
      'invented-rows',
      'omitted-rows',
      'registered-meters',
      'split-view',
      'later-intervals',
    ]);
  });

  it('recognises the folder of a dispute', async () => {
    const maker = new IntervalMaker(kit);
    maker.next([]);
    const root = await publish(maker.next([0, 0, 0, 0, 0]));
    const { code, stdout } = await gridveil('verify', root, '--cc-key', own);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^kind +one interval out of the middle of a chain, as in a dispute$/m);
    assert.match(stdout, /^ {2}the intervals before this one, to which its seals chain$/m);
  });

  it('writes no evidence that would not convict', async () => {
    const interval = new IntervalMaker(kit).next([0, 0, 0, 0, 0], (place, price) =>
      place === 5 ? price + 1_000n : price,
    );
    const root = await publish(interval);
    const rows = interval.pricing.rows;
    // The row with the wrong price is the only one of its price, and no longer signed.
    const wrong = splitRows(rows).findIndex((row) => rowValue(row) !== interval.price);
    const end = (wrong + 1) * ROW_LENGTH - 1;
    await writeFile(join(root, intervalFolder(interval.ledgerId), 'pricing.rows'), rows.with(end, rows[end]! ^ 1));
    const { code, stdout } = await gridveil('verify', root, '--evidence', join(folder, 'evidence'), '--json');
    assert.equal(code, 1);
    assert.deepEqual((JSON.parse(stdout) as { evidence: string[] }).evidence, []);
  });

  it('has nothing to judge in an honest bulletin', async () => {
    const root = await publish(new IntervalMaker(kit).next([0, 0, 0, 0, 0]));
    const audit = await gridveil('verify', root, '--evidence', join(folder, 'evidence'), '--json');
    assert.equal(audit.code, 0, audit.stdout);
    assert.deepEqual((JSON.parse(audit.stdout) as { evidence: string[] }).evidence, []);
  });
});
