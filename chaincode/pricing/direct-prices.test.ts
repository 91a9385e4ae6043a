// SPDX-License-Identifier: Apache-2.0
import { accepted, refused, repeated, text, World } from '../test/world.js';
import assert from 'node:assert/strict';
import { concatBytes } from '../../protocol/crypto/bytes.js';
import { encodeConsumerList, signConsumerList } from '../../protocol/ledger/consumer-list.js';
import { splitRows } from '../../protocol/ledger/page.js';
import { decodeRow, type RowContent, signRow } from '../../protocol/ledger/row.js';
import { signSeal } from '../../protocol/ledger/seal.js';
import { type FakeInterval, IntervalMaker } from '../../test/support/interval.js';
import { FakeRegion } from '../../test/support/region.js';

const ROWS = Array.from({ length: 25 }, (_, row) => row % 5);

describe('price mode direct (Table 4)', () => {
  const kit = new FakeRegion({ consumers: 7, parameters: { priceMode: 'direct' } });
  let maker: IntervalMaker;
  let world: World;

  /** A sealed consumption ledger, and what the service provider signs for each consumer. */
  const sealed = async (priceOfConsumer?: (place: number, price: bigint) => bigint): Promise<FakeInterval> => {
    const interval = maker.next(ROWS, priceOfConsumer);
    await world.seal('consumption', interval);
    return interval;
  };

  const price = (interval: FakeInterval) =>
    world.query('pricing', 'GetPrice', 'london', String(interval.ledgerId.startSeconds));

  beforeEach(async () => {
    maker = new IntervalMaker(kit);
    world = new World(kit.pricePseudonymKey);
    accepted(await world.putParameters(kit.signedParameters));
    accepted(await world.putRegistryRoot(kit.registryRoot(0)));
    accepted(await world.putDirectory(kit.directory(0)));
    accepted(await world.putConsumers(kit.consumerList(0)));
  });

  it('accepts a row for each consumer, its seal and its bills, and shows the one price', async () => {
    const interval = await sealed();
    await world.seal('pricing', interval);
    await world.seal('billing', interval);
    const { priceNanoPerKilowattHour } = JSON.parse(text((await price(interval)).payload)) as Record<string, string>;
    assert.equal(priceNanoPerKilowattHour, interval.price.toString());
  });

  it('accepts more consumers than fit on a page', async () => {
    const large = new FakeRegion({ consumers: 502, parameters: { priceMode: 'direct' } });
    const other = new World(large.pricePseudonymKey);
    accepted(await other.putParameters(large.signedParameters));
    accepted(await other.putRegistryRoot(large.registryRoot(0)));
    accepted(await other.putDirectory(large.directory(0)));
    accepted(await other.putConsumers(large.consumerList(0)));
    const interval = new IntervalMaker(large).next(ROWS);
    assert.equal(interval.pricing.pages.length, 2);
    await other.complete(interval);
  });

  it('keeps a price that is not the one of the tariff: what SP signed is committed, and the bills are as they are due', async () => {
    const interval = await sealed((place, due) => (place === 3 ? due + 1_000n : due));
    await world.seal('pricing', interval);
    refused(await price(interval), 'WRONG_PRICE');
    const stands = await world.query('pricing', 'GetPageRows', 'london', String(interval.ledgerId.startSeconds), '0');
    assert.deepEqual(new Uint8Array(stands.payload), interval.pricing.rows);
    await world.seal('billing', interval);
    const next = await sealed((_, due) => due + 1_000n);
    await world.seal('pricing', next);
    const dearer = concatBytes(
      ...splitRows(next.billing.rows).map((row) =>
        signRow(kit.crypto, { ...decodeRow(row), value: decodeRow(row).value * 2n }, kit.serviceProvider),
      ),
    );
    refused(await world.putSigned(maker.signedHeader('billing', next.ledgerId, dearer)), 'WRONG_BILL');
    await world.seal('billing', next);
  });

  it('refuses a row that SP did not sign for this interval', async () => {
    const interval = await sealed();
    const { ledgerId } = interval;
    for (const [change, key, code] of [
      [{}, kit.controlCenter, 'WRONG_KEY'],
      [{ type: 2 }, kit.serviceProvider, 'WRONG_TYPE'],
      [{ timeSeconds: 0 }, kit.serviceProvider, 'WRONG_TIME'],
      [{ ledgerId: { ...ledgerId, startSeconds: kit.startOf(5) } }, kit.serviceProvider, 'WRONG_LEDGER'],
    ] as const) {
      const rows = changed(interval.pricing.rows, change, key);
      accepted(await world.putSigned(maker.signedHeader('pricing', ledgerId, rows)));
      refused(await world.putPage('pricing', { ledgerId, page: 0, rows }), code);
    }
    const forged = interval.pricing.rows.slice();
    forged[176]! ^= 1;
    accepted(await world.putSigned(maker.signedHeader('pricing', ledgerId, forged)));
    refused(await world.putPage('pricing', { ledgerId, page: 0, rows: forged }), 'BAD_SIGNATURE');
    accepted(await world.putSigned(interval.pricing));
    refused(await world.putPage('pricing', { ledgerId, page: 0, rows: forged }), 'PAGE_MISMATCH');
  });

  /** The rows with the first one changed and signed again. */
  function changed(rows: Uint8Array, change: Partial<RowContent>, key = kit.serviceProvider): Uint8Array {
    const [first, ...others] = splitRows(rows);
    return concatBytes(signRow(kit.crypto, { ...decodeRow(first!), ...change }, key), ...others);
  }

  it('refuses a row too few, a row too many, and a consumer twice', async () => {
    const interval = await sealed();
    const rows = splitRows(interval.pricing.rows);
    const header = (found: Uint8Array[]) => maker.signedHeader('pricing', interval.ledgerId, concatBytes(...found));
    refused(await world.putSigned(header(rows.slice(1))), 'HEADER_MISMATCH');
    const extra = signRow(kit.crypto, { ...decodeRow(rows[0]!), pseudonym: new Uint8Array(32) }, kit.serviceProvider);
    refused(await world.putSigned(header([extra, ...rows])), 'HEADER_MISMATCH');
    const twice = { ...interval.pricing.header, count: rows.length };
    const [entry] = twice.pages;
    refused(await world.putSigned(maker.sign({ ...twice, pages: [{ ...entry!, last: entry!.first }] })), 'PAGE_ORDER');
  });

  it('seals nothing but the list of the epoch', async () => {
    const interval = await sealed();
    await world.fill('pricing', interval);
    accepted(await world.putChoice(interval.pricing));
    const { seal } = interval.pricing.seal;
    for (const directoryDigest of [new Uint8Array(32), kit.secret('other')]) {
      refused(
        await world.putSeal(signSeal(kit.crypto, { ...seal, directoryDigest }, kit.controlCenter)),
        'SEAL_MISMATCH',
      );
    }
    accepted(await world.putSeal(interval.pricing.seal));
  });

  describe('PutConsumers', () => {
    const { list } = kit.consumerList(0);
    const signed = (change: object, key = kit.controlCenter) =>
      signConsumerList(kit.crypto, { ...list, ...change }, key);

    it('writes one list per epoch, once', async () => {
      repeated(await world.putConsumers(kit.consumerList(0)));
      refused(await world.putConsumers(signed({ consumers: list.consumers.slice(1) })), 'CONFLICT');
      const found = await world.query('consumption', 'GetConsumers', 'london', '0');
      assert.equal(text(found.payload), text(encodeConsumerList(kit.consumerList(0))));
      accepted(await world.putConsumers(kit.consumerList(1)));
    });

    it('needs a list that is valid and signed by the control center', async () => {
      const epoch = 1;
      refused(await world.putConsumers(signed({ epoch }, kit.serviceProvider)), 'BAD_SIGNATURE');
      refused(
        await world.putConsumers(signed({ epoch, serviceProviderKey: kit.secret('other') })),
        'CONSUMERS_INVALID',
      );
      const consumers = [...list.consumers].reverse();
      refused(await world.putConsumers(signed({ epoch, consumers })), 'CONSUMERS_INVALID');
      refused(await new World(kit.pricePseudonymKey).putConsumers(kit.consumerList(0)), 'NOT_FOUND');
    });

    it('is refused where there is one price for all, and prices without it where there is not', async () => {
      const one = new FakeRegion();
      const other = new World(one.pricePseudonymKey);
      accepted(await other.putParameters(one.signedParameters));
      refused(await other.putConsumers(one.consumerList(0)), 'CONSUMERS_INVALID');

      const without = new World(kit.pricePseudonymKey);
      accepted(await without.putParameters(kit.signedParameters));
      accepted(await without.putRegistryRoot(kit.registryRoot(0)));
      accepted(await without.putDirectory(kit.directory(0)));
      const interval = new IntervalMaker(kit).next(ROWS);
      await without.seal('consumption', interval);
      refused(await without.putSigned(interval.pricing), 'NOT_FOUND');
    });
  });
}).timeout(20_000);
