// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { MemoryBulletin } from '../../test/support/memory-bulletin.js';
import { FakeRegion } from '../../test/support/region.js';
import { fingerprint } from '../../protocol/ledger/parameters.js';
import { ClientError } from '../runtime/errors.js';
import { Mirrors } from './mirrors.js';
import { TrustedBulletin } from './trusted-bulletin.js';

describe('client-apps/bulletin: mirrors', () => {
  const kit = new FakeRegion();
  const anchor = fingerprint(kit.crypto, kit.controlCenter.publicKey);
  let bulletins: MemoryBulletin[];
  let trusted: TrustedBulletin;

  beforeEach(() => {
    bulletins = [0, 1, 2].map(() => {
      const bulletin = new MemoryBulletin(kit);
      bulletin.publishDirectory(0);
      return bulletin;
    });
    trusted = new TrustedBulletin(kit.crypto, new Mirrors(bulletins), kit.region, anchor);
  });
  const broken = (code: 'UNREACHABLE' | 'WRONG_PIN' | 'BAD_ANSWER') => () =>
    Promise.reject(new ClientError(code, 'broken'));

  it('are read in turn: the next one when one fails or has not got the file, and it stays', async () => {
    const [first, second, third] = bulletins as [MemoryBulletin, MemoryBulletin, MemoryBulletin];
    first.readParameters = broken('UNREACHABLE');
    second.readParameters = broken('BAD_ANSWER');
    await trusted.refresh();
    assert.equal(trusted.versions.length, 1);
    third.files.delete('directory/0');
    second.readDirectory = broken('BAD_ANSWER');
    assert.equal((await trusted.directory(0))?.epoch, 0);
    assert.equal(await trusted.directory(1), undefined, 'none has it');
    third.readParameters = broken('WRONG_PIN');
    await assert.rejects(trusted.refresh(), { name: 'ClientError' }, 'all fail');
  });

  it('are no more than a failure of their own when they publish forgeries', async () => {
    const [first, second] = bulletins as [MemoryBulletin, MemoryBulletin];
    first.files.set('parameters.json', new TextEncoder().encode('[]'));
    second.files.set('directory/0', new TextEncoder().encode('{}'));
    await trusted.refresh();
    assert.equal((await trusted.directory(0))?.epoch, 0);
    bulletins[2]!.files.set('parameters.json', new TextEncoder().encode('[]'));
    second.files.set('parameters.json', new TextEncoder().encode('[]'));
    await assert.rejects(trusted.refresh(), { code: 'VERIFICATION_FAILED' }, 'all lie');
  });
});
