// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { BACK_ENDS } from '../../test/support/frozen-vectors.js';
import { IntervalMaker } from '../../test/support/interval.js';
import { FakeRegion } from '../../test/support/region.js';
import { concatBytes } from '../crypto/bytes.js';
import { sodiumCrypto } from '../crypto/sodium.js';
import type { RowWitness } from '../identity/witness.js';
import { pageEntry, splitRows } from '../ledger/page.js';
import { decodeRow, signRow } from '../ledger/row.js';
import { checkConsumptionPage, checkPageEntry } from './check-page.js';
import { intervalContext } from './interval-context.js';

const kit = new FakeRegion({ meters: 6 });
const interval = new IntervalMaker(kit).next([0, 0, 0, 0, 0, 0, 0, 3, 3, 3, 3, 3]);
const context = intervalContext(sodiumCrypto, kit.parameters, interval.ledgerId.startSeconds);
const { registryRoot } = kit.registryRoot(0);
const page = interval.consumption.rows;
const entry = interval.consumption.header.pages[0]!;
const witnesses = interval.witnessedRows.map(({ witness }) => witness);

interface Given {
  page: Uint8Array;
  entry: typeof entry;
  context: typeof context;
  witnesses: readonly RowWitness[];
  registryRoot: typeof registryRoot;
}

function check(change: Partial<Given>, crypto = sodiumCrypto): () => void {
  const given: Given = { page, entry, context, witnesses, registryRoot, ...change };
  return () => checkConsumptionPage(crypto, given.page, given.context, given);
}

/** The page with its rows changed, and an entry that fits. */
function remade(change: (rows: Uint8Array[]) => Uint8Array[]): Pick<Given, 'page' | 'entry'> {
  const bytes = concatBytes(...change(splitRows(page).map((row) => row.slice())));
  return { page: bytes, entry: pageEntry(sodiumCrypto, bytes) };
}

const replaceWitness = (at: number, change: Partial<RowWitness>): RowWitness[] =>
  witnesses.map((witness, i) => (i === at ? { ...witness, ...change } : witness));

describe('consumption page', () => {
  for (const crypto of BACK_ENDS) {
    it(`passes with witnesses of registered meters (${crypto.name})`, check({}, crypto));
  }

  it('is the one that the header announced, in every part of the entry', () => {
    for (const change of [
      { first: entry.last },
      { last: entry.first },
      { count: entry.count + 1 },
      { sum: entry.sum + 1n },
      { histogram: [] },
      { root: new Uint8Array(32) },
    ]) {
      const other = { ...entry, ...change };
      assert.throws(() => checkPageEntry(sodiumCrypto, page, other), { code: 'PAGE_MISMATCH' });
      assert.throws(check({ entry: other }), { code: 'PAGE_MISMATCH' });
    }
    for (let i = 0; i < page.length; i += 13) {
      assert.throws(check({ page: page.with(i, page[i]! ^ 0x80) }), (error: { code: string }) =>
        ['PAGE_MISMATCH', 'ROW_ORDER', 'DUPLICATE_ROW'].includes(error.code),
      );
    }
  });

  it('refuses rows twice and out of order before anything else', () => {
    const rows = splitRows(page);
    const twice = concatBytes(rows[0]!, rows[0]!, ...rows.slice(1));
    const turned = concatBytes(rows[1]!, rows[0]!, ...rows.slice(2));
    assert.throws(check({ page: twice }), { code: 'DUPLICATE_ROW' });
    assert.throws(check({ page: turned }), { code: 'ROW_ORDER' });
    assert.throws(check({ page: new Uint8Array() }), { code: 'PAGE_SIZE' });
  });

  it('checks every row, and says which', () => {
    const last = interval.witnessedRows.length - 1;
    const foreign = remade((rows) =>
      rows.with(last, signRow(sodiumCrypto, decodeRow(rows[last]!), sodiumCrypto.ed25519Key(new Uint8Array(32)))),
    );
    assert.throws(check(foreign), { code: 'WRONG_KEY', message: /^row 11: / });
    const odd = remade((rows) =>
      rows.with(4, signRow(sodiumCrypto, { ...decodeRow(rows[4]!), value: 1n }, kit.controlCenter)),
    );
    assert.throws(check(odd), { code: 'BAD_CATEGORY', message: /^row 4: / });
    const unsigned = remade((rows) => rows.with(7, rows[7]!.with(176, rows[7]![176]! ^ 1)));
    assert.throws(check(unsigned), { code: 'BAD_SIGNATURE', message: /^row 7: / });
  });

  it('refuses witnesses that are missing, swapped or of another message', () => {
    assert.throws(check({ witnesses: witnesses.slice(1) }), { code: 'BAD_LENGTH' });
    assert.throws(check({ witnesses: [...witnesses].reverse() }), { code: 'WRONG_PSEUDONYM' });
    assert.throws(check({ witnesses: replaceWitness(3, { k: 9 }) }), { code: /WRONG_(PSEUDONYM|KEY)/ });
    assert.throws(check({ witnesses: replaceWitness(3, { previous: new Uint8Array(32), k: 2 }) }), {
      code: 'WRONG_PSEUDONYM',
    });
  });

  it('refuses a meter that is not in the registry of the epoch', () => {
    // Of the first row: where a path meets nodes that are proven, its siblings are not read.
    const siblings = witnesses[0]!.siblings.map((sibling, level) => (level === 2 ? new Uint8Array(32) : sibling));
    for (const change of [
      { siblings },
      { leafIndex: witnesses[0]!.leafIndex ^ 1 },
      { siblings: witnesses[0]!.siblings.slice(1) },
      { identity: new Uint8Array(32) },
    ]) {
      assert.throws(check({ witnesses: replaceWitness(0, change) }), { code: 'UNREGISTERED', message: /^row 0: / });
    }
    // A stranger with secrets of its own: everything fits but the registry.
    const stranger = new FakeRegion({ meters: 7 }).meters[6]!;
    const witnessed = new IntervalMaker(kit).consumptionRow(
      interval.ledgerId,
      {
        number: stranger.number,
        identity: stranger.identity,
        secretsOf: (epoch) => ({ ...stranger.secretsOf(epoch), leaf: kit.meters[0]!.secretsOf(epoch).leaf }),
      },
      0,
    );
    const only = { page: witnessed.row, entry: pageEntry(sodiumCrypto, witnessed.row), witnesses: [witnessed.witness] };
    assert.throws(check(only), { code: 'UNREGISTERED' });
  });

  it('refuses the registry root of another epoch, region or tree', () => {
    assert.throws(check({ registryRoot: { ...registryRoot, epoch: 1 } }), { code: 'REGISTRY_INVALID' });
    assert.throws(check({ registryRoot: { ...registryRoot, region: 'paris' } }), { code: 'REGISTRY_INVALID' });
    assert.throws(check({ registryRoot: { ...registryRoot, root: new Uint8Array(32) } }), { code: 'UNREGISTERED' });
    assert.throws(check({ registryRoot: { ...registryRoot, depth: 12 } }), { code: 'UNREGISTERED' });
  });
});
