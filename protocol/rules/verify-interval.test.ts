// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { BACK_ENDS } from '../../test/support/frozen-vectors.js';
import { sealsOf } from '../../test/support/bulletin.js';
import { type FakeInterval, IntervalMaker } from '../../test/support/interval.js';
import { FakeRegion } from '../../test/support/region.js';
import { concatBytes } from '../crypto/bytes.js';
import { sodiumCrypto } from '../crypto/sodium.js';
import { decodeSealsFile, encodeSealsFile, type ProvidedLedger, type SealsFile } from '../ledger/bulletin.js';
import { signHeader } from '../ledger/signed-header.js';
import { NO_DIGEST } from '../ledger/document.js';
import { encodeIndex, indexDigest } from '../ledger/index-file.js';
import { splitRows } from '../ledger/page.js';
import { decodeRow, signRow } from '../ledger/row.js';
import { type Seal, sealDigest, signSeal } from '../ledger/seal.js';
import { directoryDigest } from '../onion/directory-format.js';
import { chainSeal, consumptionSealContent, followingSealContent } from './check-seal.js';
import { intervalContext } from './interval-context.js';
import {
  auditInterval,
  type Depth,
  type IntervalFileSource,
  type IntervalTrust,
  verifyInterval,
} from './verify-interval.js';

const kit = new FakeRegion({ meters: 7 });
const maker = new IntervalMaker(kit);
const first = maker.next([0, 0, 0, 0, 0, 2, 2, 2, 2, 2, 2]);
const second = maker.next([]);
const DEPTHS: readonly Depth[] = ['full', 'light', 'index'];

function filesOf(interval: FakeInterval, seals: SealsFile = sealsOf(interval)): Map<string, Uint8Array> {
  const files = new Map([
    ['seals.json', encodeSealsFile(seals)],
    ['consumption.index', interval.index],
    ['consumption.rows', interval.consumption.rows],
  ]);
  if (seals.pricing) {
    files.set('pricing.rows', interval.pricing.rows);
  }
  if (seals.billing) {
    files.set('billing.rows', interval.billing.rows);
  }
  return files;
}

const trustFirst: IntervalTrust = {
  parameters: [kit.signedParameters],
  previous: 'first',
  directoryDigest: directoryDigest(sodiumCrypto, kit.directory(0).directory),
};

function faultsOf(
  files: ReadonlyMap<string, Uint8Array>,
  {
    interval = first,
    trust = trustFirst,
    depth = 'full',
  }: { interval?: FakeInterval; trust?: IntervalTrust; depth?: Depth } = {},
): string[] {
  const audit = auditInterval(sodiumCrypto, interval.ledgerId, files, { ...trust, depth });
  assert.equal(audit.interval === undefined, audit.faults.length > 0);
  return audit.faults.map(({ file, code }) => `${file} ${code}`);
}

