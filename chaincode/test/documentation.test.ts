// SPDX-License-Identifier: Apache-2.0
import { PACKAGES } from './world.js';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LedgerKind } from '../../protocol/ledger/row.js';
import { quoted, tableRows } from '../../test/support/markdown.js';
import { stateKey } from '../common/state-keys.js';
import { metadataOf } from './fabric-stub.js';

const ROOT = join(__dirname, '..', '..', '..');
const KINDS = ['consumption', 'pricing', 'billing'] as const;
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** Clients are written from this page: each table has what the contracts have, no less and no more. */
describe('docs/CHAINCODE.md', () => {
  const page = read('docs/CHAINCODE.md');

  const table = (heading: string): string[][] => tableRows(page, heading);

  /** Every transaction of a contract with its arguments, as in the page. */
  const transactions = (kind: LedgerKind, tag: 'SUBMIT' | 'EVALUATE'): string[] => {
    const [contract] = Object.values(metadataOf(PACKAGES[kind]).contracts);
    return contract!.transactions
      .filter((transaction) => transaction.tag.includes('SUBMIT') === (tag === 'SUBMIT'))
      .map(({ name, parameters }) => `${name}(${parameters.map((parameter) => parameter.name).join(', ')})`)
      .sort();
  };

  /** The rows of the transactions that write, by contract; an empty first cell repeats the one above. */
  const submits = (kind: LedgerKind): string[][] => {
    let contract = '';
    return table('contract').filter(([cell]) => (contract = cell || contract).toLowerCase() === kind);
  };

  for (const kind of KINDS) {
    it(`has the transactions of ${kind}, with their arguments`, () => {
      assert.deepEqual(
        submits(kind)
          .flatMap(([, submit]) => quoted(submit!))
          .sort(),
        transactions(kind, 'SUBMIT'),
      );
      const queries = table('query').filter(([, of]) => of === kind || of === 'all');
      assert.deepEqual(queries.flatMap(([query]) => quoted(query!)).sort(), transactions(kind, 'EVALUATE'));
    });

    it(`has the transient fields of ${kind}`, () => {
      const source = read(`chaincode/${kind}/${kind}-contract.ts`);
      const fields = [...source.matchAll(/transientField\(ctx, '(\w+)'/g)].map(([, name]) => name!);
      assert.deepEqual(
        submits(kind)
          .flatMap(([, , , transient]) => quoted(transient!))
          .sort(),
        fields.sort(),
      );
    });
  }

  it('has the keys of world state', () => {
    const patterns = table('key').flatMap(([key]) => quoted(key!));
    const matching = (key: string): string[] =>
      patterns.filter((pattern) => {
        const expression = pattern
          .replaceAll('<region>', 'london')
          .replaceAll(/<[a-z ]+, (\d+) hex digits>/g, (_, width: string) => `[0-9a-f]{${width}}`)
          .replaceAll(/<[a-z]+, (\d+) digits>/g, (_, width: string) => `\\d{${width}}`);
        return new RegExp(`^${expression}$`).test(key);
      });
    const found = Object.values({ ...stateKey, successor: () => stateKey.successor('london', 'f'.repeat(64)) }).map(
      (keyOf) => {
        const key = keyOf('london', 1, 2);
        const [pattern, ...more] = matching(key);
        assert.ok(pattern !== undefined && more.length === 0, `${key} has ${more.length + (pattern ? 1 : 0)} rows`);
        return pattern;
      },
    );
    assert.deepEqual(found.sort(), patterns.sort());
  });

  it("has the codes that are the chaincode's own, and each is in use", () => {
    const type = /export type RefusalCode =([^;]+);/.exec(read('chaincode/common/refusal.ts'))![1]!;
    const codes = [...type.matchAll(/'([A-Z_]+)'/g)].map(([, code]) => code!);
    assert.deepEqual(
      table('code')
        .flatMap(([code]) => quoted(code!))
        .sort(),
      codes.sort(),
    );
    const sources = ['common', ...KINDS].flatMap((folder) =>
      readdirSync(join(ROOT, 'chaincode', folder))
        .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
        .map((file) => read(`chaincode/${folder}/${file}`)),
    );
    const unused = codes.filter((code) => !sources.some((source) => source.includes(`Refusal('${code}'`)));
    assert.deepEqual(unused, []);
  });
});
