// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { prose, quoted, tableRows } from '../support/markdown.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const MOST_WORDS = 2_500;

interface Claim {
  readonly id: string;
  readonly attack?: object;
}

const topics = readdirSync(`${ROOT}claims`).map((file) => file.replace('.json', ''));
const claims = topics.flatMap((topic) => {
  const list = JSON.parse(readFileSync(`${ROOT}claims/${topic}.json`, 'utf8')) as readonly Claim[];
  return list.map(({ id, attack }) => ({ id: `${topic}/${id}`, isAttack: attack !== undefined }));
});

describe('docs/SECURITY-MODEL.md', () => {
  const page = readFileSync(`${ROOT}docs/SECURITY-MODEL.md`, 'utf8');
  const named = (text: string): string[] =>
    quoted(text).filter((word) => topics.includes(word.split('/')[0]!) && /^[a-z-]+\/[a-z0-9-]+$/.test(word));

  it('names only claims that exist', () => {
    const ids = new Set(claims.map(({ id }) => id));
    assert.deepEqual(
      prose(page)
        .split('\n')
        .flatMap(named)
        .filter((id) => !ids.has(id)),
      [],
    );
  });

  it('shows every promise by a claim', () => {
    const rows = tableRows(page, 'promise');
    assert.ok(rows.length > 10);
    const bare = rows.filter((cells) => named(cells.at(-1)!).length === 0);
    assert.deepEqual(bare, []);
  });

  it(`has at most ${MOST_WORDS} words`, () => {
    assert.ok(page.split(/\s+/).length <= MOST_WORDS, `${page.split(/\s+/).length}`);
  });
});
