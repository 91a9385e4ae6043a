// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { auditBulletin } from '../../client-apps/bulletin/audit.js';
import { outcomeJson, outcomeText } from '../../client-apps/cli/render/demo.js';
import { loadReadings } from '../../client-apps/readings/load.js';
import { NETWORK_FOLDER } from '../../network/topology/topology.js';
import { decodeParametersFile } from '../../protocol/ledger/bulletin.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { requireShared } from '../support/shared-data.js';
import { filesUnder } from '../support/system/bulletin-files.js';
import { compareWithGolden } from '../support/system/golden-bulletin.js';
import { CROSSED_MODES, MODES, modesText } from '../support/modes.js';
import { ledgerKind } from '../support/ledger/kind.js';
import { needsBinaries } from '../support/ledger/ledger-under-test.js';
import { RUN_MILLISECONDS, scratchFolder, SMALL, smallRun, systemRun } from '../support/system/system-run.js';

/** Files up to this length have every byte changed, longer ones about as many, spread over the file. */
const CHANGED_BYTES = 50;

const HOUSEHOLDS = SMALL.readings.households.length;

/** On a test-network regions and organisations have other names, which are in the bytes. */
const HAS_GOLDEN = ledgerKind() !== 'test-network';

for (const modes of MODES) {
  describe(`a whole run (${modesText(modes)})`, function () {
    this.timeout(RUN_MILLISECONDS);
    needsBinaries();

    it('publishes rows, and every household verifies every price and bill', async () => {
      const { outcome } = await smallRun(modes);
      assert.equal(outcome.meters, HOUSEHOLDS);
      assert.equal(outcome.intervals.length, 2);
      assert.ok(outcome.rows > 0);
      assert.deepEqual([outcome.consumers.verified, outcome.consumers.disputes], [HOUSEHOLDS, 0]);
      assert.ok(outcome.consumers.fullChecks > 0);
      assert.ok(outcome.billedNanoCurrency > 0n);
    });

    it('balances: each term from its own source, for every household (the run itself refuses) and in the sum', async () => {
      const { outcome } = await smallRun(modes);
      const read = SMALL.readings.households.reduce(
        (sum, { milliWattHours }) => milliWattHours.reduce((total, energy) => total + energy, sum),
        0n,
      );
      const published = outcome.intervals.reduce((sum, { totalMilliWattHours }) => sum + totalMilliWattHours, 0n);
      assert.equal(outcome.measuredMilliWattHours, read);
      assert.equal(outcome.onLedgerMilliWattHours, published);
      assert.equal(read, published + outcome.carriedMilliWattHours + outcome.inFlightMilliWattHours);
    });

    it('is told to programs as one JSON object, and to people as a table', async () => {
      const { outcome, out } = await smallRun(modes);
      const json = outcomeJson(outcome, 'embedded', 1.5);
      assert.deepEqual(Object.keys(json), [
        ...['ledger', 'region', 'meters', 'rows', 'measuredMilliWattHours', 'onLedgerMilliWattHours'],
        ...[
          'carriedMilliWattHours',
          'inFlightMilliWattHours',
          'billedNanoCurrency',
          'intervals',
          'prices',
          'consumers',
        ],
        ...['seconds', 'controlCenterKey'],
      ]);
      assert.equal((json['prices'] as string[]).length, 2);
      const text = outcomeText(outcome, SMALL.readings, out, 1.5).join('\n');
      assert.ok(text.includes(`${HOUSEHOLDS} of ${HOUSEHOLDS} households found all their rows`));
      assert.ok(text.includes(`npx gridveil verify ${out} --cc-key ${outcome.fingerprint}`));
    });

    it('leaves a bulletin that the offline audit passes, under the right key and no other', async () => {
      const { outcome, out } = await smallRun(modes);
      const audit = await auditBulletin(sodiumCrypto, out, outcome.fingerprint);
      assert.deepEqual(audit.faults, []);
      assert.equal(audit.last?.sealed, 'billing');
      assert.notDeepEqual((await auditBulletin(sodiumCrypto, out, 'f'.repeat(64))).faults, []);
    });

    it('gives the golden bulletin, byte for byte', async function () {
      if (!HAS_GOLDEN) {
        this.skip();
      }
      await compareWithGolden(this, modes, (await smallRun(modes)).out);
    });

    it('leaves a bulletin that any member of the network can rebuild from the blocks, byte for byte', async () => {
      const { out, rebuilt } = await smallRun(modes);
      assert.deepEqual(await filesUnder(rebuilt), await filesUnder(out));
    });

    it('gives the figures and the bulletin of the embedded ledger (Fabric only)', async function () {
      if (ledgerKind() === 'embedded') {
        this.skip();
      }
      const onFabric = await smallRun(modes);
      const { region } = onFabric.outcome;
      const embedded = await systemRun({ ...modes, ledger: 'embedded', region });
      assert.deepEqual(onFabric.outcome, embedded.outcome);
      assert.deepEqual(await filesUnder(onFabric.out), await filesUnder(embedded.out));
    });

    it('leaves no byte that can be changed unseen', async () => {
      const root = join(await scratchFolder('flip'), 'out');
      await cp((await smallRun(modes)).out, root, { recursive: true });
      for (const [path, bytes] of await filesUnder(root)) {
        const step = Math.ceil(bytes.length / CHANGED_BYTES);
        for (let i = 0; i < bytes.length; i += step) {
          const changed = Uint8Array.from(bytes);
          changed[i]! ^= 1 << (i % 8);
          await writeFile(join(root, path), changed);
          assert.notEqual((await auditBulletin(sodiumCrypto, root)).faults.length, 0, `byte ${i} of ${path}`);
        }
        await writeFile(join(root, path), bytes);
      }
    });
  });
}

describe('a whole run', function () {
  this.timeout(RUN_MILLISECONDS);
  needsBinaries();

  it('runs with real readings of London', async function () {
    const file = requireShared(this, 'data/lcl_london_2013-11-11_7d_30min.csv');
    const readings = await loadReadings(file, { meters: 40, intervals: 2 });
    const { outcome, out } = await systemRun({ readings, region: 'london', kAnonymity: 5 });
    assert.deepEqual([outcome.consumers.verified, outcome.consumers.disputes], [40, 0]);
    assert.ok(outcome.rows > 0);
    assert.deepEqual((await auditBulletin(sodiumCrypto, out, outcome.fingerprint)).faults, []);
  });

  it('runs with the organisations of another topology (embedded only)', async function () {
    if (ledgerKind() !== 'embedded') {
      this.skip();
    }
    const { outcome, out } = await systemRun({}, join(NETWORK_FOLDER, 'fabric', 'test-network.json'));
    assert.deepEqual([outcome.consumers.verified, outcome.consumers.disputes], [HOUSEHOLDS, 0]);
    const [version] = decodeParametersFile(await readFile(join(out, 'parameters.json')));
    const { controlCenter, serviceProvider } = version!.parameters;
    assert.deepEqual([controlCenter.mspId, serviceProvider.mspId], ['Org1MSP', 'Org2MSP']);
  });

  for (const modes of CROSSED_MODES) {
    it(`is verified by every household${HAS_GOLDEN ? ', and gives the golden bulletin' : ''} (${modesText(modes)})`, async function () {
      const { outcome, out } = await systemRun(modes);
      assert.deepEqual([outcome.consumers.verified, outcome.consumers.disputes], [HOUSEHOLDS, 0]);
      assert.deepEqual((await auditBulletin(sodiumCrypto, out, outcome.fingerprint)).faults, []);
      if (HAS_GOLDEN) {
        await compareWithGolden(this, modes, out);
      }
    });
  }
});
