// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fingerprint } from '../../../protocol/ledger/parameters.js';
import { bulletinOf, writeFiles } from '../../../test/support/bulletin.js';
import { IntervalMaker, type FakeInterval } from '../../../test/support/interval.js';
import { FakeRegion } from '../../../test/support/region.js';

const PROGRAM = fileURLToPath(new URL('../main.js', import.meta.url));

describe('gridveil evidence check', function () {
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

    const found = await gridveil('evidence', 'check', evidence[0]!, '--cc-key', own, '--json');
    assert.equal(found.code, 0);
    assert.deepEqual(JSON.parse(found.stdout), {
      file: evidence[0],
      proven: true,
      trustedKey: own,
      keyWasGiven: true,
      region: kit.region,
      startSeconds: interval.ledgerId.startSeconds,
      signedPricesNanoPerKilowattHour: [(interval.price + 1_000n).toString(), interval.price.toString()],
      tariffPriceNanoPerKilowattHour: interval.price.toString(),
    });
    assert.match(
      (await gridveil('evidence', 'check', evidence[0]!)).stdout,
      /^Proven: the service provider signed a wrong price\.\n/m,
    );
    assert.equal((await gridveil('evidence', 'check', evidence[0]!, '--cc-key', '0'.repeat(64))).code, 1);

    const text = await readFile(evidence[0]!, 'utf8');
    const { rows } = JSON.parse(text) as { rows: { row: string }[] };
    const [wrong, right] = rows.map(({ row }) => row) as [string, string];
    for (const [other, code] of [
      [right, 'MALFORMED'],
      [`${wrong.slice(0, -2)}00`, 'BAD_SIGNATURE'],
    ] as const) {
      await writeFile(evidence[0]!, text.replace(wrong, other));
      const refused = await gridveil('evidence', 'check', evidence[0]!);
      assert.equal(refused.code, 1);
      assert.ok(refused.stderr.startsWith(`gridveil: ${code}: `), refused.stderr);
    }
  });

  it('has nothing to judge in an honest bulletin', async () => {
    const root = await publish(new IntervalMaker(kit).next([0, 0, 0, 0, 0]));
    const audit = await gridveil('verify', root, '--evidence', join(folder, 'evidence'), '--json');
    assert.equal(audit.code, 0, audit.stdout);
    assert.deepEqual((JSON.parse(audit.stdout) as { evidence: string[] }).evidence, []);
  });
});
