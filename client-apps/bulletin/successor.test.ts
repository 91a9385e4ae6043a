// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { encodeParametersFile, PARAMETERS_FILE } from '../../protocol/ledger/bulletin.js';
import type { ProvidedKind } from '../../protocol/ledger/row.js';
import type { Successors } from '../../protocol/ledger/successor.js';
import { bulletinOf, writeFiles } from '../../test/support/bulletin.js';
import { type FakeInterval, IntervalMaker } from '../../test/support/interval.js';
import { FakeRegion } from '../../test/support/region.js';
import { auditBulletin, type Audit } from './audit.js';
import type { BulletinSource } from './reader.js';
import { TrustedBulletin } from './trusted-bulletin.js';

const ROWS = [0, 0, 0, 0, 0];

describe('a bulletin with a successor', function () {
  this.timeout(30_000);
  const kit = new FakeRegion({ meters: 5 });
  const [old, heir] = [kit.provider, kit.otherProvider('heir', 'HeirMSP')];
  /** Interval 1 was priced but not billed when the service provider vanished. */
  const successors: Required<Successors> = {
    pricing: kit.successor('pricing', kit.startOf(2), heir),
    billing: kit.successor('billing', kit.startOf(1), heir),
  };
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'gridveil-successor-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  /** Three intervals. @param providers of each, by ledger */
  function intervals(providers: readonly Record<ProvidedKind, typeof old>[]): FakeInterval[] {
    const maker = new IntervalMaker(kit);
    return providers.map((of) => {
      maker.providers = of;
      return maker.next(ROWS);
    });
  }

  async function audit(made: readonly FakeInterval[], found: Successors | undefined): Promise<Audit> {
    const files = bulletinOf(kit, made);
    const version = { ...kit.signedParameters, ...(found === undefined ? {} : { successors: found }) };
    await writeFiles(root, files.set(PARAMETERS_FILE, encodeParametersFile([version])));
    return auditBulletin(sodiumCrypto, root);
  }

  /** Where faults are: interval and ledger or file, with the codes. */
  const faults = ({ faults: list }: Audit): string[] => [
    ...new Set(list.map(({ file, code }) => `${file.replace(/^bulletin\/london\//, '')} ${code}`)),
  ];
  const of = (index: number, ...codes: readonly string[]): string[] =>
    codes.map((code) => `${kit.startOf(index)}/${code}`);

  const right = (): FakeInterval[] =>
    intervals([
      { pricing: old, billing: old },
      { pricing: old, billing: heir },
      { pricing: heir, billing: heir },
    ]);

  it('is right with its key from the two starts on, and says so', async () => {
    const found = await audit(right(), successors);
    assert.deepEqual(found.faults, []);
    assert.deepEqual(
      found.successors.map(({ kind, fromSeconds }) => [kind, fromSeconds]),
      [
        ['pricing', kit.startOf(2)],
        ['billing', kit.startOf(1)],
      ],
    );
  });

  it('is wrong without the documents', async () => {
    assert.deepEqual(faults(await audit(right(), undefined)), [
      ...of(1, 'seals.json BAD_SIGNATURE', 'billing.rows WRONG_KEY'),
      ...of(2, 'seals.json BAD_SIGNATURE', 'pricing.rows WRONG_KEY', 'billing.rows WRONG_KEY'),
    ]);
  });

  it('is wrong with the key of the service provider before from the starts on, or with the new key before', async () => {
    const both = { pricing: old, billing: old };
    assert.deepEqual(faults(await audit(intervals([both, both, both]), successors)), [
      ...of(1, 'seals.json BAD_SIGNATURE', 'billing.rows WRONG_KEY'),
      ...of(2, 'seals.json BAD_SIGNATURE', 'pricing.rows WRONG_KEY', 'billing.rows WRONG_KEY'),
    ]);
    const early = { pricing: heir, billing: heir };
    assert.deepEqual(faults(await audit(intervals([both, early, early]), successors)), [
      ...of(1, 'seals.json BAD_SIGNATURE', 'pricing.rows WRONG_KEY'),
    ]);
  });

  it('is wrong with a document that is not right', async () => {
    const made = right();
    const refused = async (kind: ProvidedKind, found: Successors, code: string): Promise<void> => {
      assert.deepEqual(faults(await audit(made, found)), [`${PARAMETERS_FILE} ${code}`], kind);
    };
    const { billing } = successors;
    const forged = { ...billing, signature: new Uint8Array(64) };
    await refused('billing', { ...successors, billing: forged }, 'BAD_SIGNATURE');
    await refused('billing', { billing: kit.successor('billing', kit.startOf(1) + 1, heir) }, 'SUCCESSOR_INVALID');
    await refused('billing', { billing: kit.successor('billing', kit.startOf(1), old) }, 'SUCCESSOR_INVALID');
    await refused('pricing', { pricing: billing }, 'MALFORMED');
    await refused('pricing', {}, 'MALFORMED');
  });

  it('is refused by a reader that knows a successor which it does not have any more', async () => {
    let served = encodeParametersFile([{ ...kit.signedParameters, successors }]);
    const source = { readParameters: () => Promise.resolve(served), close: () => undefined };
    const reader = new TrustedBulletin(sodiumCrypto, source as unknown as BulletinSource, kit.region, undefined);
    await reader.refresh();
    served = encodeParametersFile([kit.signedParameters]);
    await assert.rejects(reader.refresh(), { code: 'VERIFICATION_FAILED', message: /PARAMETERS_CHAIN/ });
    assert.deepEqual(reader.versions[0]!.successors, successors);
  });
});
