// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { filesOf } from '../../test/support/bulletin.js';
import { type FakeInterval, IntervalMaker } from '../../test/support/interval.js';
import { FakeRegion } from '../../test/support/region.js';
import { sodiumCrypto } from '../crypto/sodium.js';
import { consumerListDigest } from '../ledger/consumer-list.js';
import { buildHeader } from '../ledger/header.js';
import { rowAt } from '../ledger/page.js';
import { signParameters } from '../ledger/parameters-json.js';
import { decodeRow, signRow } from '../ledger/row.js';
import { meterIdentity } from '../identity/meter-identity.js';
import { checkConsumerList, checkPriceCount } from './check-consumers.js';
import { checkDirectPricePage } from './check-price.js';
import { intervalContext } from './interval-context.js';
import { auditInterval, type Depth, type IntervalTrust } from './verify-interval.js';

const crypto = sodiumCrypto;
const CONSUMERS = 7;
const kit = new FakeRegion({ meters: 6, consumers: CONSUMERS, parameters: { priceMode: 'direct' } });
const { list } = kit.consumerList(0);
const parameters = [kit.signedParameters];
const trust: IntervalTrust = {
  parameters,
  previous: 'first',
  consumers: { digest: consumerListDigest(crypto, list), count: CONSUMERS },
};
const CATEGORIES = [0, 0, 0, 0, 0, 2, 2, 2, 2, 2];

/** The first interval of the region; the service provider may sign another price for a consumer. */
function interval(priceOfConsumer?: (place: number, price: bigint) => bigint | undefined): FakeInterval {
  return new IntervalMaker(kit).next(CATEGORIES, priceOfConsumer);
}

function faultsOf(found: FakeInterval, depth: Depth, changed: Partial<IntervalTrust> = {}): string[] {
  const audit = auditInterval(crypto, found.ledgerId, filesOf(found), { ...trust, ...changed, depth });
  return audit.faults.map(({ file, code }) => `${file} ${code}`);
}

const honest = interval();
const context = intervalContext(crypto, kit.parameters, honest.ledgerId.startSeconds);

