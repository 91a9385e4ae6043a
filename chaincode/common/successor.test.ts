// SPDX-License-Identifier: Apache-2.0
import { accepted, pageArgs, refused, repeated, text, World } from '../test/world.js';
import assert from 'node:assert/strict';
import { toHex } from '../../protocol/crypto/bytes.js';
import type { Parameters } from '../../protocol/ledger/parameters.js';
import { splitPages } from '../../protocol/ledger/page.js';
import { encodeSignedHeader } from '../../protocol/ledger/signed-header.js';
import { encodeSignedSuccessor, type SignedSuccessor } from '../../protocol/ledger/successor.js';
import { type FakeInterval, IntervalMaker } from '../../test/support/interval.js';
import { FakeRegion } from '../../test/support/region.js';
import { CONTROL_CENTER_MSP } from '../test/fabric-stub.js';
import type { Simulation } from '../test/simulation-stub.js';

const ROWS = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1];

describe('PutSuccessor', () => {
  let kit: FakeRegion;
  let maker: IntervalMaker;
  let world: World;
  /** Of interval 0, complete; 1, priced but not billed; 2 and 3, consumption only. */
  let intervals: FakeInterval[];

  /** A region whose service provider vanished after it had priced interval 1, two intervals ago. */
  async function begin(parameters: Partial<Parameters> = {}): Promise<void> {
    kit = new FakeRegion({ parameters: { successorAfterSeconds: 3_600, ...parameters } });
    maker = new IntervalMaker(kit);
    world = new World(kit.pricePseudonymKey);
    accepted(await world.putParameters(kit.signedParameters));
    accepted(await world.putRegistryRoot(kit.registryRoot(0)));
    accepted(await world.putDirectory(kit.directory(0)));
    if (kit.parameters.priceMode === 'direct') {
      accepted(await world.putConsumers(kit.consumerList(0)));
    }
    intervals = [];
    for (let index = 0; index < 4; index++) {
      intervals.push(maker.next(ROWS));
      await world.seal('consumption', intervals[index]!);
    }
    await world.seal('pricing', intervals[0]!);
    await world.seal('billing', intervals[0]!);
    await world.seal('pricing', intervals[1]!);
  }

  const put = (signed: SignedSuccessor, mspId = CONTROL_CENTER_MSP): Promise<Simulation> =>
    world.put(signed.successor.kind, 'PutSuccessor', [text(encodeSignedSuccessor(signed))], { mspId });

  /** Seals consumption of one more interval. */
  const next = async (): Promise<FakeInterval> => {
    const interval = maker.next(ROWS);
    await world.seal('consumption', interval);
    return interval;
  };

  it('names who prices from the oldest unpriced interval and bills from the oldest unbilled one', async () => {
    await begin();
    const heir = kit.otherProvider('heir', 'HeirMSP');
    refused(await put(kit.successor('pricing', kit.startOf(2), heir)), 'NOT_EFFECTIVE');
    const billing = kit.successor('billing', kit.startOf(1), heir);
    accepted(await put(billing));
    repeated(await put(billing));
    await next();
    const pricing = kit.successor('pricing', kit.startOf(2), heir);
    accepted(await put(pricing));
    repeated(await put(pricing));
    const key = toHex(kit.serviceProvider.publicKey);
    const found = await world.query('pricing', 'GetSuccessor', kit.region, key);
    assert.equal(text(found.payload), text(encodeSignedSuccessor(pricing)));
    assert.match((await world.query('pricing', 'GetSuccessor', kit.region, toHex(kit.secret('no')))).message, /^NOT_F/);
  });

  it('is named once, by the control center, on its own ledger, for the oldest open interval', async () => {
    await begin();
    const [heir, other] = [kit.otherProvider('heir'), kit.otherProvider('other')];
    const right = kit.successor('billing', kit.startOf(1), heir);
    refused(await put(right, 'ServiceProviderMSP'), 'WRONG_MSP');
    refused(await put(kit.successor('billing', kit.startOf(0), heir)), 'SUCCESSOR_INVALID');
    refused(await put(kit.successor('billing', kit.startOf(2), heir)), 'SUCCESSOR_INVALID');
    refused(await put(kit.successor('billing', kit.startOf(4), heir)), 'NOT_YET_SEALED');
    refused(
      await world.put('pricing', 'PutSuccessor', [text(encodeSignedSuccessor(right))], { mspId: CONTROL_CENTER_MSP }),
      'WRONG_LEDGER',
    );
    refused(await put({ ...right, signature: new Uint8Array(64) }), 'BAD_SIGNATURE');
    refused(await put(kit.successor('billing', kit.startOf(1), kit.provider)), 'SUCCESSOR_INVALID');
    refused(
      await put(kit.successor('billing', kit.startOf(1), kit.otherProvider('cc', 'ControlCenterMSP'))),
      'SUCCESSOR_INVALID',
    );
    refused(
      await put(kit.successor('billing', kit.startOf(1), heir, { parametersDigest: kit.secret('other') })),
      'SUCCESSOR_INVALID',
    );
    refused(
      await put(kit.successor('billing', kit.startOf(1), heir, { serviceProviderKey: kit.serviceProviderKey })),
      'SUCCESSOR_INVALID',
    );
    accepted(await put(right));
    refused(await put(kit.successor('billing', kit.startOf(1), other)), 'CONFLICT');
  });

  it('waits for two weeks when the parameters do not say otherwise', async () => {
    await begin({ successorAfterSeconds: undefined });
    refused(await put(kit.successor('billing', kit.startOf(1), kit.otherProvider('heir'))), 'NOT_EFFECTIVE');
  });

  it('is refused in price mode direct', async () => {
    await begin({ priceMode: 'direct' });
    refused(await put(kit.successor('billing', kit.startOf(1), kit.otherProvider('heir'))), 'MODE_UNSUPPORTED');
  });

  it('begins with the first interval where no ledger of the service provider is sealed', async () => {
    await begin();
    world = new World(kit.pricePseudonymKey);
    accepted(await world.putParameters(kit.signedParameters));
    accepted(await world.putRegistryRoot(kit.registryRoot(0)));
    accepted(await world.putDirectory(kit.directory(0)));
    for (const interval of intervals) {
      await world.seal('consumption', interval);
    }
    const heir = kit.otherProvider('heir');
    refused(await put(kit.successor('pricing', kit.startOf(1), heir)), 'SUCCESSOR_INVALID');
    accepted(await put(kit.successor('pricing', kit.startOf(0), heir)));
  });

  it('signs its ledgers from then on, and the service provider before signs no more', async () => {
    await begin();
    const heir = kit.otherProvider('heir', 'HeirMSP');
    const old = intervals[1]!;
    accepted(await put(kit.successor('billing', kit.startOf(1), heir)));
    refused(await world.putSigned(old.billing), 'WRONG_MSP');
    refused(await world.putPage('billing', { ledgerId: old.ledgerId, page: 0, rows: old.billing.rows }), 'WRONG_MSP');

    const header = [text(encodeSignedHeader(old.billing))];
    refused(await world.put('billing', 'PutHeader', header, { mspId: 'HeirMSP' }), 'BAD_SIGNATURE');
    maker.providers.billing = heir;
    const rows = maker.billRows(old.ledgerId, old.consumption.rows, old.price);
    const signed = maker.signedHeader('billing', old.ledgerId, rows);
    accepted(await world.put('billing', 'PutHeader', [text(encodeSignedHeader(signed))], { mspId: 'HeirMSP' }));
    const putPage = (page: Uint8Array) =>
      world.put('billing', 'PutPage', pageArgs(old.ledgerId, 0), { mspId: 'HeirMSP', transient: { rows: page } });
    refused(await putPage(old.billing.rows), 'PAGE_MISMATCH');
    accepted(await putPage(splitPages(rows)[0]!));
    accepted(await world.putChoice(signed));
  });

  it('comes after the seal of a header that is chosen', async () => {
    await begin();
    await world.fill('billing', intervals[1]!);
    accepted(await world.putChoice(intervals[1]!.billing));
    const heir = kit.otherProvider('heir');
    refused(await put(kit.successor('billing', kit.startOf(1), heir)), 'ALREADY_CHOSEN');
    accepted(await world.putSeal(intervals[1]!.billing.seal));
    await next();
    refused(await put(kit.successor('billing', kit.startOf(1), heir)), 'SUCCESSOR_INVALID');
  });

  for (const winner of ['choice', 'successor'] as const) {
    it(`and a choice that is endorsed at the same time have one winner: the ${winner}, if it is ordered first`, async () => {
      await begin();
      const { billing } = intervals[1]!;
      await world.fill('billing', intervals[1]!);
      const { ledger } = world;
      const endorsed: Simulation[] = [];
      const submit = ledger.submit.bind(ledger);
      ledger.submit = async (channel, proposal) => {
        const simulation = await ledger.simulate(channel, proposal);
        endorsed.push(simulation);
        return simulation;
      };
      const successor = kit.successor('billing', kit.startOf(1), kit.otherProvider('heir'));
      accepted(await world.putChoice(billing));
      accepted(await put(successor));
      ledger.submit = submit;
      const ordered = winner === 'choice' ? endorsed : endorsed.reverse();
      const [first, second] = ordered.map((simulation) => ledger.commit(simulation));
      assert.equal(first, 'VALID');
      assert.equal(second, winner === 'choice' ? 'PHANTOM_READ_CONFLICT' : 'MVCC_READ_CONFLICT');
      if (winner === 'choice') {
        refused(await put(successor), 'ALREADY_CHOSEN');
        accepted(await world.putSeal(billing.seal));
      } else {
        refused(await world.putChoice(billing), 'BAD_SIGNATURE');
      }
    });
  }
});
