// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromHex } from '../../protocol/crypto/bytes.js';
import type { Crypto } from '../../protocol/crypto/crypto.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { directoryFile, encodeSealsFile, intervalFolder, SEALS_FILE } from '../../protocol/ledger/bulletin.js';
import { signSeal } from '../../protocol/ledger/seal.js';
import { encodeSignedDirectory, signDirectory, type SignedDescriptor } from '../../protocol/onion/directory-format.js';
import { auditBulletin } from '../../client-apps/bulletin/audit.js';
import { bulletinOf, sealsOf, writeFiles } from '../support/bulletin.js';
import { IntervalMaker } from '../support/interval.js';
import { FakeRegion, type RegionOptions } from '../support/region.js';

const SMALL_ORDER = new Uint8Array(32).fill(1, 0, 1);
/** p + 9, a second spelling of the base point. */
const SECOND_SPELLING = fromHex(`f6${'ff'.repeat(30)}7f`);
/** The base point of Ed25519 plus a point of order 8. */
const MIXED_ORDER = fromHex('da99e28ba529cdde35a25fba9059e78ecaee239f99755b9b1aa4f65df00803e2');
/** One in eight signatures under a key of mixed order verifies, and its owner tries until one does. */
const LUCKY: Crypto = { ...sodiumCrypto, ed25519Verify: () => true };

/** What an audit finds in a bulletin that the control center has signed, whatever is in it. */
async function found(files: ReadonlyMap<string, Uint8Array>, crypto: Crypto = sodiumCrypto): Promise<string[]> {
  const root = await mkdtemp(join(tmpdir(), 'gridveil-keys-'));
  try {
    await writeFiles(root, files);
    return (await auditBulletin(crypto, root)).faults.map(({ file, code }) => `${file} ${code}`);
  } finally {
    await rm(root, { recursive: true });
  }
}

function parameters(key: (kit: FakeRegion) => RegionOptions['parameters']): Map<string, Uint8Array> {
  return bulletinOf(new FakeRegion({ parameters: { ...key(new FakeRegion()) } }), []);
}

/** The directory of an epoch with other relays, signed anew. */
function directory(change: (relays: readonly SignedDescriptor[]) => readonly SignedDescriptor[]) {
  const kit = new FakeRegion();
  const signed = kit.directory(0).directory;
  const other = signDirectory(sodiumCrypto, { ...signed, relays: [...change(signed.relays)] }, kit.controlCenter);
  return bulletinOf(kit, [new IntervalMaker(kit).next([])]).set(
    directoryFile('london', 0),
    encodeSignedDirectory(other),
  );
}

function seal(registeredMeters: number): Map<string, Uint8Array> {
  const kit = new FakeRegion({ meters: 8, parameters: { registryDepth: 3 } });
  const interval = new IntervalMaker(kit).next([]);
  const { consumption } = sealsOf(interval);
  const signed = signSeal(sodiumCrypto, { ...consumption.seal, registeredMeters }, kit.controlCenter);
  const seals = encodeSealsFile({ consumption: { ...consumption, ...signed } });
  return bulletinOf(kit, [interval]).set(`${intervalFolder(interval.ledgerId)}/${SEALS_FILE}`, seals);
}

const consumers = (key: Uint8Array): Map<string, Uint8Array> =>
  bulletinOf(new FakeRegion({ consumerKeys: [key], parameters: { priceMode: 'direct' } }), []);

const withPublicKey = (publicKey: Uint8Array): Map<string, Uint8Array> =>
  parameters(({ parameters: { controlCenter } }) => ({ controlCenter: { ...controlCenter, publicKey } }));

const CASES: readonly [string, () => Map<string, Uint8Array>, fault: string, crypto?: Crypto][] = [
  [
    'a consumer’s key of small order',
    () => consumers(SMALL_ORDER),
    'bulletin/london/consumers/0.json ZERO_SHARED_SECRET',
  ],
  [
    'a consumer’s key in a second spelling',
    () => consumers(SECOND_SPELLING),
    'bulletin/london/consumers/0.json NON_CANONICAL',
  ],
  ['a pk_CC of small order', () => withPublicKey(SMALL_ORDER), 'parameters.json PARAMETERS_INVALID'],
  ['a pk_CC in a second spelling', () => withPublicKey(SECOND_SPELLING), 'parameters.json PARAMETERS_INVALID'],
  [
    'a relay’s identity of mixed order',
    () =>
      directory(([first, ...others]) => [
        { ...first!, descriptor: { ...first!.descriptor, identity: MIXED_ORDER } },
        ...others,
      ]),
    'bulletin/london/directory/0.json BAD_POINT',
    LUCKY,
  ],
  [
    'three relays where four are due',
    () => directory((relays) => relays.slice(1)),
    'bulletin/london/directory/0.json DIRECTORY_INVALID',
  ],
  [
    'more registered meters than the registry has leaves',
    () => seal(9),
    'bulletin/london/1384128000/seals.json REGISTRY_INVALID',
  ],
];

describe('attack: a control center that signs keys and numbers that are not right', () => {
  for (const [what, files, fault, crypto] of CASES) {
    it(`an audit names ${what}`, async () => {
      const faults = await found(files(), crypto);
      assert.ok(faults.includes(fault), faults.join('\n'));
    });
  }
});
