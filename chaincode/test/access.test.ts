// SPDX-License-Identifier: Apache-2.0
import { accepted, pageArgs, PACKAGES, refused, repeated, text, type Transient, World } from './world.js';
import assert from 'node:assert/strict';
import { encodeHeader } from '../../protocol/ledger/header.js';
import { encodeConsumerList } from '../../protocol/ledger/consumer-list.js';
import { PRICE_MODES } from '../../protocol/ledger/parameters.js';
import { encodeSignedParameters } from '../../protocol/ledger/parameters-json.js';
import { encodeRegistryRoot } from '../../protocol/ledger/registry-root.js';
import { encodeSignedSeal } from '../../protocol/ledger/seal.js';
import { encodeSignedHeader, signedHeaderDigest } from '../../protocol/ledger/signed-header.js';
import { toHex } from '../../protocol/crypto/bytes.js';
import { encodeSignedDirectory } from '../../protocol/onion/directory-format.js';
import { IntervalMaker } from '../../test/support/interval.js';
import { FakeRegion } from '../../test/support/region.js';
import { CONSUMERS_MSP, CONTROL_CENTER_MSP, metadataOf, SERVICE_PROVIDER_MSP, FakeLedger } from './fabric-stub.js';

const KINDS = ['consumption', 'pricing', 'billing'] as const;
const MSPS = [CONTROL_CENTER_MSP, SERVICE_PROVIDER_MSP, CONSUMERS_MSP];
const ROWS = Array.from({ length: 25 }, (_, row) => row % 5);

interface Call {
  readonly kind: (typeof KINDS)[number];
  readonly transaction: string;
  readonly args: readonly string[];
  readonly transient?: Transient;
  /** Who may submit it; nobody in particular for a query. */
  readonly by?: string;
  /** Whether it has nothing to write in this order. */
  readonly isIdle?: boolean;
}

