// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { BACK_ENDS } from '../../test/support/frozen-vectors.js';
import { FakeRegion } from '../../test/support/region.js';
import { sodiumCrypto } from '../crypto/sodium.js';
import { decodeParametersFile, encodeParametersFile } from '../ledger/bulletin.js';
import { fingerprint, type Parameters } from '../ledger/parameters.js';
import { parametersDigest, signParameters } from '../ledger/parameters-json.js';
import { type RegistryRoot, signRegistryRoot } from '../ledger/registry-root.js';
import { signTariff } from '../tariff/tariff.js';
import { checkParameters, checkRegistryRoot, verifyParametersList } from './check-parameters.js';

const kit = new FakeRegion({ meters: 3 });
const first = kit.parameters;
const nextKey = kit.signingKey('next control center');

const second: Parameters = {
  ...first,
  version: 2,
  effectiveFromSeconds: kit.startOf(48),
  controlCenter: { ...first.controlCenter, signaturePublicKey: nextKey.publicKey },
  previous: parametersDigest(sodiumCrypto, first),
};
const third: Parameters = {
  ...second,
  version: 3,
  kAnonymity: 10,
  effectiveFromSeconds: kit.startOf(96),
  previous: parametersDigest(sodiumCrypto, second),
};
const list = [kit.signedParameters, kit.signParameters(second), signParameters(sodiumCrypto, third, nextKey)];

function refused(change: Partial<Parameters>, code: string): void {
  assert.throws(() => checkParameters(sodiumCrypto, kit.signParameters({ ...first, ...change })), { code });
}

describe('version of the parameters', () => {
  it('passes alone and as a successor', () => {
    checkParameters(sodiumCrypto, kit.signedParameters);
    checkParameters(sodiumCrypto, list[1]!, first);
  });

  it('has intervals of whole slots, epochs of whole intervals, and begins with an interval', () => {
    refused({ slotSeconds: 301 }, 'PARAMETERS_INVALID');
    refused({ epochSeconds: 86_401 }, 'PARAMETERS_INVALID');
    refused({ effectiveFromSeconds: first.effectiveFromSeconds + 60 }, 'PARAMETERS_INVALID');
    refused({ effectiveFromSeconds: first.epochOriginSeconds - 1_800 }, 'PARAMETERS_INVALID');
    refused({ effectiveFromSeconds: first.epochOriginSeconds + 65_536 * 86_400 }, 'EPOCH_RANGE');
  });

  it('lets no meter send more than its rows and its one-time keys', () => {
    refused({ rowsPerPacket: 7 }, 'PARAMETERS_INVALID');
    refused({ epochSeconds: 3_641 * 1_800 }, 'PARAMETERS_INVALID');
    checkParameters(sodiumCrypto, kit.signParameters({ ...first, epochSeconds: 3_640 * 1_800 }));
    const one = { ...first, slotSeconds: 1_800, rowsPerPacket: 1, epochSeconds: 65_535 * 1_800 };
    checkParameters(sodiumCrypto, kit.signParameters(one));
    const forty = { ...first, slotSeconds: 90, rowsPerPacket: 2 };
    checkParameters(sodiumCrypto, kit.signParameters(forty));
  });

  it('lets every packet of a window arrive before the close', () => {
    refused({ onion: { ...first.onion, offsetWindowSeconds: 301 } }, 'PARAMETERS_INVALID');
    checkParameters(
      sodiumCrypto,
      kit.signParameters({ ...first, onion: { ...first.onion, offsetWindowSeconds: 300 } }),
    );
    refused({ onion: { ...first.onion, layers: 8, meanDelayMilliseconds: 10_001 } }, 'PARAMETERS_INVALID');
    checkParameters(
      sodiumCrypto,
      kit.signParameters({ ...first, onion: { ...first.onion, layers: 8, meanDelayMilliseconds: 10_000 } }),
    );
  });

  it('has five categories', () => {
    refused({ categoriesMilliWattHours: [1_000n, 2_000n, 3_000n, 4_000n] }, 'BAD_CATEGORY');
    refused({ categoriesMilliWattHours: [1_000n, 2_000n, 3_000n, 4_000n, 4_500n] }, 'BAD_CATEGORY');
  });

  it('names two organisations and two sound keys', () => {
    const { controlCenter, serviceProvider } = first;
    refused({ serviceProvider: { ...serviceProvider, mspId: controlCenter.mspId } }, 'PARAMETERS_INVALID');
    const { signaturePublicKey } = controlCenter;
    refused({ serviceProvider: { ...serviceProvider, signaturePublicKey } }, 'PARAMETERS_INVALID');
    const neutral = new Uint8Array(32).with(0, 1);
    refused({ controlCenter: { ...controlCenter, signaturePublicKey: neutral } }, 'PARAMETERS_INVALID');
    const secondSpelling = controlCenter.publicKey.with(31, controlCenter.publicKey[31]! | 0x80);
    for (const publicKey of [new Uint8Array(32), neutral, secondSpelling]) {
      refused({ controlCenter: { ...controlCenter, publicKey } }, 'PARAMETERS_INVALID');
    }
  });

  it('has a tariff that SP signed for this region', () => {
    const tariff = { points: [{ perMeterMilliWattHours: 0n, priceNanoPerKilowattHour: 0n }] };
    refused({ tariff }, 'BAD_SIGNATURE');
    refused({ tariffSignature: signTariff(sodiumCrypto, 'paris', first.tariff, kit.serviceProvider) }, 'BAD_SIGNATURE');
    refused({ tariffSignature: signTariff(sodiumCrypto, 'london', first.tariff, kit.controlCenter) }, 'BAD_SIGNATURE');
    const tariffSignature = signTariff(sodiumCrypto, 'london', tariff, kit.serviceProvider);
    checkParameters(sodiumCrypto, kit.signParameters({ ...first, tariff, tariffSignature }));
  });

  it('is signed by CC: version 1 by its own key, the next by the key before', () => {
    const stranger = kit.signingKey('stranger');
    assert.throws(() => checkParameters(sodiumCrypto, signParameters(sodiumCrypto, first, stranger)), {
      code: 'BAD_SIGNATURE',
    });
    assert.throws(() => checkParameters(sodiumCrypto, signParameters(sodiumCrypto, second, nextKey), first), {
      code: 'BAD_SIGNATURE',
    });
  });

  it('follows the version before and keeps what is fixed', () => {
    const successor = (change: Partial<Parameters>) => () =>
      checkParameters(sodiumCrypto, kit.signParameters({ ...second, ...change }), first);
    for (const change of [
      { version: 3 },
      { version: 1 },
      { previous: new Uint8Array(32) },
      { effectiveFromSeconds: first.effectiveFromSeconds },
      { intervalSeconds: 900 },
      { epochOriginSeconds: first.epochOriginSeconds - 86_400 },
      { epochSeconds: 2 * 86_400 },
      { demo: false },
      { controlCenter: { ...second.controlCenter, publicKey: new Uint8Array(32).fill(9) } },
    ]) {
      assert.throws(successor(change), { code: 'PARAMETERS_CHAIN' }, Object.keys(change)[0]);
    }
    const paris = signTariff(sodiumCrypto, 'paris', first.tariff, kit.serviceProvider);
    assert.throws(successor({ region: 'paris', tariffSignature: paris }), { code: 'PARAMETERS_CHAIN' });
    refused({ version: 2 }, 'PARAMETERS_CHAIN');
    refused({ previous: new Uint8Array(32).with(0, 1) }, 'PARAMETERS_CHAIN');
  });
});

