// SPDX-License-Identifier: Apache-2.0
import './quiet.js';
import { accepted, pageArgs, text, World } from './world.js';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { equalBytes, toHex } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto as crypto } from '../../protocol/crypto/sodium.js';
import type { Header } from '../../protocol/ledger/header.js';
import { splitPages } from '../../protocol/ledger/page.js';
import type { ProvidedKind } from '../../protocol/ledger/row.js';
import { encodeSignedSeal, type Seal, sealDigest, signSeal, type SignedSeal } from '../../protocol/ledger/seal.js';
import {
  decodeSignedHeader,
  encodeSignedHeader,
  signedHeaderDigest,
  signHeader,
  type SignedHeader,
} from '../../protocol/ledger/signed-header.js';
import { chainSeal, followingSealContent } from '../../protocol/rules/check-seal.js';
import { intervalContext } from '../../protocol/rules/interval-context.js';
import { type FakeInterval, IntervalMaker } from '../../test/support/interval.js';
import { FakeRegion } from '../../test/support/region.js';
import { MAXIMUM_REPLACEMENTS } from '../common/provided-header.js';
import { stateKey } from '../common/state-keys.js';
import { CONTROL_CENTER_MSP, type FakeLedger, SERVICE_PROVIDER_MSP } from './fabric-stub.js';
import { type Submission, TwoPeers } from './two-peers.js';

const RUNS = Number(process.env['GRIDVEIL_STATE_MACHINE_RUNS'] ?? 200);
const KINDS = ['pricing', 'billing'] as const;

/** What the service provider may sign: what is right, other prices (which the contract keeps), impossible pages. */
const VARIANTS = ['right', 'other', 'poisoned'] as const;
type Variant = (typeof VARIANTS)[number];

interface Ledger {
  readonly signed: SignedHeader;
  readonly pages: readonly Uint8Array[];
}

const kit = new FakeRegion({ meters: 100, consumers: 3, parameters: { priceMode: 'direct' } });

/** A sealed consumption ledger, from which every run starts, and all that the service provider may sign upon it. */
class Start {
  readonly #bills = new Map<string, Ledger>();
  /** By the signed header: the control center signs the same bytes again. */
  readonly #seals = new Map<string, SignedSeal>();
  readonly #prices: Record<Variant, Ledger>;

