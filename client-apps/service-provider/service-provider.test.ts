// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pino } from 'pino';
import { sodiumCrypto as crypto } from '../../protocol/crypto/sodium.js';
import { sharedLinkKey } from '../../protocol/identity/meter-identity.js';
import { pricePseudonymCommitment } from '../../protocol/identity/pseudonym.js';
import { encodeHeader } from '../../protocol/ledger/header.js';
import {
  decodeSignedHeader,
  encodeSignedHeader,
  signedHeaderDigest,
  signHeader,
  type SignedHeader,
} from '../../protocol/ledger/signed-header.js';
import { toHex } from '../../protocol/crypto/bytes.js';
import { fingerprint } from '../../protocol/ledger/parameters.js';
import { encodeSignedParameters } from '../../protocol/ledger/parameters-json.js';
import { encodeRegistryRoot } from '../../protocol/ledger/registry-root.js';
import { encodeSignedSeal, sealDigest, signSeal, type Seal, type SignedSeal } from '../../protocol/ledger/seal.js';
import { splitRows } from '../../protocol/ledger/page.js';
import { rowValue } from '../../protocol/ledger/row.js';
import { billOf } from '../../protocol/tariff/bill.js';
import { chainSeal, followingSealContent } from '../../protocol/rules/check-seal.js';
import { intervalContext } from '../../protocol/rules/interval-context.js';
import { signTariff } from '../../protocol/tariff/tariff.js';
import { encodeSignedDirectory } from '../../protocol/onion/directory-format.js';
import { ContractLedger, type ContractClient, type Death } from '../../test/support/ledger/contract-ledger.js';
import { IntervalMaker, type FakeInterval, type IntervalLedger } from '../../test/support/interval.js';
import { FakeRegion } from '../../test/support/region.js';
import { SteppedClock } from '../runtime/clock.js';
import { LedgerError, type LedgerClient } from '../ledger/index.js';
import type { PartyContext, RunningParty } from '../runtime/party.js';
import type { ReportData } from '../runtime/report.js';
import { loadServiceProviderKeys, type ServiceProviderKeys } from './keys.js';
import { openServiceProvider } from './service-provider.js';
import { FileKey } from '../runtime/sealed-file.js';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const fileKey = new FileKey(new Uint8Array(32).fill(3), 'service provider', 'test');
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe('client-apps/service-provider', function () {
  this.timeout(30_000);
  let directory: string;
  let keys: ServiceProviderKeys;
  let kit: FakeRegion;
  let maker: IntervalMaker;
  let ledger: ContractLedger;
  let center: ContractClient;
  let reports: { name: string; data: ReportData }[];
  let running: RunningParty[];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gridveil-provider-'));
    keys = await loadServiceProviderKeys({ directory, fileKey, random, seed: undefined });
    kit = regionOf(keys);
    maker = new IntervalMaker(kit);
    ledger = new ContractLedger();
    center = ledger.client('ControlCenterMSP');
    reports = [];
    running = [];
    await center.submit('consumption', 'PutParameters', [text(encodeSignedParameters(kit.signedParameters))]);
    await center.submit('consumption', 'PutRegistryRoot', [text(encodeRegistryRoot(kit.registryRoot(0)))]);
    await center.submit('consumption', 'PutDirectory', [text(encodeSignedDirectory(kit.directory(0)))]);
  });
  afterEach(async () => {
    for (const party of running) {
      await party.stop();
    }
    await rm(directory, { recursive: true });
  });

  /** The region of the kit, with this provider in place of the kit's. */
  function regionOf({ publicKey, identity, signing }: ServiceProviderKeys): FakeRegion {
    const draft = new FakeRegion();
    const { controlCenter, serviceProvider, tariff, region } = draft.parameters;
    const key = sharedLinkKey(crypto, draft.secret('control center x25519'), publicKey);
    return new FakeRegion({
      parameters: {
        controlCenter,
        tariffSignature: signTariff(crypto, region, tariff, signing),
        serviceProvider: {
          ...serviceProvider,
          identity,
          signaturePublicKey: signing.publicKey,
          pricePseudonymCommitment: pricePseudonymCommitment(crypto, identity, key),
        },
      },
    });
  }

  async function start(client: LedgerClient = ledger.client('ServiceProviderMSP')): Promise<RunningParty> {
    const report = (name: string, data: ReportData): void => void reports.push({ name, data });
    const context: PartyContext = { clock: new SteppedClock(0), random, log: pino({ level: 'silent' }), report };
    const identity = { mspId: 'ServiceProviderMSP', certificatePath: 'none', keyPath: 'none' };
    const config = {
      directory,
      region: kit.region,
      ledger: { profile: 'none', identity, controlCenterMspId: 'ControlCenterMSP' },
      trustAnchor: fingerprint(crypto, kit.controlCenter.publicKey),
    };
    const party = await openServiceProvider(config, context, fileKey, client);
    running.push(party);
    return party;
  }

  /** The control center's part: a ledger with its seal. */
  async function seal({ header, pages, seal: signed }: IntervalLedger, interval: FakeInterval): Promise<void> {
    const { region, startSeconds } = interval.ledgerId;
    await center.submit('consumption', 'PutHeader', [text(encodeHeader(header))]);
    for (const [page, rows] of pages.entries()) {
      const transient = { rows, witnesses: interval.witnesses[page]! };
      await center.submit('consumption', 'PutPage', [region, String(startSeconds), String(page)], transient);
    }
    await center.submit('consumption', 'PutSeal', [text(encodeSignedSeal(signed))]);
  }

  /** Waits until a query succeeds. */
  async function committed(channel: string, transaction: string, ...args: string[]): Promise<Uint8Array> {
    for (;;) {
      const found = await center.evaluate(channel, transaction, [kit.region, ...args]).catch(() => undefined);
      if (found !== undefined) {
        return found;
      }
      await pause(2);
    }
  }

  async function until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) {
      await pause(2);
    }
  }

  const starts = (interval: FakeInterval): string => String(interval.ledgerId.startSeconds);

  /** Prices of the provider differ from the kit's in their pseudonym and signature, so its seals must too. */
  async function sealPricing(interval: FakeInterval, previous?: Seal): Promise<SignedSeal> {
    await committed('pricing', 'GetPageRows', starts(interval), '0');
    const signedHeader = decodeSignedHeader(await committed('pricing', 'GetHeader', starts(interval)));
    const context = intervalContext(crypto, kit.parameters, interval.ledgerId.startSeconds);
    const basis = interval.consumption.seal.seal;
    const content = followingSealContent(crypto, context, { signed: signedHeader, basis });
    const signed = signSeal(crypto, chainSeal(crypto, content, previous, context), kit.controlCenter);
    const digest = toHex(signedHeaderDigest(crypto, signedHeader));
    await center.submit('pricing', 'PutChoice', [kit.region, starts(interval), digest]);
    await center.submit('pricing', 'PutSeal', [text(encodeSignedSeal(signed))]);
    return signed;
  }

  it('prices a sealed interval and bills it once the price is sealed', async () => {
    await start();
    const interval = maker.next([0, 0, 0, 0, 0, 2, 2, 2, 2, 2]);
    await seal(interval.consumption, interval);
    const price = JSON.parse(text(await committed('pricing', 'GetPrice', starts(interval)))) as Record<string, string>;
    assert.equal(price['priceNanoPerKilowattHour'], interval.price.toString());
    await assert.rejects(center.evaluate('billing', 'GetHeader', [kit.region, starts(interval)]), {
      code: 'NOT_FOUND',
    });
    await sealPricing(interval);
    const bills = splitRows(await committed('billing', 'GetPageRows', starts(interval), '0'));
    const expected = splitRows(interval.consumption.rows).map((row) => billOf(interval.price, rowValue(row)));
    assert.deepEqual(bills.map(rowValue), expected);
  });

  it('handles what fell due while it was down, in order', async () => {
    const first = maker.next([1, 1, 1, 1, 1]);
    const second = maker.next([]);
    await seal(first.consumption, first);
    await seal(second.consumption, second);
    await start();
    const pricing = await sealPricing(first);
    await committed('billing', 'GetPageRows', starts(first), '0');
    await sealPricing(second, pricing.seal);
    const { header: empty } = decodeSignedHeader(await committed('billing', 'GetHeader', starts(second)));
    assert.equal(empty.count, 0);
  });

  it('writes the same bytes when it dies at any of its submissions', async () => {
    const interval = maker.next([3, 3, 3, 3, 3]);
    await seal(interval.consumption, interval);
    const bytes = async (): Promise<Buffer[]> => [
      Buffer.from(await committed('pricing', 'GetPageRows', starts(interval), '0')),
      Buffer.from(await committed('billing', 'GetPageRows', starts(interval), '0')),
    ];
    const provider = ledger.client('ServiceProviderMSP');
    await start(provider);
    await sealPricing(interval);
    const expected = await bytes();
    await pause(20);
    assert.equal(provider.submissions, 4, 'header and page of the price, header and page of the bills');
    const sealed = { consumption: interval.consumption };
    for (const moment of ['before', 'after'] as const) {
      for (let submission = 1; submission <= 4; submission++) {
        ledger = new ContractLedger();
        center = ledger.client('ControlCenterMSP');
        await center.submit('consumption', 'PutParameters', [text(encodeSignedParameters(kit.signedParameters))]);
        await center.submit('consumption', 'PutRegistryRoot', [text(encodeRegistryRoot(kit.registryRoot(0)))]);
        await center.submit('consumption', 'PutDirectory', [text(encodeSignedDirectory(kit.directory(0)))]);
        await seal(sealed.consumption, interval);
        const death: Death = { submission, moment };
        const dying = ledger.client('ServiceProviderMSP', death);
        await start(dying);
        const sealing = sealPricing(interval);
        await dying.died;
        await start();
        await sealing;
        assert.deepEqual(await bytes(), expected, `dies ${moment} submission ${submission}`);
      }
    }
  });

  /** A header with a price that is never right, signed by the provider as in an earlier, other state. */
  function otherPrice(interval: FakeInterval, value: bigint): SignedHeader {
    const rows = maker.priceRow(interval.ledgerId, value);
    const header = maker.header('pricing', interval.ledgerId, rows);
    return maker.sign(header, keys.signing);
  }

  const putSigned = (signed: SignedHeader): Promise<unknown> =>
    ledger.client('ServiceProviderMSP').submit(signed.header.kind, 'PutHeader', [text(encodeSignedHeader(signed))]);

  it('replaces its own header that differs from what it would write now, and a poisoned one', async () => {
    const interval = maker.next([1, 1, 1, 1, 1]);
    await seal(interval.consumption, interval);
    await putSigned(otherPrice(interval, 5_000n));
    await start();
    const pricing = await sealPricing(interval);
    await committed('billing', 'GetPageRows', starts(interval), '0');
    assert.equal(pricing.seal.total, interval.price);
    await running.pop()!.stop();

    // The bills' root is impossible, so no page is ever committed under this header.
    const signed = decodeSignedHeader(await committed('billing', 'GetHeader', starts(interval)));
    const [entry] = signed.header.pages;
    const poisoned = { ...signed.header, pages: [{ ...entry!, root: kit.secret('impossible') }] };
    const context = intervalContext(crypto, kit.parameters, interval.ledgerId.startSeconds);
    const about = { basis: sealDigest(crypto, pricing.seal), parametersDigest: context.parametersDigest };
    await putSigned(signHeader(crypto, poisoned, about, keys.signing));
    await assert.rejects(center.evaluate('billing', 'GetPageRows', [kit.region, starts(interval), '0']), {
      code: 'NOT_FOUND',
    });
    await start();
    await committed('billing', 'GetPageRows', starts(interval), '0');
    const again = decodeSignedHeader(await committed('billing', 'GetHeader', starts(interval)));
    assert.deepEqual(again, signed);
  });

  it('keeps an earlier header of its own that the control center has chosen, and bills on it', async () => {
    const interval = maker.next([1, 1, 1, 1, 1]);
    await seal(interval.consumption, interval);
    await start();
    await sealPricing(interval);
    const chosen = await committed('pricing', 'GetHeader', starts(interval));
    await committed('billing', 'GetPageRows', starts(interval), '0');
    await running.pop()!.stop();
    // What it would write now is another header: the ledger answers as if its own were.
    const client = ledger.client('ServiceProviderMSP');
    const submit = client.submit.bind(client);
    let refusals = 0;
    client.submit = (channel, transaction, args, transient) => {
      if (channel === 'pricing' && transaction === 'PutHeader') {
        refusals++;
        return submit(channel, transaction, [text(encodeSignedHeader(otherPrice(interval, 0n)))], transient);
      }
      return submit(channel, transaction, args, transient);
    };
    await start(client);
    await until(() => reports.filter(({ name }) => name === 'billed').length === 2);
    assert.equal(refusals, 1);
    assert.deepEqual(await committed('pricing', 'GetHeader', starts(interval)), chosen);
  });

  it('waits when it has replaced its header too often, until the control center reopens it', async () => {
    const interval = maker.next([1, 1, 1, 1, 1]);
    await seal(interval.consumption, interval);
    for (let replacement = 0; replacement <= 16; replacement++) {
      await putSigned(otherPrice(interval, BigInt(1_000 * (replacement + 1))));
    }
    const party = await start();
    await pause(150);
    await center.submit('pricing', 'ReopenHeader', [kit.region, starts(interval)]);
    await sealPricing(interval);
    await committed('billing', 'GetPageRows', starts(interval), '0');
    await party.stop();
    await party.ended;
  });

  /** The ledger as an intermediary could show it. */
  function showing(change: (channel: string, transaction: string, answer: Uint8Array) => Uint8Array): LedgerClient {
    const honest = ledger.client('ServiceProviderMSP');
    const evaluate = honest.evaluate.bind(honest);
    honest.evaluate = async (channel, transaction, args) =>
      change(channel, transaction, await evaluate(channel, transaction, args));
    return honest;
  }

  for (const [what, transaction, code] of [
    ['a row', 'GetPageRows', 'PAGE_MISMATCH'],
    ['the seal', 'GetSeal', 'BAD_SIGNATURE'],
  ] as const) {
    it(`refuses to price a ledger in which ${what} is not what was sealed`, async () => {
      const interval = maker.next([0, 0, 0, 0, 0]);
      await seal(interval.consumption, interval);
      const client = showing((channel, asked, answer) => {
        if (channel !== 'consumption' || asked !== transaction) {
          return answer;
        }
        const changed = Uint8Array.from(answer);
        // In both, something of a signature.
        const at = transaction === 'GetPageRows' ? 170 : changed.length - 5;
        changed[at] = transaction === 'GetPageRows' ? changed[at]! ^ 1 : changed[at] === 0x30 ? 0x31 : 0x30;
        return changed;
      });
      const party = await start(client);
      await assert.rejects(party.ended, { code: 'VERIFICATION_FAILED' });
      const refused = reports.find(({ name }) => name === 'refused')!.data;
      assert.deepEqual(refused, { startSeconds: interval.ledgerId.startSeconds, code });
      assert.equal(ledger.stateOf('pricing').length, 0);
    });
  }

  it('is ready when all three chaincodes have answered, and not before', async () => {
    let finds = false;
    const client = ledger.client('ServiceProviderMSP');
    const evaluate = client.evaluate.bind(client);
    client.evaluate = (channel, ...asked) =>
      channel === 'billing' && !finds
        ? Promise.reject(new LedgerError('UNAVAILABLE', 'no peers available'))
        : evaluate(channel, ...asked);
    const starting = start(client);
    await pause(400);
    assert.deepEqual(reports, []);
    finds = true;
    await starting;
    assert.deepEqual(reports, [{ name: 'ready', data: {} }]);
  });

  it('refuses parameters of another control center', async () => {
    const interval = maker.next([0, 0, 0, 0, 0]);
    await seal(interval.consumption, interval);
    kit.controlCenter.publicKey[0]! ^= 1;
    const party = await start();
    kit.controlCenter.publicKey[0]! ^= 1;
    await assert.rejects(party.ended, { code: 'VERIFICATION_FAILED' });
    assert.deepEqual(reports.find(({ name }) => name === 'refused')!.data, { code: 'WRONG_KEY' });
    assert.equal(ledger.stateOf('pricing').length, 0);
  });
});