for (const priceMode of PRICE_MODES) {
  describe(`who may call what, and where (price mode ${priceMode})`, () => {
    const kit = new FakeRegion({ parameters: { priceMode } });
    const interval = new IntervalMaker(kit).next(ROWS);
    const [region, start] = ['london', String(interval.ledgerId.startSeconds)] as const;

    const headerJson = (kind: (typeof KINDS)[number]): string => {
      if (kind === 'consumption') {
        return text(encodeHeader(interval.consumption.header));
      }
      const { header, headerSignature } = interval[kind];
      return text(encodeSignedHeader({ header, headerSignature }));
    };

    /** What fixes a header of the service provider's. */
    const choiceCalls = (kind: (typeof KINDS)[number]): Call[] => {
      if (kind === 'consumption') {
        return [];
      }
      const digest = toHex(signedHeaderDigest(kit.crypto, interval[kind]));
      return [
        { kind, transaction: 'ReopenHeader', args: [region, start], by: CONTROL_CENTER_MSP, isIdle: true },
        { kind, transaction: 'PutChoice', args: [region, start, digest], by: CONTROL_CENTER_MSP },
      ];
    };

    const intervalCalls = (kind: (typeof KINDS)[number], writer: string): Call[] => [
      { kind, transaction: 'PutHeader', args: [headerJson(kind)], by: writer },
      {
        kind,
        transaction: 'PutPage',
        args: pageArgs(interval.ledgerId, 0),
        transient: new World(kit.pricePseudonymKey).transient(kind, interval[kind].rows, interval.witnesses[0]!),
        by: writer,
      },
      ...choiceCalls(kind),
      { kind, transaction: 'PutSeal', args: [text(encodeSignedSeal(interval[kind].seal))], by: CONTROL_CENTER_MSP },
    ];

    const setUp = (transaction: string, json: Uint8Array): Call => ({
      kind: 'consumption',
      transaction,
      args: [text(json)],
      by: CONTROL_CENTER_MSP,
    });

    /** What exists only where each consumer has its own price row. */
    function direct(call: Call): Call[] {
      return priceMode === 'direct' ? [call] : [];
    }

    /** Every submit transaction, in an order in which each is accepted. */
    const submits: Call[] = [
      setUp('PutParameters', encodeSignedParameters(kit.signedParameters)),
      setUp('PutRegistryRoot', encodeRegistryRoot(kit.registryRoot(0))),
      setUp('PutDirectory', encodeSignedDirectory(kit.directory(0))),
      ...direct(setUp('PutConsumers', encodeConsumerList(kit.consumerList(0)))),
      ...intervalCalls('consumption', CONTROL_CENTER_MSP),
      ...intervalCalls('pricing', SERVICE_PROVIDER_MSP),
      ...intervalCalls('billing', SERVICE_PROVIDER_MSP),
    ];

    const queries: Call[] = [
      { kind: 'consumption', transaction: 'GetParameters', args: [region, '1'] },
      { kind: 'consumption', transaction: 'GetRegistryRoot', args: [region, '0'] },
      { kind: 'consumption', transaction: 'GetDirectory', args: [region, '0'] },
      ...direct({ kind: 'consumption', transaction: 'GetConsumers', args: [region, '0'] }),
      { kind: 'pricing', transaction: 'GetPrice', args: [region, start] },
      ...KINDS.flatMap((kind): Call[] => [
        { kind, transaction: 'GetHeader', args: [region, start] },
        { kind, transaction: 'GetPage', args: [region, start, '0'] },
        { kind, transaction: 'GetPageRows', args: [region, start, '0'] },
        { kind, transaction: 'GetSeal', args: [region, start] },
        { kind, transaction: 'GetLatestSeal', args: [region] },
      ]),
    ];

    it('covers every transaction of every contract', () => {
      for (const kind of KINDS) {
        const { contracts } = metadataOf(PACKAGES[kind]);
        const named = Object.values(contracts)[0]!.transactions.map(({ name }) => name);
        const covered = [...submits, ...queries].filter((call) => call.kind === kind).map((call) => call.transaction);
        const absent = named.filter((name) => !covered.includes(name));
        assert.equal(new Set(covered).size + absent.length, named.length);
        // A successor needs several intervals: see common/successor.test.ts.
        const ofSuccessors = ['PutSuccessor', 'GetSuccessor'];
        const ofConsumers = priceMode === 'ledger' ? ['PutConsumers', 'GetConsumers'] : [];
        assert.deepEqual(absent, kind === 'consumption' ? ofConsumers : ofSuccessors);
      }
    });

    it('refuses each submission to all but its party, in every state of the ledger, and accepts that party', async () => {
      const world = new World(kit.pricePseudonymKey);
      for (const { kind, transaction, args, transient = {}, by, isIdle = false } of submits) {
        for (const mspId of MSPS.filter((other) => other !== by)) {
          refused(await world.put(kind, transaction, args, { mspId, transient }), 'WRONG_MSP');
        }
        (isIdle ? repeated : accepted)(await world.put(kind, transaction, args, { mspId: by!, transient }));
        for (const mspId of MSPS.filter((other) => other !== by)) {
          refused(await world.put(kind, transaction, args, { mspId, transient }), 'WRONG_MSP');
        }
      }
    });

    it('answers each query to every organisation, with and without the name of the contract', async () => {
      const world = new World(kit.pricePseudonymKey);
      for (const call of submits) {
        (call.isIdle === true ? repeated : accepted)(
          await world.put(call.kind, call.transaction, call.args, { mspId: call.by!, transient: call.transient }),
        );
      }
      for (const { kind, transaction, args } of queries) {
        const names = { consumption: 'ConsumptionContract', pricing: 'PricingContract', billing: 'BillingContract' };
        const prefixed = `${names[kind]}:${transaction}`;
        const answers = await Promise.all(
          [transaction, prefixed].flatMap((name) =>
            MSPS.map((mspId) => world.ledger.simulate(kind, { mspId, transaction: name, args })),
          ),
        );
        for (const answer of answers) {
          assert.equal(answer.message, '', transaction);
          assert.ok(answer.payload.length > 0);
          assert.deepEqual(answer.payload, answers[0]!.payload);
          assert.equal(answer.writes.size + answer.events.length, 0);
        }
      }
    });

    it('finds nothing on an empty ledger', async () => {
      const world = new World(kit.pricePseudonymKey);
      for (const { kind, transaction, args } of queries) {
        refused(await world.query(kind, transaction, ...args), 'NOT_FOUND');
      }
      refused(await world.query('consumption', 'GetParameters', region, 'latest'), 'NOT_FOUND');
    });

    it('refuses everything on another channel, before it looks at the caller or the arguments', async () => {
      for (const kind of KINDS) {
        const others = [...KINDS, 'other'].filter((channel) => channel !== kind);
        const ledger = new FakeLedger();
        for (const channel of others) {
          ledger.deploy(channel, PACKAGES[kind]);
        }
        for (const channel of others) {
          for (const call of [...submits, ...queries].filter((each) => each.kind === kind)) {
            const { transaction, args, transient = {}, by = CONSUMERS_MSP } = call;
            refused(await ledger.simulate(channel, { mspId: by, transaction, args, transient }), 'WRONG_CHANNEL');
            const garbage = args.map(() => 'garbage');
            refused(
              await ledger.simulate(channel, { mspId: CONSUMERS_MSP, transaction, args: garbage }),
              'WRONG_CHANNEL',
            );
          }
        }
      }
    });

    it('says so when another channel cannot be read', async () => {
      const { transaction, args, by } = submits.find((call) => call.kind === 'pricing')!;
      const ledger = new FakeLedger().deploy('pricing', PACKAGES.pricing);
      const absent = await ledger.simulate('pricing', { mspId: by!, transaction, args });
      refused(absent, 'INTERNAL');
      assert.match(absent.message, /GetSeal on consumption failed/);
      ledger.deploy('consumption', PACKAGES.billing);
      refused(await ledger.simulate('pricing', { mspId: by!, transaction, args }), 'INTERNAL');
    });

    it('refuses to write for a process that does not know its organisation', async () => {
      const ledger = new FakeLedger(null).deploy('consumption', PACKAGES.consumption);
      const [{ transaction, args }] = submits as [Call];
      const simulation = await ledger.simulate('consumption', { mspId: CONTROL_CENTER_MSP, transaction, args });
      refused(simulation, 'INTERNAL');
      assert.match(simulation.message, /CORE_PEER_LOCALMSPID/);
    });
  }).timeout(10_000);
}