describe('interval of the bulletin', () => {
  for (const crypto of BACK_ENDS) {
    it(`is verified at every depth and gives its totals (${crypto.name})`, () => {
      for (const depth of DEPTHS) {
        const verified = verifyInterval(crypto, first.ledgerId, filesOf(first), { ...trustFirst, depth });
        assert.equal(verified.stage, 'billing');
        assert.equal(verified.count, 11);
        assert.deepEqual(verified.rowsPerCategory, [5, 0, 6, 0, 0]);
        assert.equal(verified.totalMilliWattHours, 1_450_000n);
        assert.equal(verified.registeredMeters, 7);
        assert.equal(verified.priceNanoPerKilowattHour, first.price);
        assert.equal(verified.billedNanoCurrency, (1_450_000n * first.price) / 1_000_000n);
      }
    });
  }

  it('follows the interval before, also without rows', () => {
    const { seals } = verifyInterval(sodiumCrypto, first.ledgerId, filesOf(first), { ...trustFirst, depth: 'light' });
    for (const depth of DEPTHS) {
      const trust = { ...trustFirst, previous: seals };
      const verified = verifyInterval(sodiumCrypto, second.ledgerId, filesOf(second), { ...trust, depth });
      assert.equal(verified.totalMilliWattHours, 0n);
      assert.equal(verified.billedNanoCurrency, 0n);
      assert.deepEqual(faultsOf(filesOf(second), { interval: second, trust: { ...trust, previous: 'unknown' } }), []);
    }
    const chainless = { ...trustFirst, previous: { consumption: seals.consumption } };
    assert.deepEqual(faultsOf(filesOf(second), { interval: second }), Array(3).fill('seals.json SEAL_CHAIN'));
    assert.deepEqual(
      faultsOf(filesOf(second), { interval: second, trust: chainless }),
      Array(2).fill('seals.json SEAL_CHAIN'),
    );
  });

  it('cannot begin a chain anew after an interval that was never priced', () => {
    const { consumption, pricing } = sealsOf(second);
    const unchained = { ...pricing.seal, previous: NO_DIGEST };
    const anew = { ...pricing, ...signSeal(sodiumCrypto, unchained, kit.controlCenter) };
    const trust = { ...trustFirst, previous: { consumption: first.consumption.seal.seal } };
    const files = filesOf(second, { consumption, pricing: anew });
    assert.deepEqual(faultsOf(files, { interval: second, trust }), ['seals.json SEAL_CHAIN']);
  });

  it('is complete in itself before price and bills are sealed', () => {
    const { consumption, pricing } = sealsOf(first);
    for (const depth of DEPTHS) {
      const sealed = verifyInterval(sodiumCrypto, first.ledgerId, filesOf(first, { consumption }), {
        ...trustFirst,
        depth,
      });
      assert.equal(sealed.stage, 'consumption');
      assert.equal(sealed.priceNanoPerKilowattHour, undefined);
      const files = filesOf(first, { consumption, pricing });
      const priced = verifyInterval(sodiumCrypto, first.ledgerId, files, { ...trustFirst, depth });
      assert.equal(priced.stage, 'pricing');
      assert.equal(priced.billedNanoCurrency, undefined);
    }
  });

  it('needs no large file at depth index', () => {
    const files = filesOf(first);
    files.delete('consumption.rows');
    files.delete('billing.rows');
    assert.deepEqual(faultsOf(files, { depth: 'index' }), []);
    assert.deepEqual(faultsOf(files, { depth: 'light' }), ['consumption.rows MALFORMED', 'billing.rows MALFORMED']);
  });

  it('shows a change of any byte of any file', function () {
    this.timeout(120_000);
    const smallest = new IntervalMaker(kit).next([1, 1, 1, 1, 1]);
    assert.deepEqual(faultsOf(filesOf(smallest), { depth: 'light' }), []);
    for (const [name, bytes] of filesOf(smallest)) {
      // Every third byte: all fields of all rows and seals, in a third of the time.
      for (let i = 0; i < bytes.length; i += 3) {
        const bit = 1 << (i % 8);
        const files = filesOf(smallest).set(name, bytes.with(i, bytes[i]! ^ bit));
        assert.notDeepEqual(faultsOf(files, { depth: 'light' }), [], `${name}, byte ${i}`);
      }
    }
  });

  it('shows a file that is cut, longer, missing, unknown or not sealed yet', () => {
    for (const [name, bytes] of filesOf(first)) {
      for (const other of [
        bytes.subarray(1),
        bytes.subarray(0, -1),
        concatBytes(bytes, Uint8Array.of(10)),
        new Uint8Array(),
      ]) {
        assert.notDeepEqual(faultsOf(filesOf(first).set(name, other)), [], name);
      }
      const files = filesOf(first);
      files.delete(name);
      assert.ok(faultsOf(files).includes(`${name} MALFORMED`), name);
    }
    assert.deepEqual(faultsOf(filesOf(first).set('notes.txt', new Uint8Array())), ['notes.txt MALFORMED']);
    const { consumption } = sealsOf(first);
    const early = filesOf(first, { consumption }).set('pricing.rows', first.pricing.rows);
    assert.deepEqual(faultsOf(early), ['pricing.rows MALFORMED']);
  });

  it('belongs to the folder that it is in, and to known parameters', () => {
    const elsewhere = (ledgerId: typeof first.ledgerId, trust = trustFirst) =>
      auditInterval(sodiumCrypto, ledgerId, filesOf(first), { ...trust, depth: 'full' }).faults.map(({ code }) => code);
    assert.ok(elsewhere(second.ledgerId).includes('WRONG_LEDGER'));
    assert.deepEqual(elsewhere({ ...first.ledgerId, region: 'paris' }), ['WRONG_LEDGER']);
    assert.deepEqual(elsewhere({ ...first.ledgerId, startSeconds: kit.startOf(0) - 1_800 }), ['NOT_EFFECTIVE']);
    const changed = kit.signParameters({ ...kit.parameters, kAnonymity: 6 });
    assert.deepEqual(elsewhere(first.ledgerId, { ...trustFirst, parameters: [changed] }), [
      'K_ANONYMITY',
      'SEAL_MISMATCH',
      'BAD_SIGNATURE',
      'SEAL_MISMATCH',
      'BAD_SIGNATURE',
      'SEAL_MISMATCH',
    ]);
  });

  it('rests on the relay directory of the epoch', () => {
    const trust = { ...trustFirst, directoryDigest: new Uint8Array(32) };
    assert.deepEqual(faultsOf(filesOf(first), { trust }), ['seals.json SEAL_MISMATCH']);
    const unknown = { parameters: trustFirst.parameters, previous: trustFirst.previous };
    assert.deepEqual(faultsOf(filesOf(first), { trust: unknown }), []);
  });

  it('is refused as a whole by verifyInterval, with the file and the code of the first fault', () => {
    const files = filesOf(first).set('consumption.index', new Uint8Array(first.index.length));
    assert.throws(() => verifyInterval(sodiumCrypto, first.ledgerId, files, { ...trustFirst, depth: 'full' }), {
      code: 'INDEX_MISMATCH',
      message: /^consumption\.index: /,
    });
  });

  it('names more registered meters than the registry has leaves', () => {
    const trust = { ...trustFirst, parameters: [kit.signParameters({ ...kit.parameters, registryDepth: 2 })] };
    const codes = faultsOf(resealed({}, undefined, trust.parameters[0]!.parameters), { trust });
    assert.deepEqual(codes, ['seals.json REGISTRY_INVALID']);
  });

  it('reads no file whose length CC has not signed', () => {
    const lengths: [string, number | undefined][] = [];
    const recording = (files: ReadonlyMap<string, Uint8Array>): IntervalFileSource => ({
      keys: () => files.keys(),
      get: (name, length) => {
        lengths.push([name, length]);
        return files.get(name);
      },
    });
    const read = (files: ReadonlyMap<string, Uint8Array>): string[] => {
      lengths.length = 0;
      auditInterval(sodiumCrypto, first.ledgerId, recording(files), { ...trustFirst, depth: 'full' });
      return lengths.map(([name, length]) => `${name} ${length}`);
    };
    assert.deepEqual(read(filesOf(first)), [
      'seals.json undefined',
      `consumption.index ${11 * 9}`,
      `consumption.rows ${11 * 177}`,
      'pricing.rows 177',
      `billing.rows ${11 * 177}`,
    ]);
    const forged = sealsOf(first);
    const stranger = kit.signingKey('stranger');
    const { consumption, pricing, billing } = forged;
    const files = filesOf(first, {
      consumption: { ...consumption, ...signSeal(sodiumCrypto, consumption.seal, stranger) },
      pricing: { ...pricing, ...signSeal(sodiumCrypto, pricing.seal, stranger) },
      billing: { ...billing, ...signSeal(sodiumCrypto, billing.seal, stranger) },
    });
    assert.deepEqual(read(files), ['seals.json undefined']);
  });

  it('keeps a bounded number of faults', () => {
    const files = filesOf(first);
    for (let i = 0; i < 500; i++) {
      files.set(`unknown-${i}`, new Uint8Array());
    }
    assert.equal(faultsOf(files).length, 100);
    assert.equal(auditInterval(sodiumCrypto, first.ledgerId, files, { ...trustFirst, depth: 'full' }).faultCount, 500);
  });
});

