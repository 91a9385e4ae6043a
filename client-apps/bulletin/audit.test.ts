// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { toHex } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import {
  consumersFile,
  directoryFile,
  encodeSealsFile,
  INDEX_FILE,
  intervalFolder,
  PARAMETERS_FILE,
  ROWS_FILE,
  SEALS_FILE,
} from '../../protocol/ledger/bulletin.js';
import { encodeConsumerList } from '../../protocol/ledger/consumer-list.js';
import { fingerprint } from '../../protocol/ledger/parameters.js';
import type { LedgerKind } from '../../protocol/ledger/row.js';
import { sealDigest } from '../../protocol/ledger/seal.js';
import { bulletinOf, sealsOf, writeFiles } from '../../test/support/bulletin.js';
import { IntervalMaker } from '../../test/support/interval.js';
import { MODES, modesText } from '../../test/support/modes.js';
import { FakeRegion } from '../../test/support/region.js';
import { auditBulletin, type Audit } from './audit.js';

/** Twelve rows in two categories, and an interval in which nothing could be published. */
const ROWS = [[0, 0, 0, 0, 0, 3, 3, 3, 3, 3, 0, 3], []];

for (const modes of MODES) {
  describe(`auditBulletin (${modesText(modes)})`, function () {
    this.timeout(60_000);
    const isDirect = modes.priceMode === 'direct';
    const kit = new FakeRegion({ consumers: 3, parameters: modes });
    const maker = new IntervalMaker(kit);
    const intervals = ROWS.map((categories) => maker.next(categories));
    const later = maker.next([]);
    const files = bulletinOf(kit, intervals);
    let scratch: string;
    let root: string;

    beforeEach(async () => {
      scratch = await mkdtemp(join(tmpdir(), 'gridveil-audit-'));
      root = join(scratch, 'bulletin-root');
      await writeFiles(root, files);
    });
    afterEach(() => rm(scratch, { recursive: true }));

    const audit = (key?: string): Promise<Audit> => auditBulletin(sodiumCrypto, root, key);
    const codes = async (): Promise<string[]> => (await audit()).faults.map(({ file, code }) => `${file} ${code}`);
    const folder = (interval: number): string => intervalFolder(intervals[interval]!.ledgerId);

    it('passes a valid bulletin, and says what it trusted and saw', async () => {
      const own = fingerprint(sodiumCrypto, kit.controlCenter.publicKey);
      const found = await audit(own);
      assert.deepEqual(found.faults, []);
      assert.equal(found.trusted, own);
      assert.deepEqual([found.kind, found.intervals, found.intervalsWithoutFault], ['bulletin', 2, 2]);
      assert.deepEqual(found.versions, [kit.parameters]);
      assert.equal(found.rows, 12);
      assert.equal(found.totalMilliWattHours, 6n * 50_000n + 6n * 400_000n);
      const price = intervals[0]!.price;
      assert.equal(found.billedNanoCurrency, (found.totalMilliWattHours * price) / 1_000_000n);
      const claimed = (interval: number) => {
        const digest = (kind: LedgerKind): string =>
          toHex(sealDigest(sodiumCrypto, intervals[interval]![kind].seal.seal));
        const seals = { consumption: digest('consumption'), pricing: digest('pricing'), billing: digest('billing') };
        return { ...intervals[interval]!.ledgerId, sealed: 'billing', seals };
      };
      assert.deepEqual([found.first, found.last], [claimed(0), claimed(1)]);
    });

    it('refuses another key than the one that is trusted', async () =>
      assert.deepEqual((await audit('00'.repeat(32))).faults[0]?.code, 'WRONG_KEY'));

    it('finds a change of a byte anywhere in any file', async () => {
      for (const [path, bytes] of files) {
        const full = join(root, path);
        // The tests of single formats change more of their bytes.
        for (let i = 0; i < bytes.length; i += 101) {
          const changed = Uint8Array.from(bytes);
          // Another bit each time: a change of case, of a digit, of a length, of a sign.
          changed[i]! ^= 1 << (i % 8);
          await writeFile(full, changed);
          assert.notEqual((await audit()).faults.length, 0, `byte ${i} of ${path}`);
        }
        await writeFile(full, bytes);
      }
      assert.deepEqual(await codes(), []);
    });

    it('finds bytes added to and cut from any file', async () => {
      for (const [path, bytes] of files) {
        for (const changed of [Uint8Array.of(...bytes, 10), bytes.subarray(0, -1), new Uint8Array(0)]) {
          // A pricing or billing file of an interval without rows is empty as it is.
          if (changed.length === bytes.length) {
            continue;
          }
          await writeFile(join(root, path), changed);
          assert.notEqual((await audit()).faults.length, 0, path);
        }
        await writeFile(join(root, path), bytes);
      }
    });

    it('finds every missing file', async () => {
      for (const [path, bytes] of files) {
        await rm(join(root, path));
        assert.notEqual((await audit()).faults.length, 0, path);
        await writeFile(join(root, path), bytes);
      }
    });

    it('finds what belongs to no bulletin', async () => {
      await writeFile(join(root, 'notes.txt'), 'x');
      await writeFile(join(root, folder(0), '.seals.json.tmp'), 'x');
      await mkdir(join(root, folder(0), 'more'));
      await symlink(join(root, PARAMETERS_FILE), join(root, 'bulletin', kit.region, 'directory', '7.json'));
      await rename(join(root, folder(1)), join(root, `${dirname(folder(1))}/0${intervals[1]!.ledgerId.startSeconds}`));
      assert.deepEqual((await codes()).sort(), [
        `${dirname(folder(1))}/0${intervals[1]!.ledgerId.startSeconds} UNKNOWN_FILE`,
        `${folder(0)}/.seals.json.tmp UNKNOWN_FILE`,
        `${folder(0)}/more UNKNOWN_FILE`,
        `bulletin/${kit.region}/directory/7.json MALFORMED`,
        'notes.txt UNKNOWN_FILE',
      ]);
    });

    it('names what file managers and publishers leave, and reads none of it', async () => {
      const left = ['.DS_Store', 'README.md', 'SHA256SUMS', `${folder(0)}/._seals.json`, `${folder(0)}/Thumbs.db`];
      left.push(`bulletin/${kit.region}/directory/desktop.ini`);
      for (const path of left) {
        await writeFile(join(root, path), 'x');
      }
      await mkdir(join(root, 'bulletin', '__MACOSX', 'anything'), { recursive: true });
      await writeFile(join(root, 'bulletin', '__MACOSX', 'anything', 'parameters.json'), 'x');
      const found = await audit();
      assert.deepEqual(found.faults, []);
      assert.deepEqual(found.leftovers, [...left, 'bulletin/__MACOSX'].sort());
      await symlink('.DS_Store', join(root, 'Thumbs.db'));
      await writeFile(join(root, 'README.exe'), 'x');
      assert.deepEqual(await codes(), ['README.exe UNKNOWN_FILE', 'Thumbs.db UNKNOWN_FILE']);
    });

    it('names every fault when parameters are not right: entries only, no interval is checked', async () => {
      await writeFile(join(root, PARAMETERS_FILE), '{}');
      await writeFile(join(root, folder(1), 'more'), 'x');
      const found = await audit();
      assert.deepEqual(await codes(), [`${PARAMETERS_FILE} MALFORMED`, `${folder(1)}/more UNKNOWN_FILE`]);
      assert.deepEqual([found.intervals, found.intervalsWithoutFault, found.trusted], [2, 0, undefined]);
      assert.deepEqual(found.last, intervals[1]!.ledgerId);
    });

    it('finds an interval that was removed from the chain, and one under the name of another', async () => {
      const third = bulletinOf(kit, [later]);
      await writeFiles(root, third);
      assert.deepEqual(await codes(), []);
      await rm(join(root, folder(0)), { recursive: true });
      assert.deepEqual(await codes(), Array(3).fill(`${folder(1)}/seals.json SEAL_CHAIN`));
      await rm(join(root, intervalFolder(later.ledgerId)), { recursive: true });
      await rename(join(root, folder(1)), join(root, folder(0)));
      assert.ok((await codes()).some((fault) => fault.startsWith(`${folder(0)}/seals.json `)));
    });

    it('passes a last interval that is not billed yet, and not one in the middle', async () => {
      const unbilled = async (interval: number): Promise<void> => {
        const { consumption, pricing } = sealsOf(intervals[interval]!);
        await writeFile(join(root, folder(interval), SEALS_FILE), encodeSealsFile({ consumption, pricing }));
        await rm(join(root, folder(interval), ROWS_FILE.billing));
      };
      await unbilled(1);
      assert.equal((await audit()).last?.sealed, 'pricing');
      assert.deepEqual(await codes(), []);
      await cp(join(root, folder(0)), join(scratch, 'kept'), { recursive: true });
      await unbilled(0);
      await writeFile(join(root, folder(1), SEALS_FILE), files.get(`${folder(1)}/${SEALS_FILE}`)!);
      await writeFile(join(root, folder(1), ROWS_FILE.billing), await readFile(join(root, folder(1), INDEX_FILE)));
      assert.ok((await codes()).includes(`${folder(1)}/seals.json SEAL_CHAIN`));
    });

    it('checks one interval from the middle by itself, as in a dispute', async () => {
      await rm(join(root, folder(0)), { recursive: true });
      const found = await audit();
      assert.deepEqual([found.kind, found.faults, found.first], ['excerpt', [], found.last]);
      await writeFile(join(root, folder(1), ROWS_FILE.pricing), new Uint8Array(1));
      assert.deepEqual(await codes(), [`${folder(1)}/pricing.rows BAD_LENGTH`]);
    });

    it('names a missing document of an epoch once, and checks the intervals all the same', async () => {
      await rm(join(root, 'bulletin', kit.region, 'directory'), { recursive: true });
      await writeFile(join(root, folder(1), INDEX_FILE), 'x');
      assert.deepEqual(await codes(), [
        `${directoryFile(kit.region, 0)} MALFORMED`,
        `${folder(1)}/${INDEX_FILE} BAD_LENGTH`,
      ]);
    });

    it('finds a consumer list where there must be none, and one of another epoch', async () => {
      const epoch = isDirect ? 1 : 0;
      const path = join(root, consumersFile(kit.region, epoch));
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, encodeConsumerList(kit.consumerList(0)));
      assert.deepEqual(await codes(), [`${consumersFile(kit.region, epoch)} CONSUMERS_INVALID`]);
    });

    it('finds that there is nothing to audit', async () => {
      const empty = join(root, 'empty');
      await mkdir(empty);
      await writeFile(join(empty, 'parameters.json'), files.get('parameters.json')!);
      const { faults } = await auditBulletin(sodiumCrypto, empty);
      assert.deepEqual(
        faults.map(({ code }) => code),
        ['NO_INTERVALS'],
      );
      await rm(empty, { recursive: true });
    });

    it('refuses a path that is not a directory', async () => {
      await assert.rejects(auditBulletin(sodiumCrypto, join(root, 'absent')), { code: 'WRONG_USE' });
    });
  });
}