describe('list of versions', () => {
  const trusted = fingerprint(sodiumCrypto, kit.controlCenter.publicKey);

  for (const crypto of BACK_ENDS) {
    it(`passes and names the key it rests on (${crypto.name})`, () => {
      assert.equal(verifyParametersList(crypto, list), trusted);
      assert.equal(verifyParametersList(crypto, list, trusted), trusted);
    });
  }

  it('shows a change of any byte of parameters.json', function () {
    this.timeout(60_000);
    const bytes = encodeParametersFile(list);
    // Every third byte: all fields of all versions, in a third of the time.
    for (let i = 0; i < bytes.length; i += 3) {
      const changed = bytes.with(i, bytes[i]! ^ (1 << (i % 8)));
      assert.throws(() => verifyParametersList(sodiumCrypto, decodeParametersFile(changed), trusted), `byte ${i}`);
    }
  });

  it('is refused empty, with another key, with a gap, or turned', () => {
    assert.throws(() => verifyParametersList(sodiumCrypto, []), { code: 'PARAMETERS_INVALID' });
    assert.throws(() => verifyParametersList(sodiumCrypto, list, '00'.repeat(32)), { code: 'WRONG_KEY' });
    for (const bad of [list.slice(1), [list[0]!, list[2]!], [list[1]!, list[0]!], [list[0]!, list[0]!]]) {
      assert.throws(() => verifyParametersList(sodiumCrypto, bad), { code: 'PARAMETERS_CHAIN' });
    }
  });
});

describe('registry root of an epoch', () => {
  const signed = kit.registryRoot(1);
  const resigned = (change: Partial<RegistryRoot>) =>
    signRegistryRoot(sodiumCrypto, { ...signed.registryRoot, ...change }, kit.controlCenter);

  it('passes from the start of its epoch', () => checkRegistryRoot(sodiumCrypto, signed, first));

  it("is refused for another region, time, depth, too many meters, or without CC's signature", () => {
    for (const change of [
      { region: 'paris' },
      { epoch: 2 },
      { effectiveFromSeconds: signed.registryRoot.effectiveFromSeconds + 1 },
      { depth: 12 },
    ]) {
      assert.throws(() => checkRegistryRoot(sodiumCrypto, resigned(change), first), { code: 'REGISTRY_INVALID' });
    }
    const full = { ...first, registryDepth: 2 };
    checkRegistryRoot(sodiumCrypto, resigned({ depth: 2, meters: 4 }), full);
    const shallow = { ...first, registryDepth: 1 };
    assert.throws(() => checkRegistryRoot(sodiumCrypto, resigned({ depth: 1 }), shallow), { code: 'REGISTRY_INVALID' });
    const forged = signRegistryRoot(sodiumCrypto, signed.registryRoot, kit.serviceProvider);
    assert.throws(() => checkRegistryRoot(sodiumCrypto, forged, first), { code: 'BAD_SIGNATURE' });
  });
});
