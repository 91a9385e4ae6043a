// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { BACK_ENDS } from '../../test/support/frozen-vectors.js';
import { IntervalMaker } from '../../test/support/interval.js';
import { FakeRegion } from '../../test/support/region.js';
import { sodiumCrypto } from '../crypto/sodium.js';
import { NO_DIGEST } from '../ledger/document.js';
import { type Seal, signSeal } from '../ledger/seal.js';
import { chainSeal, checkSeal, consumptionSealContent, followingSealContent } from './check-seal.js';
import { intervalContext } from './interval-context.js';

const kit = new FakeRegion({ meters: 6 });
const maker = new IntervalMaker(kit);
const [first, second] = [maker.next([0, 0, 0, 0, 0]), maker.next([])];
const context = intervalContext(sodiumCrypto, kit.parameters, second.ledgerId.startSeconds);
const previous = first.consumption.seal.seal;
const signed = second.consumption.seal;
const content = consumptionSealContent(sodiumCrypto, context, second.consumption.header, signed.seal);

const resigned = (change: Partial<Seal>) => signSeal(sodiumCrypto, { ...signed.seal, ...change }, kit.controlCenter);

describe('seal of a ledger', () => {
  for (const crypto of BACK_ENDS) {
    it(`says what the checker computed and follows the one before (${crypto.name})`, () => {
      checkSeal(crypto, signed, content, previous, context);
      checkSeal(crypto, signed, content, 'unknown', context);
      const pricing = followingSealContent(crypto, context, { signed: second.pricing, basis: signed.seal });
      checkSeal(crypto, second.pricing.seal, pricing, first.pricing.seal.seal, context);
      const billing = followingSealContent(crypto, context, {
        signed: second.billing,
        basis: second.pricing.seal.seal,
      });
      checkSeal(crypto, second.billing.seal, billing, first.billing.seal.seal, context);
    });
  }

  it('is refused with any other field, also when CC signed it', () => {
    const zeros = new Uint8Array(32);
    const changes: Partial<Seal>[] = [
      { kind: 'pricing' },
      { ledgerId: first.ledgerId },
      { headerDigest: zeros },
      { count: 1 },
      { total: 1n },
      { histogram: [{ value: 1n, count: 1 }] },
      { parametersVersion: 2 },
      { parametersDigest: zeros },
      { registryEpoch: 1 },
      { registryRoot: zeros },
      { registeredMeters: 7 },
      { directoryDigest: zeros },
      { indexDigest: zeros },
      { basis: zeros.with(0, 1) },
      { closeSeconds: context.closeSeconds + 1 },
    ];
    for (const change of changes) {
      const [field] = Object.keys(change);
      assert.throws(() => checkSeal(sodiumCrypto, resigned(change), content, previous, context), {
        code: 'SEAL_MISMATCH',
        message: `seal has another ${field}`,
      });
    }
    const unchained = resigned({ previous: NO_DIGEST });
    assert.throws(() => checkSeal(sodiumCrypto, unchained, content, previous, context), { code: 'SEAL_CHAIN' });
    checkSeal(sodiumCrypto, unchained, content, undefined, context);
  });

  it('is signed by CC', () => {
    const forged = signSeal(sodiumCrypto, signed.seal, kit.serviceProvider);
    assert.throws(() => checkSeal(sodiumCrypto, forged, content, previous, context), { code: 'BAD_SIGNATURE' });
    assert.throws(() => checkSeal(sodiumCrypto, forged, content, 'unknown', context), { code: 'BAD_SIGNATURE' });
  });
});

describe('chain of seals', () => {
  const refused = (before: Seal) =>
    assert.throws(() => chainSeal(sodiumCrypto, content, before, context), { code: 'SEAL_CHAIN' });

  it('begins with zeros', () => {
    assert.deepEqual(first.consumption.seal.seal.previous, NO_DIGEST);
    assert.deepEqual(chainSeal(sodiumCrypto, content, undefined, context).previous, NO_DIGEST);
  });

  it('has no gap, no repetition, one region and one kind', () => {
    refused(signed.seal);
    refused({ ...previous, ledgerId: { ...previous.ledgerId, startSeconds: kit.startOf(0) - 1_800 } });
    refused({ ...previous, ledgerId: { ...previous.ledgerId, region: 'paris' } });
    refused(first.pricing.seal.seal);
  });

  it('keeps registry and directory within an epoch, and may change them with it', () => {
    const changes = [{ registryRoot: NO_DIGEST }, { registeredMeters: 5 }, { directoryDigest: NO_DIGEST }];
    for (const change of changes) {
      refused({ ...previous, ...change });
      assert.doesNotThrow(() =>
        chainSeal(sodiumCrypto, { ...content, registryEpoch: 1 }, { ...previous, ...change }, context),
      );
    }
  });
});
