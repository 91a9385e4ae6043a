// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { anchors, codeBlocks, prose, quoted } from '../support/markdown.js';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const DOCUMENTS = ['', 'docs', '.github']
  .filter((folder) => existsSync(join(ROOT, folder)))
  .flatMap((folder) => readdirSync(join(ROOT, folder)).map((name) => (folder === '' ? name : `${folder}/${name}`)))
  .filter((path) => path.endsWith('.md'));

/** A path from the root into one of the project's folders; compiled files have the path of their source in `dist/`. */
const PATH = /^(dist\/)?(protocol|chaincode|network|client-apps|research|bench|claims|docs|scripts|test)\/[\w./-]*$/;
/** What only a build or a run makes. */
const MADE = /^(chaincode\/(build|node_modules)|network\/fabric\/state)(\/|$)/;

/** Ids of claims, `topic/name`, which look like paths where a topic has a folder's name. */
const CLAIMS = new Set(
  readdirSync(join(ROOT, 'claims')).flatMap((file) =>
    (JSON.parse(read(`claims/${file}`)) as { id: string }[]).map(({ id }) => `${file.replace('.json', '')}/${id}`),
  ),
);

/** Whether a path of a document is there, or is made by a build or a run. */
function exists(path: string): boolean {
  if (CLAIMS.has(path)) {
    return true;
  }
  const source = path.startsWith('dist/') ? path.slice('dist/'.length).replace(/\.js$/, '.ts') : path;
  return MADE.test(source) || existsSync(join(ROOT, source));
}

for (const document of DOCUMENTS) {
  describe(document, () => {
    const page = read(document);

    it('links to files and headings that exist', () => {
      const targets = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
      for (const target of targets.filter((text) => !/^[a-z]+:/.test(text))) {
        const [path, fragment] = target.split('#');
        const file = path === '' ? document : relative(ROOT, resolve(ROOT, dirname(document), path!));
        assert.ok(existsSync(join(ROOT, file)), `${target}: there is no file ${file}`);
        if (fragment !== undefined) {
          assert.ok(anchors(read(file)).has(fragment), `${target}: ${file} has no heading #${fragment}`);
        }
      }
    });

    it('names files that exist', () => {
      const words = [
        ...prose(page).split('\n').flatMap(quoted),
        ...['sh', ''].flatMap((language) => codeBlocks(page, language)).flatMap((block) => block.split(/[\s'"()]+/)),
      ];
      const paths = words.map((word) => word.replace(/^\.\//, '')).filter((word) => PATH.test(word));
      assert.deepEqual(
        paths.filter((path) => !exists(path)),
        [],
      );
    });
  });
}
