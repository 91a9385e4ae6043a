// SPDX-License-Identifier: Apache-2.0
import { accepted, pageArgs, refused, repeated, text, World } from '../test/world.js';
import assert from 'node:assert/strict';
import type { RowContent } from '../../protocol/ledger/row.js';
import { decodeRow, ROW_TYPE, signRow } from '../../protocol/ledger/row.js';
import { type Seal, sealDigest, signSeal } from '../../protocol/ledger/seal.js';
import { type HeaderBasis, signHeader } from '../../protocol/ledger/signed-header.js';
import { intervalContext } from '../../protocol/rules/interval-context.js';
import { type FakeInterval, IntervalMaker } from '../../test/support/interval.js';
import { FakeRegion } from '../../test/support/region.js';
import { SERVICE_PROVIDER_MSP } from '../test/fabric-stub.js';
import type { Simulation } from '../test/simulation-stub.js';

const ROWS = Array.from({ length: 25 }, (_, row) => row % 5);

describe('PricingContract', () => {
  const kit = new FakeRegion();
  let maker: IntervalMaker;
  let world: World;
  let interval: FakeInterval;

  beforeEach(async () => {
    maker = new IntervalMaker(kit);
    world = new World(kit.pricePseudonymKey);
    accepted(await world.putParameters(kit.signedParameters));
    accepted(await world.putRegistryRoot(kit.registryRoot(0)));
    accepted(await world.putDirectory(kit.directory(0)));
    interval = maker.next(ROWS);
    await world.seal('consumption', interval);
  });

  /** Puts a price row under a header that fits it. */
  const putPrice = async (row: Uint8Array): Promise<Simulation> => {
    accepted(await world.putSigned(maker.signedHeader('pricing', interval.ledgerId, row)));
    return world.putPage('pricing', { ledgerId: interval.ledgerId, page: 0, rows: row });
  };

  const priceRow = (changes: Partial<RowContent>, key = kit.serviceProvider): Uint8Array =>
    signRow(kit.crypto, { ...decodeRow(interval.pricing.rows), ...changes }, key);

  it('accepts the price of a sealed interval, and shows it', async () => {
    await world.seal('pricing', interval);
    const { payload } = await world.query('pricing', 'GetPrice', 'london', String(interval.ledgerId.startSeconds));
    assert.deepEqual(JSON.parse(text(payload)), {
      region: 'london',
      startSeconds: interval.ledgerId.startSeconds,
      priceNanoPerKilowattHour: interval.price.toString(),
    });
  });

  it('waits for the seal of consumption', async () => {
    const next = maker.next(ROWS);
    await world.fill('consumption', next);
    refused(await world.putSigned(next.pricing), 'NOT_YET_SEALED');
    refused(
      await world.putPage('pricing', { ledgerId: next.ledgerId, page: 0, rows: next.pricing.rows }),
      'NOT_YET_SEALED',
    );
    refused(await world.putSeal(next.pricing.seal), 'HEADER_MISSING');
  });

  it('refuses a changed price', async () => {
    for (const price of [interval.price + 1_000n, interval.price - 1_000n, 0n]) {
      refused(await putPrice(priceRow({ value: price })), 'WRONG_PRICE');
    }
    const odd = maker.signedHeader('pricing', interval.ledgerId, priceRow({ value: interval.price + 1n }));
    refused(await world.putSigned(odd), 'PRICE_GRANULARITY');
  });

  it('refuses a price that is not the announced one', async () => {
    accepted(await world.putSigned(interval.pricing));
    const other = priceRow({ value: interval.price + 1_000n });
    refused(await world.putPage('pricing', { ledgerId: interval.ledgerId, page: 0, rows: other }), 'PAGE_MISMATCH');
    refused(
      await world.putPage('pricing', { ledgerId: interval.ledgerId, page: 1, rows: interval.pricing.rows }),
      'PAGE_MISMATCH',
    );
  });

  it("refuses a price row with another's key, pseudonym, type, interval or time", async () => {
    refused(await putPrice(priceRow({}, kit.signingKey('other'))), 'WRONG_KEY');
    refused(await putPrice(priceRow({ pseudonym: kit.secret('other') })), 'WRONG_PSEUDONYM');
    refused(await putPrice(priceRow({ type: ROW_TYPE.bill })), 'WRONG_TYPE');
    refused(await putPrice(priceRow({ ledgerId: { region: 'london', startSeconds: kit.startOf(1) } })), 'WRONG_LEDGER');
    refused(await putPrice(priceRow({ timeSeconds: kit.startOf(0) })), 'WRONG_TIME');
    const forged = interval.pricing.rows.slice();
    forged[176]! ^= 1;
    refused(await putPrice(forged), 'BAD_SIGNATURE');
  });

  it('wants the pseudonym key that the parameters commit to', async () => {
    accepted(await world.putSigned(interval.pricing));
    const put = (pricePseudonymKey: Uint8Array): Promise<Simulation> =>
      world.put('pricing', 'PutPage', pageArgs(interval.ledgerId, 0), {
        mspId: SERVICE_PROVIDER_MSP,
        transient: { rows: interval.pricing.rows, pricePseudonymKey },
      });
    refused(await put(kit.secret('other')), 'WRONG_KEY');
    refused(await put(new Uint8Array(33)), 'BAD_ARGUMENT');
    refused(await put(new Uint8Array()), 'MISSING_TRANSIENT');
    accepted(await put(kit.pricePseudonymKey));
  });

  it('wants a header of one row for its interval', async () => {
    const { header } = interval.pricing;
    refused(await world.putSigned(maker.sign(interval.consumption.header), 'pricing'), 'WRONG_LEDGER');
    refused(
      await world.putSigned(maker.sign({ ...header, count: 0, total: 0n, histogram: [], pages: [] })),
      'PAGE_SIZE',
    );
    refused(await world.putSigned(maker.sign({ ...header, registryEpoch: 1 })), 'HEADER_MISMATCH');
    refused(await world.putSigned(maker.sign({ ...header, parametersVersion: 2 })), 'HEADER_MISMATCH');
  });

  it('replaces a header, with its page, until it is chosen, and repeats without writing', async () => {
    const other = maker.signedHeader('pricing', interval.ledgerId, priceRow({ value: 0n }));
    accepted(await world.putSigned(other));
    await world.fill('pricing', interval);
    repeated(await world.putSigned(interval.pricing));
    repeated(await world.putPage('pricing', { ledgerId: interval.ledgerId, page: 0, rows: interval.pricing.rows }));
    accepted(await world.putSigned(other));
    refused(await world.putChoice(other), 'PAGES_MISSING');
    await world.fill('pricing', interval);
    accepted(await world.putChoice(interval.pricing));
    refused(await world.putSigned(other), 'ALREADY_CHOSEN');
    accepted(await world.putSeal(interval.pricing.seal));
    repeated(await world.putSeal(interval.pricing.seal));
    repeated(await world.putPage('pricing', { ledgerId: interval.ledgerId, page: 0, rows: interval.pricing.rows }));
    refused(await world.putSigned(other), 'ALREADY_SEALED');
    refused(
      await world.putPage('pricing', { ledgerId: interval.ledgerId, page: 0, rows: priceRow({ value: 0n }) }),
      'ALREADY_SEALED',
    );
  });

  it("wants SP's signature for this header, this seal and these parameters", async () => {
    const { header } = interval.pricing;
    const { parametersDigest } = intervalContext(kit.crypto, kit.parameters, interval.ledgerId.startSeconds);
    const basis = sealDigest(kit.crypto, interval.consumption.seal.seal);
    const sign = (about: HeaderBasis, key = kit.serviceProvider) => signHeader(kit.crypto, header, about, key);
    const zeros = kit.secret('other');
    refused(await world.putSigned(sign({ basis: zeros, parametersDigest })), 'BAD_SIGNATURE');
    refused(await world.putSigned(sign({ basis, parametersDigest: zeros })), 'BAD_SIGNATURE');
    refused(await world.putSigned(sign({ basis, parametersDigest }, kit.controlCenter)), 'BAD_SIGNATURE');
    const other = maker.signedHeader('pricing', interval.ledgerId, priceRow({ value: 0n }));
    refused(await world.putSigned({ ...other, header }), 'BAD_SIGNATURE');
    accepted(await world.putSigned(sign({ basis, parametersDigest })));
  });

  it('replaces a header 16 times; then the control center reopens it', async () => {
    const { ledgerId } = interval;
    const other = maker.signedHeader('pricing', ledgerId, priceRow({ value: 0n }));
    accepted(await world.putSigned(other));
    const replace = async (): Promise<void> => {
      for (let replacement = 0; replacement < 16; replacement++) {
        repeated(await world.reopen('pricing', ledgerId));
        accepted(await world.putSigned(replacement % 2 === 0 ? interval.pricing : other));
      }
      refused(await world.putSigned(interval.pricing), 'TOO_MANY_REPLACEMENTS');
      repeated(await world.putSigned(other));
    };
    await replace();
    accepted(await world.reopen('pricing', ledgerId));
    repeated(await world.reopen('pricing', ledgerId));
    await replace();
    accepted(await world.reopen('pricing', ledgerId));
    accepted(await world.putSigned(interval.pricing));
    accepted(await world.putPage('pricing', { ledgerId, page: 0, rows: interval.pricing.rows }));
    accepted(await world.putChoice(interval.pricing));
    refused(await world.reopen('pricing', ledgerId), 'ALREADY_CHOSEN');
  });

  for (const winner of ['choice', 'replacement'] as const) {
    it(`has one winner when a header is chosen while SP replaces it: the ${winner}, if it is ordered first`, async () => {
      await world.fill('pricing', interval);
      const other = maker.signedHeader('pricing', interval.ledgerId, priceRow({ value: 0n }));
      const { ledger } = world;
      // Both are endorsed against the same state.
      const endorsed: Simulation[] = [];
      const submit = ledger.submit.bind(ledger);
      ledger.submit = async (channel, proposal) => {
        const simulation = await ledger.simulate(channel, proposal);
        endorsed.push(simulation);
        return simulation;
      };
      accepted(await world.putChoice(interval.pricing));
      accepted(await world.putSigned(other));
      ledger.submit = submit;
      const ordered = winner === 'choice' ? endorsed : endorsed.reverse();
      assert.deepEqual(
        ordered.map((simulation) => ledger.commit(simulation)),
        ['VALID', 'MVCC_READ_CONFLICT'],
      );
      if (winner === 'choice') {
        refused(await world.putSigned(other), 'ALREADY_CHOSEN');
        accepted(await world.putSeal(interval.pricing.seal));
      } else {
        refused(await world.putChoice(interval.pricing), 'HEADER_REPLACED');
        refused(await world.putSeal(interval.pricing.seal), 'NOT_CHOSEN');
      }
    });
  }

  it('is sealed with the consumption seal as its basis', async () => {
    const { seal } = interval.pricing.seal;
    const sealed = (changes: Partial<Seal>) => signSeal(kit.crypto, { ...seal, ...changes }, kit.controlCenter);
    accepted(await world.putSigned(interval.pricing));
    refused(await world.putChoice(interval.pricing), 'PAGES_MISSING');
    accepted(await world.putPage('pricing', { ledgerId: interval.ledgerId, page: 0, rows: interval.pricing.rows }));
    refused(await world.putSeal(interval.pricing.seal), 'NOT_CHOSEN');
    accepted(await world.putChoice(interval.pricing));
    refused(await world.putSeal(sealed({ basis: kit.secret('other') })), 'SEAL_MISMATCH');
    refused(await world.putSeal(sealed({ registeredMeters: 1 })), 'SEAL_MISMATCH');
    refused(await world.putSeal(sealed({ indexDigest: kit.secret('other') })), 'SEAL_MISMATCH');
    refused(await world.putSeal(interval.consumption.seal, 'pricing'), 'SEAL_MISMATCH');
    refused(await world.putSeal(sealed({ previous: kit.secret('other') })), 'SEAL_CHAIN');
    refused(await world.putSeal(signSeal(kit.crypto, seal, kit.serviceProvider)), 'BAD_SIGNATURE');
    accepted(await world.putSeal(interval.pricing.seal));
  });
}).timeout(10_000);