  private constructor(
    readonly ledger: FakeLedger,
    readonly interval: FakeInterval,
    readonly maker: IntervalMaker,
  ) {
    const { ledgerId, price, consumption } = interval;
    const basis = consumption.seal.seal;
    const prices = (value: bigint): Ledger =>
      this.#provided(
        'pricing',
        maker.directPriceRows(ledgerId, () => value),
        basis,
      );
    const right = prices(price);
    this.#prices = { right, other: prices(price + 1_000n), poisoned: this.#poisoned(right, basis) };
  }

  static async make(categories: readonly number[]): Promise<Start> {
    const world = new World(kit.pricePseudonymKey);
    accepted(await world.putParameters(kit.signedParameters));
    accepted(await world.putRegistryRoot(kit.registryRoot(0)));
    accepted(await world.putDirectory(kit.directory(0)));
    accepted(await world.putConsumers(kit.consumerList(0)));
    const maker = new IntervalMaker(kit);
    const interval = maker.next(categories);
    await world.seal('consumption', interval);
    return new Start(world.ledger, interval, maker);
  }

  /** @param pricing the sealed prices, on which bills rest */
  variant(kind: ProvidedKind, variant: Variant, pricing: Seal | undefined): Ledger | undefined {
    if (kind === 'pricing') {
      return this.#prices[variant];
    }
    if (pricing === undefined) {
      return undefined;
    }
    const key = `${variant}/${toHex(sealDigest(crypto, pricing))}`;
    const found = this.#bills.get(key) ?? this.#billsOn(pricing, variant);
    this.#bills.set(key, found);
    return found;
  }

  /** The control center's seal of a header. */
  seal(signed: SignedHeader, basis: Seal): SignedSeal {
    const key = text(encodeSignedHeader(signed));
    const found = this.#seals.get(key) ?? this.#sealOf(signed, basis);
    this.#seals.set(key, found);
    return found;
  }

  #sealOf(signed: SignedHeader, basis: Seal): SignedSeal {
    const context = intervalContext(crypto, kit.parameters, this.interval.ledgerId.startSeconds);
    const isPricing = signed.header.kind === 'pricing';
    const consumersDigest = isPricing ? this.maker.consumersDigest(this.interval.ledgerId) : undefined;
    const content = followingSealContent(crypto, context, { signed, basis, consumersDigest });
    return signSeal(crypto, chainSeal(crypto, content, undefined, context), kit.controlCenter);
  }

  #billsOn(pricing: Seal, variant: Variant): Ledger {
    const right = this.#provided('billing', this.interval.billing.rows, pricing);
    // No other bills pass the contract's checks of a header.
    return variant === 'poisoned' ? this.#poisoned(right, pricing) : right;
  }

  #provided(kind: ProvidedKind, rows: Uint8Array, basis: Seal): Ledger {
    const header = this.maker.header(kind, this.interval.ledgerId, rows);
    return { signed: this.#sign(header, basis), pages: splitPages(rows) };
  }

  /** The last page can never be written, all others can. */
  #poisoned({ signed, pages }: Ledger, basis: Seal): Ledger {
    const { header } = signed;
    const last = header.pages.length - 1;
    const entries = header.pages.map((page, number) =>
      number === last ? { ...page, root: kit.secret('impossible') } : page,
    );
    return { signed: this.#sign({ ...header, pages: entries }, basis), pages };
  }

  #sign(header: Header, basis: Seal): SignedHeader {
    const { parametersDigest } = intervalContext(crypto, kit.parameters, this.interval.ledgerId.startSeconds);
    return signHeader(crypto, header, { basis: sealDigest(crypto, basis), parametersDigest }, kit.serviceProvider);
  }
}

/** What the control center's process knows of one ledger; a crash forgets it. */
type Work =
  | { readonly step: 'look' }
  | { readonly step: 'choosing' | 'chosen'; readonly signed: SignedHeader; readonly submission: Submission }
  | { readonly step: 'sealing'; readonly seal: SignedSeal; readonly submission: Submission }
  | { readonly step: 'sealed'; readonly seal: SignedSeal };

/** One run: two peers, the two parties, and what must hold at every moment. */
class Run {
  readonly #network: TwoPeers;
  readonly #work: Record<ProvidedKind, Work> = { pricing: { step: 'look' }, billing: { step: 'look' } };
  /** Seals that the control center has signed, by kind. */
  readonly #signed: Record<ProvidedKind, Set<string>> = { pricing: new Set(), billing: new Set() };
  /** State that was fixed by a choice or a seal, by peer and key. */
  readonly #fixed = new Map<string, Uint8Array>();

  readonly #start: Start;

  constructor(start: Start) {
    this.#start = start;
    this.#network = new TwoPeers(start.ledger);
  }

  async header(peer: number, kind: ProvidedKind, variant: Variant): Promise<Submission | undefined> {
    const ledger = this.#start.variant(kind, variant, this.#pricing(peer));
    return ledger && this.#submit(peer, kind, 'PutHeader', [text(encodeSignedHeader(ledger.signed))]);
  }

  async page(peer: number, kind: ProvidedKind, variant: Variant, page: number): Promise<Submission | undefined> {
    const rows = this.#start.variant(kind, variant, this.#pricing(peer))?.pages[page];
    return rows && this.#submit(peer, kind, 'PutPage', pageArgs(this.#ledgerId, page), { rows });
  }

  reopen(peer: number, kind: ProvidedKind): Promise<Submission> {
    return this.#submit(peer, kind, 'ReopenHeader', pageArgs(this.#ledgerId, 0).slice(0, 2), undefined, true);
  }