describe('direct prices (Table 4)', () => {
  it('are a row for each consumer with one price, and verified at every depth', () => {
    assert.equal(honest.pricing.header.count, CONSUMERS);
    for (const depth of ['full', 'light', 'index'] as const) {
      assert.deepEqual(faultsOf(honest, depth), []);
      const { interval: verified } = auditInterval(crypto, honest.ledgerId, filesOf(honest), { ...trust, depth });
      assert.equal(verified!.priceNanoPerKilowattHour, honest.price);
      assert.equal(verified!.billedNanoCurrency, honest.billing.header.total);
    }
  });

  it('are kept by the ledger as SP signed them, whatever the price, and by no other party', () => {
    const cheap = interval((place) => (place === 3 ? 1n : undefined));
    checkDirectPricePage(crypto, cheap.pricing.rows, context);
    const row = rowAt(honest.pricing.rows, 0);
    const resigned = (change: object, key = kit.serviceProvider) =>
      signRow(crypto, { ...decodeRow(row), ...change }, key);
    for (const [bytes, code] of [
      [resigned({}, kit.controlCenter), 'WRONG_KEY'],
      [resigned({ type: 2 }), 'WRONG_TYPE'],
      [resigned({ timeSeconds: 0 }), 'WRONG_TIME'],
      [row.with(176, row[176]! ^ 1), 'BAD_SIGNATURE'],
    ] as const) {
      assert.throws(() => checkDirectPricePage(crypto, bytes, context), { code });
    }
  });

  it('a consumer who is charged another price is found from the ledger alone, at every depth', () => {
    const dear = interval((place, price) => (place === 3 ? price + 1_000n : undefined));
    const wrongRow = 'pricing.rows WRONG_PRICE';
    assert.deepEqual(faultsOf(dear, 'full'), ['seals.json WRONG_PRICE', wrongRow]);
    assert.deepEqual(faultsOf(dear, 'light'), ['seals.json WRONG_PRICE', wrongRow]);
    assert.deepEqual(faultsOf(dear, 'index'), ['seals.json WRONG_PRICE']);
    const all = interval((_, price) => price + 1_000n);
    assert.equal(faultsOf(all, 'full').length, 1 + CONSUMERS);
  });

  it('a price row too few or too many, and another list than the sealed one, are found', () => {
    const { digest } = trust.consumers!;
    for (const count of [CONSUMERS - 1, CONSUMERS + 1]) {
      assert.deepEqual(faultsOf(honest, 'full', { consumers: { digest, count } }), ['seals.json HEADER_MISMATCH']);
      assert.throws(() => checkPriceCount(honest.pricing.header, count), { code: 'HEADER_MISMATCH' });
    }
    const other = { digest: new Uint8Array(32), count: CONSUMERS };
    assert.deepEqual(faultsOf(honest, 'full', { consumers: other }), ['seals.json SEAL_MISMATCH']);
    const withoutList = { parameters, previous: 'first' } as const;
    assert.deepEqual(
      auditInterval(crypto, honest.ledgerId, filesOf(honest), { ...withoutList, depth: 'full' }).faults,
      [],
    );
  });

  it('a page may have no rows when there are no consumers', () => {
    const empty = new FakeRegion({ meters: 6, consumers: 0, parameters: { priceMode: 'direct' } });
    const made = new IntervalMaker(empty).next(CATEGORIES);
    const digest = consumerListDigest(crypto, empty.consumerList(0).list);
    const found = { parameters: [empty.signedParameters], previous: 'first', consumers: { digest, count: 0 } } as const;
    const audit = auditInterval(crypto, made.ledgerId, filesOf(made), { ...found, depth: 'full' });
    assert.deepEqual(audit.faults, []);
    assert.equal(audit.interval!.priceNanoPerKilowattHour, made.price);
  });

  it('a sixth price in one interval fits no header', () => {
    const rows = interval((place) => BigInt(1_000 * place)).pricing.rows;
    const { parametersVersion, registryEpoch } = honest.pricing.header;
    const about = { kind: 'pricing', ledgerId: honest.ledgerId, parametersVersion, registryEpoch } as const;
    const header = buildHeader(crypto, about, rows);
    const seals = { ...honest, pricing: { ...honest.pricing, header } };
    assert.deepEqual(faultsOf(seals, 'full'), ['seals.json LIMIT_EXCEEDED']);
  });
});

describe('consumer list of an epoch', () => {
  const signed = kit.consumerList(0);
  const other = (change: object) => {
    const changed = { ...list, ...change };
    return { ...signed, list: changed };
  };

  it('names the consumers of its region and epoch and the key behind ID_SP', () => {
    checkConsumerList(crypto, signed, 0, kit.parameters);
    const invalid = { code: 'CONSUMERS_INVALID' };
    const check =
      (found: typeof signed, epoch = 0) =>
      () =>
        checkConsumerList(crypto, found, epoch, kit.parameters);
    assert.throws(check(signed, 1), invalid);
    assert.throws(check(other({ region: 'paris' })), invalid);
    assert.throws(check(other({ serviceProviderKey: kit.secret('another') })), invalid);
    assert.throws(check(other({ consumers: [...list.consumers].reverse() })), invalid);
    assert.throws(check(other({ consumers: [list.consumers[0]!, list.consumers[0]!] })), invalid);
    assert.throws(check(other({ consumers: [new Uint8Array(32).fill(0xff)] })), { code: 'NON_CANONICAL' });
    assert.throws(check(other({ consumers: list.consumers.slice(1) })), { code: 'BAD_SIGNATURE' });
    const zero = new Uint8Array(32);
    assert.throws(check(other({ consumers: [zero] })), { code: 'ZERO_SHARED_SECRET' });
    const { serviceProvider } = kit.parameters;
    const smallOrder = {
      ...kit.parameters,
      serviceProvider: { ...serviceProvider, identity: meterIdentity(crypto, zero) },
    };
    assert.throws(() => checkConsumerList(crypto, other({ serviceProviderKey: zero }), 0, smallOrder), {
      code: 'ZERO_SHARED_SECRET',
    });
  });

  it('does not exist where there is one price for all', () => {
    const one = signParameters(crypto, { ...kit.parameters, priceMode: 'ledger' }, kit.controlCenter).parameters;
    assert.throws(() => checkConsumerList(crypto, signed, 0, one), { code: 'CONSUMERS_INVALID' });
  });
});