/** What a control center that signs anything could publish: every header and seal fits the changed rows. */
function resealed(
  rows: Partial<Record<'consumption' | 'pricing' | 'billing', Uint8Array>>,
  otherIndex?: Uint8Array,
  parameters = kit.parameters,
): Map<string, Uint8Array> {
  const context = intervalContext(sodiumCrypto, parameters, first.ledgerId.startSeconds);
  const files = filesOf(first);
  const claimed = decodeSealsFile(files.get('seals.json')!);
  const seal = (content: Parameters<typeof chainSeal>[1]) =>
    signSeal(sodiumCrypto, chainSeal(sodiumCrypto, content, undefined, context), kit.controlCenter);
  const headerOf = (kind: 'consumption' | 'pricing' | 'billing') =>
    maker.header(kind, first.ledgerId, rows[kind] ?? first[kind].rows);
  const index =
    otherIndex ?? encodeIndex(rows.consumption ?? first.consumption.rows, kit.parameters.categoriesMilliWattHours);
  files.set('consumption.index', index);
  const binding = { ...claimed.consumption.seal, indexDigest: indexDigest(sodiumCrypto, index) };
  const following = (kind: 'pricing' | 'billing', basis: Seal): ProvidedLedger => {
    const about = { basis: sealDigest(sodiumCrypto, basis), parametersDigest: context.parametersDigest };
    const signed = signHeader(sodiumCrypto, headerOf(kind), about, kit.serviceProvider);
    return { ...signed, ...seal(followingSealContent(sodiumCrypto, context, { signed, basis })) };
  };
  const header = headerOf('consumption');
  const consumption = { header, ...seal(consumptionSealContent(sodiumCrypto, context, header, binding)) };
  const pricing = following('pricing', consumption.seal);
  const billing = following('billing', pricing.seal);
  for (const [kind, bytes] of Object.entries(rows)) {
    files.set(`${kind}.rows`, bytes);
  }
  return files.set('seals.json', encodeSealsFile({ consumption, pricing, billing }));
}

