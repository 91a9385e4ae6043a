// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sodiumCrypto } from '../../../protocol/crypto/sodium.js';
import { decodeParametersFile, ROWS_FILE } from '../../../protocol/ledger/bulletin.js';
import { consumerListDigest, decodeConsumerList } from '../../../protocol/ledger/consumer-list.js';
import { splitRows } from '../../../protocol/ledger/page.js';
import { rowPseudonym } from '../../../protocol/ledger/row.js';
import { checkPriceEvidence, findPriceEvidence } from '../../../protocol/rules/price-evidence.js';
import { auditInterval } from '../../../protocol/rules/verify-interval.js';
import { HouseholdUnderTest } from '../../../test/support/household.js';
import { DirectoryBulletin } from '../../bulletin/reader.js';
import { fetchInterval } from './check-interval.js';
import { ownPriceTag } from './own-price.js';

const L = 1_800;

describe('a hub with price rows of its own (Table 4)', () => {
  let root: string;
  let count = 0;
  before(() => (root = mkdtempSync(join(tmpdir(), 'gridveil-direct-'))));
  after(() => rmSync(root, { recursive: true }));

  const setUp = async (fullCheckEvery = 1, isListed = true): Promise<HouseholdUnderTest> => {
    const parameters = { identityMode: 'encryption', priceMode: 'direct' } as const;
    const household = new HouseholdUnderTest(join(root, String(count++)), fullCheckEvery, { parameters, isListed });
    await household.start();
    return household;
  };

  for (const fullCheckEvery of [1, 1_000]) {
    it(`finds its rows, its bills and its price, checking in full every ${fullCheckEvery} intervals`, async () => {
      const home = await setUp(fullCheckEvery);
      for (let interval = 0; interval < 3; interval++) {
        await home.window(interval, { energy: 900_000n });
      }
      await home.finish(2);
      assert.equal(home.hub.sums.intervals, 3);
      assert.equal(home.hub.sums.disputes, 0);
      assert.equal(home.hub.sums.onLedgerMilliWattHours, 2_700_000n);
    });
  }

  it('knows its own row among all, by what it shares with the service provider alone', async () => {
    const home = await setUp();
    const { kit, identity } = home;
    await home.window(0, { energy: 900_000n });
    const { list } = kit.consumerList(0);
    const rows = splitRows((await home.bulletin.readFile(kit.region, kit.startOf(0), ROWS_FILE.pricing))!);
    assert.equal(rows.length, list.consumers.length);
    const tag = ownPriceTag(sodiumCrypto, identity, list, {
      parameters: kit.parameters,
      startSeconds: kit.startOf(0),
    })!;
    assert.equal(rows.filter((row) => Buffer.compare(rowPseudonym(row), tag) === 0).length, 1);
    const later = ownPriceTag(sodiumCrypto, identity, list, {
      parameters: kit.parameters,
      startSeconds: kit.startOf(1),
    })!;
    assert.notDeepEqual(later, tag);
  });

  it('disputes a price row that is missing, as its own affair, and counts the interval', async () => {
    const home = await setUp();
    await home.window(0, { energy: 900_000n, tampering: { noPriceFor: home.identity.price.publicKey } });
    await home.finish(0);
    assert.equal(home.hub.sums.intervals, 1);
    const [dispute] = await home.files.disputes.list();
    assert.equal(dispute?.kind, 'price');
    assert.deepEqual(
      dispute.faults.map(({ code }) => code),
      ['PRICE_MISSING'],
    );
  });

  it('does not miss a row in the epoch in which it came', async () => {
    const home = await setUp(1, false);
    await home.window(0, { energy: 900_000n });
    await home.finish(0);
    assert.deepEqual([home.hub.sums.intervals, home.hub.sums.disputes], [1, 0]);
  });

  it('disputes an interval in which another household has another price, with evidence that is complete in itself', async () => {
    const home = await setUp(1_000);
    const priceOf = (place: number, price: bigint): bigint => (place === 3 ? price + 1_000n : price);
    await home.window(0, { energy: 900_000n, tampering: { priceOf } });
    await home.finish(0);
    assert.deepEqual([home.hub.sums.intervals, home.hub.sums.disputes], [0, 1]);
    const { kit } = home;
    const [region, startSeconds] = [kit.region, kit.startOf(0)];
    const source = new DirectoryBulletin(join(home.directory, 'disputes', `ledger-${startSeconds}`));
    const parameters = decodeParametersFile((await source.readParameters())!);
    const { list } = decodeConsumerList((await source.readConsumers(region, 0))!);
    const files = (await fetchInterval(source, region, startSeconds))!;
    const consumers = { digest: consumerListDigest(sodiumCrypto, list), count: list.consumers.length };
    const trust = { parameters, previous: 'unknown', consumers } as const;
    const { faults } = auditInterval(sodiumCrypto, { region, startSeconds }, files, { ...trust, depth: 'full' });
    assert.deepEqual([...new Set(faults.map(({ code }) => code))], ['WRONG_PRICE']);
    const finding = checkPriceEvidence(sodiumCrypto, findPriceEvidence(sodiumCrypto, parameters, files)!);
    assert.ok(finding.isProven);
    assert.equal(new Set(finding.signed).size, 2);
    await home.window(1, { energy: 900_000n });
    await home.hubSlot(home.kit.startOf(1) + 2 * L + 300);
    assert.equal(home.hub.sums.intervals, 1, 'it goes on with the next interval');
  });

  it('waits while the bulletin withholds the consumer list', async () => {
    const home = await setUp();
    await home.window(0, { energy: 900_000n });
    home.bulletin.withholdsConsumers = true;
    await home.finish(0);
    assert.equal(home.hub.sums.intervals, 0);
    home.bulletin.withholdsConsumers = false;
    await home.finish(0);
    assert.equal(home.hub.sums.intervals, 1);
  });
});
