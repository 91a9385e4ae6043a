// SPDX-License-Identifier: Apache-2.0
import { accepted, pageArgs, World } from './world.js';
import assert from 'node:assert/strict';
import { oneTimeSeed } from '../../protocol/crypto/ggm.js';
import { ProtocolError } from '../../protocol/errors.js';
import { type FakeInterval, IntervalMaker } from '../../test/support/interval.js';
import { FakeRegion } from '../../test/support/region.js';
import { asRefusal } from '../common/refusal.js';
import type { Simulation } from './simulation-stub.js';

const ROWS = Array.from({ length: 25 }, (_, row) => row % 5);

/** Facts that an event may carry. */
const EVENT_FACTS = ['epoch', 'kind', 'page', 'region', 'startSeconds', 'version'];

describe('secrets in the transient map', () => {
  const kit = new FakeRegion();
  let interval: FakeInterval;
  let world: World;
  let simulations: Simulation[];

  beforeEach(async () => {
    interval = new IntervalMaker(kit).next(ROWS);
    world = new World(kit.pricePseudonymKey);
    simulations = [];
    const simulate = world.ledger.simulate.bind(world.ledger);
    world.ledger.simulate = async (...args) => {
      const simulation = await simulate(...args);
      simulations.push(simulation);
      return simulation;
    };
    accepted(await world.putParameters(kit.signedParameters));
    accepted(await world.putRegistryRoot(kit.registryRoot(0)));
    accepted(await world.putDirectory(kit.directory(0)));
  });

  /** What nobody but the meters, the control center and its peers may ever see. */
  const secrets = (): Uint8Array[] => [
    kit.pricePseudonymKey,
    ...kit.meters.flatMap((meter) => {
      const { linkKey, epochNode, leaf } = meter.secretsOf(0);
      return [meter.identity, linkKey, epochNode, leaf, oneTimeSeed(kit.crypto, epochNode, 1)];
    }),
    ...interval.witnessedRows.flatMap(({ witness }) => witness.siblings.slice(0, 2)),
  ];

  /** All that leaves a transaction: results, messages, writes, events, and the keys that were read. */
  const traces = (): Buffer[] =>
    simulations.flatMap(({ message, payload, reads, writes, events }) => [
      Buffer.from(message),
      Buffer.from(payload),
      ...[...reads.keys()].map((key) => Buffer.from(key)),
      ...[...writes].flatMap(([key, value]) => [Buffer.from(key), Buffer.from(value)]),
      ...events.flatMap((event) => [Buffer.from(event.name), Buffer.from(event.payload)]),
    ]);

  /** A secret as it is, in hex of both cases, or in base64 at any of the three alignments. */
  const spellings = (secret: Uint8Array): Buffer[] => {
    const hex = Buffer.from(secret).toString('hex');
    const base64 = [0, 1, 2].map((shift) =>
      Buffer.concat([Buffer.alloc(shift), secret])
        .toString('base64')
        .slice(4, -4),
    );
    return [Buffer.from(secret), ...[hex, hex.toUpperCase(), ...base64].map((each) => Buffer.from(each))];
  };

  const found = (haystacks: readonly Buffer[], needles: readonly Uint8Array[]): boolean =>
    needles.some((secret) =>
      spellings(secret).some((needle) => haystacks.some((haystack) => haystack.includes(needle))),
    );

  it('would be found if one were planted, in each of its spellings', () => {
    for (const planted of spellings(kit.meters[3]!.secretsOf(0).linkKey)) {
      assert.ok(found([Buffer.concat([Buffer.from('{"x":"'), planted, Buffer.from('"}')])], secrets()));
    }
    const shifted = Buffer.concat([Buffer.from('ab'), kit.pricePseudonymKey, Buffer.from('c')]).toString('base64');
    assert.ok(found([Buffer.from(shifted)], secrets()));
  });

  it('are in no result, message, event, key or value of a whole interval, accepted or refused', async () => {
    await world.complete(interval);
    for (const kind of ['consumption', 'pricing', 'billing'] as const) {
      for (const query of ['GetPage', 'GetPageRows']) {
        await world.query(kind, query, ...pageArgs(interval.ledgerId, 0));
      }
      await world.query(kind, 'GetLatestSeal', 'london');
    }
    const next = new IntervalMaker(kit, 1).next(ROWS);
    accepted(await world.putHeader(next.consumption.header));
    for (const offset of [0, 32, 64, 132, 134, 138]) {
      const changed = next.witnesses[0]!.slice();
      changed[offset]! ^= 1;
      const { message } = await world.putPage('consumption', {
        ledgerId: next.ledgerId,
        page: 0,
        rows: next.consumption.rows,
        witnesses: changed,
      });
      assert.match(message, /^(UNREGISTERED|WRONG_PSEUDONYM|WRONG_KEY): /);
    }
    assert.ok(!found(traces(), secrets()));
  });

  it('are wiped, whether the page was accepted, refused or a repetition', async () => {
    const wiped = ({ transient }: Simulation, name: string): void => {
      assert.ok(transient.get(name)!.length > 0);
      assert.ok(
        transient.get(name)!.every((byte) => byte === 0),
        `${name} is wiped`,
      );
    };
    const put = (rows: Uint8Array): Promise<Simulation> =>
      world.putPage('consumption', { ledgerId: interval.ledgerId, page: 0, rows, witnesses: interval.witnesses[0] });
    wiped(await put(interval.consumption.rows), 'witnesses');
    accepted(await world.putHeader(interval.consumption.header));
    wiped(await put(interval.consumption.rows.subarray(1)), 'witnesses');
    wiped(await put(interval.consumption.rows), 'witnesses');
    wiped(await put(interval.consumption.rows), 'witnesses');
    accepted(await world.putSeal(interval.consumption.seal));

    const price = (rows: Uint8Array): Promise<Simulation> =>
      world.putPage('pricing', { ledgerId: interval.ledgerId, page: 0, rows });
    wiped(await price(interval.pricing.rows), 'pricePseudonymKey');
    accepted(await world.putSigned(interval.pricing));
    wiped(await price(interval.billing.rows.subarray(0, 177)), 'pricePseudonymKey');
    wiped(await price(interval.pricing.rows), 'pricePseudonymKey');
  });

  it('leave only public facts for the events', async () => {
    await world.complete(interval);
    for (const { events } of simulations) {
      for (const { payload } of events) {
        const facts = JSON.parse(Buffer.from(payload).toString()) as object;
        for (const fact of Object.keys(facts)) {
          assert.ok(EVENT_FACTS.includes(fact), fact);
        }
      }
    }
  });

  it('do not reach the peer through the text of an unforeseen error', () => {
    const secret = Buffer.from(kit.pricePseudonymKey).toString('hex');
    const refusal = asRefusal(new TypeError(`cannot read ${secret}`));
    assert.equal(refusal.message, 'INTERNAL: the transaction failed (TypeError)');
    assert.equal(asRefusal(secret).message, 'INTERNAL: the transaction failed (string)');
    assert.equal(asRefusal(new ProtocolError('BAD_SIGNATURE', 'reason')).message, 'BAD_SIGNATURE: reason');
    assert.equal(asRefusal(refusal), refusal);
  });
}).timeout(10_000);
