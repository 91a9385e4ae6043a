// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { anyHeader, anySignedSeal } from '../../test/support/arbitraries.js';
import {
  decodeParametersFile,
  decodeSealsFile,
  directoryFile,
  encodeParametersFile,
  encodeSealsFile,
  intervalFolder,
  type SealedLedger,
  stageOf,
} from './bulletin.js';
import { encodeCanonical, type JsonObject } from './canonical-json.js';
import type { LedgerKind } from './row.js';

const sealed = (kind: LedgerKind) =>
  fc.tuple(anyHeader, anySignedSeal).map(([header, { seal, signature }]): SealedLedger => ({
    header: { ...header, kind },
    seal: { ...seal, kind },
    signature,
  }));

const provided = (kind: LedgerKind) =>
  fc.tuple(sealed(kind), fc.uint8Array({ minLength: 64, maxLength: 64 })).map(([ledger, headerSignature]) => ({
    ...ledger,
    headerSignature,
  }));

const anySeals = fc.record({
  consumption: sealed('consumption'),
  pricing: provided('pricing'),
  billing: provided('billing'),
});

describe('bulletin', () => {
  it('has one folder for an interval and one file for a directory', () => {
    assert.equal(intervalFolder({ region: 'london', startSeconds: 1_384_128_000 }), 'bulletin/london/1384128000');
    assert.equal(directoryFile('london', 3), 'bulletin/london/directory/3.json');
  });

  it('reads back seals.json at every stage', () => {
    fc.assert(
      fc.property(anySeals, ({ consumption, pricing, billing }) => {
        for (const [stage, seals] of [
          ['consumption', { consumption }],
          ['pricing', { consumption, pricing }],
          ['billing', { consumption, pricing, billing }],
        ] as const) {
          assert.deepEqual(decodeSealsFile(encodeSealsFile(seals)), seals);
          assert.equal(stageOf(seals), stage);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('refuses seals without the ones they rest on, and under another name', () => {
    const [seals] = fc.sample(anySeals, 1);
    const json = JSON.parse(new TextDecoder().decode(encodeSealsFile(seals!))) as Record<LedgerKind, JsonObject>;
    const { consumption, pricing, billing } = json;
    const refused = [
      {},
      { pricing },
      { consumption, billing },
      { pricing, billing },
      { consumption: pricing },
      { consumption, pricing: billing },
      { consumption, pricing: { ...pricing, headerSignature: 'ab' } },
      { consumption, pricing: { ...consumption, header: pricing['header']!, seal: pricing['seal']! } },
      { consumption, other: pricing },
      { consumption: { ...consumption, header: pricing['header']! } },
      { consumption: { ...consumption, extra: 1 } },
      { consumption: { ...consumption, signature: 'ab' } },
    ];
    for (const value of refused) {
      assert.throws(() => decodeSealsFile(encodeCanonical(value)), { code: 'MALFORMED' });
    }
  });

  it('reads an empty list of versions, which the rules refuse', () => {
    assert.deepEqual(decodeParametersFile(encodeParametersFile([])), []);
    assert.throws(() => decodeParametersFile(encodeCanonical({ versions: {} })), { code: 'MALFORMED' });
  });
});