  order(which: number): void {
    this.#network.order(which);
  }

  lose(which: number): void {
    this.#network.lose(which);
  }

  deliver(peer: number): void {
    if (this.#network.deliver(peer)) {
      KINDS.forEach((kind) => this.#check(peer, kind));
    }
  }

  /** The control center's process ends and starts again; what it has submitted is on its way all the same. */
  crash(): void {
    for (const kind of KINDS) {
      this.#work[kind] = { step: 'look' };
    }
  }

  /** The control center takes its next step with one ledger, through one peer. */
  async work(peer: number, kind: ProvidedKind): Promise<void> {
    this.#work[kind] = await this.#next(peer, kind, this.#work[kind]);
  }

  async #next(peer: number, kind: ProvidedKind, work: Work): Promise<Work> {
    switch (work.step) {
      case 'look': {
        const signed = this.#complete(peer, kind);
        if (signed === undefined) {
          return work;
        }
        const digest = toHex(signedHeaderDigest(crypto, signed));
        const args = [...pageArgs(this.#ledgerId, 0).slice(0, 2), digest];
        const submission = await this.#submit(peer, kind, 'PutChoice', args, undefined, true);
        return { step: 'choosing', signed, submission };
      }
      case 'choosing':
        switch (this.#network.outcome(work.submission)) {
          case 'VALID':
          case 'unchanged':
            return { ...work, step: 'chosen' };
          case 'unknown':
            return work;
          default:
            return { step: 'look' };
        }
      case 'chosen': {
        const basis = kind === 'pricing' ? this.#start.interval.consumption.seal.seal : this.#pricing(peer);
        if (basis === undefined) {
          return work;
        }
        const seal = this.#start.seal(work.signed, basis);
        this.#signed[kind].add(text(encodeSignedSeal(seal)));
        assert.equal(this.#signed[kind].size, 1, `the control center has signed two seals of ${kind}`);
        const submission = await this.#submit(peer, kind, 'PutSeal', [text(encodeSignedSeal(seal))], undefined, true);
        return { step: 'sealing', seal, submission };
      }
      case 'sealing':
        switch (this.#network.outcome(work.submission)) {
          case 'VALID':
          case 'unchanged':
            return { step: 'sealed', seal: work.seal };
          case 'unknown':
            return work;
          default:
            return { step: 'look' };
        }
      case 'sealed':
        return work;
    }
  }

  /** The service provider behaves from now on, nothing is lost, and both ledgers are sealed in one round each. */
  async finish(): Promise<void> {
    this.#network.settle();
    this.crash();
    for (const kind of KINDS) {
      const header = await this.header(0, kind, 'right');
      const refusal = header!.simulation.message.split(':')[0]!;
      if (refusal === 'TOO_MANY_REPLACEMENTS') {
        await this.reopen(1, kind);
        this.#network.settle();
        await this.header(0, kind, 'right');
      } else {
        assert.ok(['', 'ALREADY_CHOSEN', 'ALREADY_SEALED'].includes(refusal), refusal);
      }
      this.#network.settle();
      for (const page of this.#start.variant(kind, 'right', this.#pricing(0))!.pages.keys()) {
        await this.page(1, kind, 'right', page);
      }
      this.#network.settle();
      // Look, choose, sign, seal.
      for (let round = 0; round < 4; round++) {
        await this.work(0, kind);
        this.#network.settle();
      }
      await this.work(0, kind);
      assert.equal(this.#work[kind].step, 'sealed', `the control center is stuck with ${kind}`);
      [0, 1].forEach((peer) => this.#check(peer, kind));
    }
    const [one, other] = this.#network.peers;
    for (const channel of ['consumption', ...KINDS]) {
      assert.deepEqual(one.stateOf(channel), other.stateOf(channel));
    }
    assert.deepEqual(one.stateOf('consumption'), this.#start.ledger.stateOf('consumption'), 'consumption is as it was');
    // Every row has its bill and every consumer its price, once.
    const { pages } = this.#start.variant('billing', 'right', this.#pricing(0))!;
    assert.deepEqual(this.#pages(0, 'billing'), pages);
    const prices = ['right', 'other'].map((variant) => this.#start.variant('pricing', variant as Variant, undefined)!);
    assert.ok(prices.some((ledger) => equalBytes(ledger.pages[0]!, this.#pages(0, 'pricing')[0]!)));
  }

  get #ledgerId() {
    return this.#start.interval.ledgerId;
  }

  #submit(
    peer: number,
    kind: ProvidedKind,
    transaction: string,
    args: readonly string[],
    transient?: { readonly rows: Uint8Array },
    isCenter = false,
  ): Promise<Submission> {
    const mspId = isCenter ? CONTROL_CENTER_MSP : SERVICE_PROVIDER_MSP;
    return this.#network.submit(peer, kind, { mspId, transaction, args, ...(transient && { transient }) });
  }

  #read(peer: number, kind: ProvidedKind, key: string): Uint8Array | undefined {
    return this.#network.peers[peer]!.channel(kind).state.get(key)?.bytes;
  }

  /** The pages on a peer, in order. */
  #pages(peer: number, kind: ProvidedKind): Uint8Array[] {
    return this.#network.peers[peer]!.stateOf(kind)
      .filter(([key]) => key.startsWith('page/'))
      .map(([, rows]) => rows);
  }

  /** The seal of the prices, as a peer knows it. */
  #pricing(peer: number): Seal | undefined {
    const { region, startSeconds } = this.#ledgerId;
    const bytes = this.#read(peer, 'pricing', stateKey.seal(region, startSeconds));
    const sealed = [...this.#signed.pricing].find((json) => bytes !== undefined && json === text(bytes));
    assert.equal(bytes === undefined, sealed === undefined, 'a seal that the control center did not sign is committed');
    const chosen = bytes && decodeSignedHeader(this.#read(peer, 'pricing', stateKey.header(region, startSeconds))!);
    return chosen && this.#start.seal(chosen, this.#start.interval.consumption.seal.seal).seal;
  }

  /** The header on a peer, if all its pages are there. */
  #complete(peer: number, kind: ProvidedKind): SignedHeader | undefined {
    const { region, startSeconds } = this.#ledgerId;
    const bytes = this.#read(peer, kind, stateKey.header(region, startSeconds));
    const signed = bytes && decodeSignedHeader(bytes);
    return signed && this.#pages(peer, kind).length === signed.header.pages.length ? signed : undefined;
  }

  /** What must hold on a peer after every transaction. */
  #check(peer: number, kind: ProvidedKind): void {
    const { region, startSeconds } = this.#ledgerId;
    const header = this.#read(peer, kind, stateKey.header(region, startSeconds));
    const choice = this.#read(peer, kind, stateKey.choice(region, startSeconds));
    const seal = this.#read(peer, kind, stateKey.seal(region, startSeconds));
    const replacements = this.#read(peer, kind, stateKey.replacements(region, startSeconds));
    assert.ok(replacements === undefined || Number(text(replacements)) <= MAXIMUM_REPLACEMENTS);
    assert.ok(seal === undefined || choice !== undefined, 'sealed without a choice');

    const ledgers = VARIANTS.map((variant) => this.#start.variant(kind, variant, this.#pricing(peer)));
    const committed = ledgers.find(
      (ledger) => header !== undefined && equalBytes(encodeSignedHeader(ledger!.signed), header),
    );
    const pages = this.#network.peers[peer]!.stateOf(kind).filter(([key]) => key.startsWith('page/'));
    for (const [key, rows] of pages) {
      const number = Number(key.split('/')[3]);
      const entry = committed?.signed.header.pages[number];
      assert.ok(entry !== undefined && equalBytes(committed!.pages[number]!, rows), `${key} is not of the header`);
    }
    if (choice === undefined) {
      return;
    }
    assert.ok(equalBytes(signedHeaderDigest(crypto, committed!.signed), choice), 'the chosen header is not committed');
    assert.equal(pages.length, committed!.signed.header.pages.length, 'a page of the chosen header is not there');
    for (const [name, bytes] of [['header', header], ['choice', choice], ['seal', seal], ...pages] as const) {
      const key = `${peer} ${kind} ${name}`;
      const before = this.#fixed.get(key);
      assert.ok(before === undefined || (bytes !== undefined && equalBytes(before, bytes)), `${name} has changed`);
      if (bytes !== undefined) {
        this.#fixed.set(key, bytes);
      }
    }
  }
}

type Step = (run: Run) => unknown;

const peer = fc.nat(1);
const kind = fc.constantFrom(...KINDS);
const variant = fc.constantFrom(...VARIANTS);
const which = fc.nat(7);

/** One thing that happens; its name is what a counterexample shows. */
function step<T extends unknown[]>(
  name: string,
  values: fc.Arbitrary<T>,
  run: (run: Run, ...values: T) => ReturnType<Step>,
) {
  return values.map((found): { readonly name: string; readonly act: Step } => ({
    name: `${name} ${found.join(' ')}`,
    act: (on) => run(on, ...found),
  }));
}

const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: step('header', fc.tuple(peer, kind, variant), (run, ...at) => run.header(...at)) },
    { weight: 4, arbitrary: step('page', fc.tuple(peer, kind, variant, fc.nat(1)), (run, ...at) => run.page(...at)) },
    { weight: 8, arbitrary: step('order', fc.tuple(which), (run, at) => run.order(at)) },
    { weight: 1, arbitrary: step('lose', fc.tuple(which), (run, at) => run.lose(at)) },
    { weight: 10, arbitrary: step('deliver', fc.tuple(peer), (run, at) => run.deliver(at)) },
    { weight: 8, arbitrary: step('control center', fc.tuple(peer, kind), (run, ...at) => run.work(...at)) },
    { weight: 1, arbitrary: step('crash', fc.tuple(), (run) => run.crash()) },
    { weight: 1, arbitrary: step('reopen', fc.tuple(peer, kind), (run, ...at) => run.reopen(...at)) },
  ),
  { maxLength: 60, size: 'max' },
);

describe('service provider, control center and two peers in any order', function () {
  this.timeout(3_600_000);
  const small = [0, 0, 0, 0, 0];
  let onePage: Start;
  let twoPages: Start;
  before(async () => {
    onePage = await Start.make(small);
    twoPages = await Start.make(Array.from({ length: 505 }, (_, row) => row % 5));
  });

  /** Runs with a counterexample in words when one fails. */
  async function hold(start: Start, numRuns: number): Promise<void> {
    const property = fc.asyncProperty(steps, async (happening) => {
      const run = new Run(start);
      try {
        for (const { act } of happening) {
          await act(run);
        }
        await run.finish();
      } catch (error) {
        throw new Error(`after ${happening.map(({ name }) => name).join('; ')}: ${String(error)}`, { cause: error });
      }
    });
    await fc.assert(property, { numRuns });
  }

  it('nothing is lost or doubled, nothing is signed twice, and both ledgers are sealed once SP behaves', () =>
    hold(onePage, RUNS));

  it('the same with more than one page', () => hold(twoPages, Math.ceil(RUNS / 40)));

  it('the same after more replacements than are allowed', async () => {
    const run = new Run(onePage);
    for (let replacement = 0; replacement < 20; replacement++) {
      await run.header(replacement % 2, 'pricing', replacement % 2 === 0 ? 'poisoned' : 'other');
      run.order(0);
      [0, 1].forEach((at) => run.deliver(at));
    }
    await run.finish();
  });
});
