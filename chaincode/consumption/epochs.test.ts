// SPDX-License-Identifier: Apache-2.0
import { accepted, refused, repeated, text, World } from '../test/world.js';
import assert from 'node:assert/strict';
import { encodeRegistryRoot, signRegistryRoot, type RegistryRoot } from '../../protocol/ledger/registry-root.js';
import { encodeSignedDirectory, signDirectory } from '../../protocol/onion/directory-format.js';
import { FakeRegion } from '../../test/support/region.js';

describe('what is committed once per epoch', () => {
  const kit = new FakeRegion();
  let world: World;

  beforeEach(async () => {
    world = new World(kit.pricePseudonymKey);
    accepted(await world.putParameters(kit.signedParameters));
  });

  describe('PutRegistryRoot', () => {
    const changed = (epoch: number, changes: Partial<RegistryRoot>, key = kit.controlCenter) =>
      signRegistryRoot(kit.crypto, { ...kit.registryRoot(epoch).registryRoot, ...changes }, key);

    it('writes one root per epoch, once', async () => {
      accepted(await world.putRegistryRoot(kit.registryRoot(0)));
      repeated(await world.putRegistryRoot(kit.registryRoot(0)));
      refused(await world.putRegistryRoot(changed(0, { root: kit.secret('other') })), 'CONFLICT');
      const found = await world.query('consumption', 'GetRegistryRoot', 'london', '0');
      assert.equal(text(found.payload), text(encodeRegistryRoot(kit.registryRoot(0))));
    });

    it('begins with any epoch and leaves none out', async () => {
      accepted(await world.putRegistryRoot(kit.registryRoot(3)));
      refused(await world.putRegistryRoot(kit.registryRoot(2)), 'REGISTRY_INVALID');
      refused(await world.putRegistryRoot(kit.registryRoot(5)), 'REGISTRY_INVALID');
      accepted(await world.putRegistryRoot(kit.registryRoot(4)));
      accepted(await world.putRegistryRoot(kit.registryRoot(5)));
    });

    it('wants what the parameters say', async () => {
      const effectiveFromSeconds = kit.startOf(1);
      refused(await world.putRegistryRoot(changed(0, { effectiveFromSeconds })), 'REGISTRY_INVALID');
      refused(await world.putRegistryRoot(changed(0, { depth: 5 })), 'REGISTRY_INVALID');
      refused(await world.putRegistryRoot(changed(0, {}, kit.serviceProvider)), 'BAD_SIGNATURE');
      refused(await new World(kit.pricePseudonymKey).putRegistryRoot(kit.registryRoot(0)), 'NOT_FOUND');
    });

    it('serves a region that begins in the middle of an epoch', async () => {
      const late = new FakeRegion({ parameters: { effectiveFromSeconds: kit.startOf(7) } });
      const other = new World(late.pricePseudonymKey);
      accepted(await other.putParameters(late.signedParameters));
      accepted(await other.putRegistryRoot(late.registryRoot(0)));
      accepted(await other.putDirectory(late.directory(0)));
    });
  });

  describe('PutDirectory', () => {
    it('writes one directory per epoch, once', async () => {
      accepted(await world.putDirectory(kit.directory(0)));
      repeated(await world.putDirectory(kit.directory(0)));
      const { directory } = kit.directory(0);
      const other = { ...directory, linkAuthority: new Uint8Array(91).fill(2) };
      refused(await world.putDirectory(signDirectory(kit.crypto, other, kit.controlCenter)), 'CONFLICT');
      const found = await world.query('consumption', 'GetDirectory', 'london', '0');
      assert.equal(text(found.payload), text(encodeSignedDirectory(kit.directory(0))));
    });

    it('needs a directory that is valid and signed by the control center', async () => {
      const { directory } = kit.directory(0);
      refused(await world.putDirectory(signDirectory(kit.crypto, directory, kit.serviceProvider)), 'BAD_SIGNATURE');
      const thin = { ...directory, relays: directory.relays.slice(1) };
      refused(await world.putDirectory(signDirectory(kit.crypto, thin, kit.controlCenter)), 'DIRECTORY_INVALID');
      refused(await new World(kit.pricePseudonymKey).putDirectory(kit.directory(0)), 'NOT_FOUND');
    });
  });
});
