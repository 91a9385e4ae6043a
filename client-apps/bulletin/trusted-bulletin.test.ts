// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { encodeParametersFile } from '../../protocol/ledger/bulletin.js';
import { fingerprint } from '../../protocol/ledger/parameters.js';
import { parametersDigest } from '../../protocol/ledger/parameters-json.js';
import { encodeSignedDirectory, signDirectory } from '../../protocol/onion/directory-format.js';
import { MemoryBulletin } from '../../test/support/memory-bulletin.js';
import { FakeRegion } from '../../test/support/region.js';
import { SteppedClock } from '../runtime/clock.js';
import { MemoBulletin } from './memo-bulletin.js';
import { TrustedBulletin } from './trusted-bulletin.js';

describe('TrustedBulletin', () => {
  const kit = new FakeRegion();
  const anchor = fingerprint(kit.crypto, kit.controlCenter.publicKey);
  const second = kit.signParameters({
    ...kit.parameters,
    version: 2,
    effectiveFromSeconds: kit.startOf(4),
    previous: parametersDigest(kit.crypto, kit.parameters),
  });
  let source: MemoryBulletin;
  let bulletin: TrustedBulletin;
  beforeEach(() => {
    source = new MemoryBulletin(kit);
    bulletin = new TrustedBulletin(kit.crypto, source, kit.region, anchor);
  });

  it('accepts the parameters of its anchor, and of no other key or region', async () => {
    assert.equal((await bulletin.refresh()).length, 1);
    const stranger = new TrustedBulletin(
      kit.crypto,
      source,
      kit.region,
      anchor.replace(/^./, (c) => (c === '0' ? '1' : '0')),
    );
    await assert.rejects(stranger.refresh(), { code: 'VERIFICATION_FAILED', message: /WRONG_KEY/ });
    const elsewhere = new TrustedBulletin(kit.crypto, source, 'paris', anchor);
    await assert.rejects(elsewhere.refresh(), {
      code: 'VERIFICATION_FAILED',
      message: /expected region paris, got london/,
    });
    const trusting = new TrustedBulletin(kit.crypto, source, kit.region, undefined);
    await trusting.refresh();
    assert.equal(trusting.trustAnchor, anchor);
  });

  it('follows new versions and refuses a list from which one is gone', async () => {
    await bulletin.refresh();
    const [first] = bulletin.versions;
    source.files.set('parameters.json', encodeParametersFile([first!, second]));
    assert.equal((await bulletin.refresh()).length, 2);
    source.files.set('parameters.json', encodeParametersFile([first!]));
    await assert.rejects(bulletin.refresh(), { code: 'VERIFICATION_FAILED', message: /PARAMETERS_CHAIN/ });
    assert.equal(bulletin.versions.length, 2, 'what was known stays');
    source.files.delete('parameters.json');
    await assert.rejects(bulletin.refresh(), { code: 'UNREACHABLE' });
  });

  it('accepts a directory of the control center for the epoch, and no other', async () => {
    await bulletin.refresh();
    assert.equal(await bulletin.directory(0), undefined);
    const right = kit.directory(0);
    const forged = signDirectory(kit.crypto, right.directory, kit.signingKey('somebody else'));
    source.files.set('directory/0', encodeSignedDirectory(forged));
    await assert.rejects(bulletin.directory(0), { code: 'VERIFICATION_FAILED', message: /BAD_SIGNATURE/ });
    source.files.set('directory/0', encodeSignedDirectory(kit.directory(1)));
    await assert.rejects(bulletin.directory(0), { code: 'VERIFICATION_FAILED', message: /DIRECTORY_INVALID/ });
    source.publishDirectory(0);
    assert.equal((await bulletin.directory(0))?.epoch, 0);
  });

  const forked = (): Uint8Array => {
    const { directory } = kit.directory(0);
    const other = { ...directory, linkAuthority: new Uint8Array(91).fill(2) };
    return encodeSignedDirectory(signDirectory(kit.crypto, other, kit.controlCenter));
  };

  it('continues with the directories of its epochs while the bulletin is unreachable, and with none for another epoch', async () => {
    await bulletin.refresh();
    for (const epoch of [0, 1]) {
      source.publishDirectory(epoch);
    }
    for (const epoch of [0, 1]) {
      await bulletin.directory(epoch);
    }
    source.unreachable = true;
    for (const epoch of [0, 1, 0]) {
      assert.equal((await bulletin.directory(epoch))?.epoch, epoch);
    }
    await assert.rejects(bulletin.directory(2), { code: 'UNREACHABLE' });
  });

  it('refuses a directory that is not the one the seals of its epoch bind, also when it is in use', async () => {
    await bulletin.refresh();
    source.files.set('directory/0', forked());
    assert.notEqual(await bulletin.directory(0), undefined, 'nothing shows yet that it is a fork');
    source.seal(kit.startOf(0), [], 'consumption');
    const refused = { code: 'VERIFICATION_FAILED', message: /DIRECTORY_INVALID.*seals of its epoch/ };
    await assert.rejects(bulletin.sealedIndex(kit.startOf(0), undefined), refused);
    await assert.rejects(bulletin.directory(0), refused, 'it is not used any more');
    source.publishDirectory(0);
    assert.notEqual(await bulletin.sealedIndex(kit.startOf(0), undefined), undefined);
    assert.deepEqual(await bulletin.directory(0), kit.directory(0).directory);
  });

  it('keeps its directory when the seal that speaks against it is not the control center’s', async () => {
    await bulletin.refresh();
    source.publishDirectory(0);
    await bulletin.directory(0);
    source.seal(kit.startOf(0), [], 'consumption');
    const name = `${kit.startOf(0)}/seals.json`;
    const text = new TextDecoder().decode(source.files.get(name));
    const forged = text.replace(
      /("directoryDigest":")./,
      (_, start: string) => `${start}${text.includes(`${start}0`) ? 1 : 0}`,
    );
    source.files.set(name, new TextEncoder().encode(forged));
    await assert.rejects(bulletin.sealedIndex(kit.startOf(0), undefined), { message: /BAD_SIGNATURE/ });
    source.unreachable = true;
    assert.deepEqual(await bulletin.directory(0), kit.directory(0).directory);
  });
});

describe('MemoBulletin', () => {
  it('shares an answer for ten seconds, and no failure', async () => {
    const kit = new FakeRegion();
    const source = new MemoryBulletin(kit);
    const clock = new SteppedClock(0);
    const memo = new MemoBulletin(source, clock);
    source.unreachable = true;
    await assert.rejects(memo.readParameters());
    source.unreachable = false;
    const bytes = await memo.readParameters();
    assert.ok(bytes !== undefined);
    source.files.delete('parameters.json');
    clock.advance(9_999);
    assert.equal(await memo.readParameters(), bytes);
    clock.advance(10_000);
    assert.equal(await memo.readParameters(), undefined);
  });
});
