// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  MAXIMUM_CONSUMER_LIST_BYTES,
  MAXIMUM_HEADER_BYTES,
  MAXIMUM_PARAMETERS_BYTES,
  MAXIMUM_PARAMETERS_FILE_BYTES,
  MAXIMUM_REGISTRY_ROOT_BYTES,
  MAXIMUM_SEAL_BYTES,
  MAXIMUM_SEALS_FILE_BYTES,
  MAXIMUM_SUCCESSOR_BYTES,
} from '../../protocol/ledger/limits.js';
import { MAXIMUM_SIGNED_HEADER_BYTES } from '../../protocol/ledger/signed-header.js';
import { MAXIMUM_DESCRIPTOR_BYTES, MAXIMUM_DIRECTORY_BYTES } from '../../protocol/onion/directory-format.js';
import { MAXIMUM_EVIDENCE_BYTES } from '../../protocol/rules/price-evidence.js';
import { tableRows } from '../support/markdown.js';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const page = read('docs/PROTOCOL.md');

describe('docs/PROTOCOL.md', () => {
  it('has every code of the protocol layer and of the audit, and no other', () => {
    const codes = (source: string, pattern: RegExp): string[] => [...source.matchAll(pattern)].map(([, code]) => code!);
    const ofProtocol = codes(read('protocol/errors.ts'), /^ {2}\| '([A-Z_]+)'/gm);
    const ofAudit = ['audit.ts', 'tree.ts'].flatMap((file) =>
      codes(read(`client-apps/bulletin/${file}`), /'([A-Z]+_[A-Z_]+)'/g),
    );
    const expected = new Set([...ofProtocol, ...ofAudit].filter((code) => code !== 'WRONG_USE'));
    assert.deepEqual(new Set(tableRows(page, 'fault code').map(([code]) => code)), expected);
  });

  it('has the byte limit of every document', () => {
    const limits = tableRows(page, 'document').map(([document, bytes]) => [
      document!.replace(/ \(.*/, '').replaceAll('`', ''),
      Number(/([\d,]+)$/.exec(bytes!)?.[1]?.replaceAll(',', '')),
    ]);
    assert.deepEqual(Object.fromEntries(limits), {
      header: MAXIMUM_HEADER_BYTES,
      'header signed by SP': MAXIMUM_SIGNED_HEADER_BYTES,
      'signed seal': MAXIMUM_SEAL_BYTES,
      'evidence of a wrong price': MAXIMUM_EVIDENCE_BYTES,
      'seals.json': MAXIMUM_SEALS_FILE_BYTES,
      'signed registry root': MAXIMUM_REGISTRY_ROOT_BYTES,
      'signed version of the parameters': MAXIMUM_PARAMETERS_BYTES,
      'parameters.json': MAXIMUM_PARAMETERS_FILE_BYTES,
      'signed successor': MAXIMUM_SUCCESSOR_BYTES,
      'signed consumer list': MAXIMUM_CONSUMER_LIST_BYTES,
      'signed descriptor': MAXIMUM_DESCRIPTOR_BYTES,
      'signed directory': MAXIMUM_DIRECTORY_BYTES,
    });
  });
});