describe('interval with seals over wrong rows', () => {
  const rewrite = (bytes: Uint8Array, at: number, change: object, key = kit.serviceProvider) => {
    const rows = splitRows(bytes);
    return concatBytes(...rows.with(at, signRow(sodiumCrypto, { ...decodeRow(rows[at]!), ...change }, key)));
  };

  it('is the same when nothing is wrong', () => assert.deepEqual(resealed({}), filesOf(first)));

  it('shows a header that SP did not sign, for this seal and these parameters, at every depth', () => {
    const seals = sealsOf(first);
    const { pricing, billing } = seals;
    const context = intervalContext(sodiumCrypto, kit.parameters, first.ledgerId.startSeconds);
    const { parametersDigest } = context;
    const on = (basis: Seal, digest = parametersDigest) => ({
      basis: sealDigest(sodiumCrypto, basis),
      parametersDigest: digest,
    });
    const right = on(seals.consumption.seal);
    for (const { headerSignature } of [
      { headerSignature: pricing.headerSignature.with(3, pricing.headerSignature[3]! ^ 1) },
      { headerSignature: billing.headerSignature },
      signHeader(sodiumCrypto, pricing.header, right, kit.controlCenter),
      signHeader(sodiumCrypto, pricing.header, on(second.consumption.seal.seal), kit.serviceProvider),
      signHeader(sodiumCrypto, pricing.header, on(seals.consumption.seal, NO_DIGEST), kit.serviceProvider),
    ]) {
      const signed = { header: pricing.header, headerSignature };
      const content = followingSealContent(sodiumCrypto, context, { signed, basis: seals.consumption.seal });
      const seal = chainSeal(sodiumCrypto, content, undefined, context);
      const files = filesOf(first, {
        consumption: seals.consumption,
        pricing: { ...signed, ...signSeal(sodiumCrypto, seal, kit.controlCenter) },
      });
      for (const depth of DEPTHS) {
        assert.deepEqual(faultsOf(files, { depth }), ['seals.json BAD_SIGNATURE']);
      }
    }
  });

  it('shows a wrong price at every depth', () => {
    const pricing = rewrite(first.pricing.rows, 0, { value: first.price + 1_000n });
    for (const depth of DEPTHS) {
      assert.deepEqual(faultsOf(resealed({ pricing }), { depth }), ['pricing.rows WRONG_PRICE']);
    }
  });

  it('shows a wrong bill at every depth', () => {
    const value = decodeRow(splitRows(first.billing.rows)[2]!).value + 1n;
    const files = resealed({ billing: rewrite(first.billing.rows, 2, { value }) });
    for (const depth of DEPTHS) {
      assert.deepEqual(faultsOf(files, { depth }), ['seals.json WRONG_BILL']);
    }
    // Two bills swapped: all sums stay.
    const bills = splitRows(first.billing.rows).map((row) => decodeRow(row));
    const [a, b] = [bills.findIndex((bill) => bill.value !== bills.at(-1)!.value), bills.length - 1];
    const swapped = rewrite(rewrite(first.billing.rows, a, { value: bills[b]!.value }), b, { value: bills[a]!.value });
    assert.deepEqual(faultsOf(resealed({ billing: swapped }), { depth: 'light' }), ['billing.rows WRONG_BILL']);
  });

  it('shows a signature that is not valid at depth full', () => {
    for (const [kind, depth, expected] of [
      ['consumption', 'full', ['consumption.rows BAD_SIGNATURE']],
      ['consumption', 'light', []],
      ['pricing', 'index', ['pricing.rows BAD_SIGNATURE']],
      ['billing', 'full', ['billing.rows BAD_SIGNATURE']],
      ['billing', 'light', []],
    ] as const) {
      const { rows } = first[kind];
      const forged = resealed({ [kind]: rows.with(rows.length - 1, rows.at(-1)! ^ 1) });
      assert.deepEqual(faultsOf(forged, { depth }), expected, `${kind} ${depth}`);
    }
  });

  it('shows an index that is not of the rows, whether the seal binds it or not', () => {
    const middle = 5 * 9 + 7;
    const index = first.index.with(middle, first.index[middle]! ^ 1);
    const unbound = filesOf(first).set('consumption.index', index);
    assert.deepEqual(faultsOf(unbound, { depth: 'index' }), ['consumption.index INDEX_MISMATCH']);
    const bound = resealed({}, index);
    assert.deepEqual(faultsOf(bound, { depth: 'light' }), ['consumption.index INDEX_MISMATCH']);
  });

  it('shows rows of another interval', () => {
    const { startSeconds, region } = first.ledgerId;
    const ledgerId = { region, startSeconds: startSeconds + 1_800 };
    const consumption = rewrite(first.consumption.rows, 0, { ledgerId }, kit.controlCenter);
    assert.deepEqual(faultsOf(resealed({ consumption }), { depth: 'light' }), ['consumption.rows WRONG_LEDGER']);
  });
});
