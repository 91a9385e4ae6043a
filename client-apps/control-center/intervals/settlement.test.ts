// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { toHex } from '../../../protocol/crypto/bytes.js';
import { sodiumCrypto as crypto } from '../../../protocol/crypto/sodium.js';
import { decodeSealsFile } from '../../../protocol/ledger/bulletin.js';
import { encodeSignedParameters } from '../../../protocol/ledger/parameters-json.js';
import { encodeRegistryRoot } from '../../../protocol/ledger/registry-root.js';
import { encodeSignedHeader, signedHeaderDigest, type SignedHeader } from '../../../protocol/ledger/signed-header.js';
import { encodeSignedDirectory } from '../../../protocol/onion/directory-format.js';
import { intervalContext } from '../../../protocol/rules/interval-context.js';
import { ContractLedger, type ContractClient } from '../../../test/support/ledger/contract-ledger.js';
import { IntervalMaker, type FakeInterval } from '../../../test/support/interval.js';
import { FakeRegion } from '../../../test/support/region.js';
import { BulletinWriter } from '../../bulletin/writer.js';
import { LedgerError } from '../../ledger/index.js';
import { LedgerWatch } from '../../ledger/ledger-watch.js';
import { RegionLedger } from '../../ledger/region-ledger.js';
import {
  commitConsumption,
  settleBilling,
  settlePricing,
  type Settlement,
  type SettlementTools,
} from './settlement.js';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const TWO_PAGES = Array.from({ length: 505 }, (_, row) => row % 5);
const FEW = [0, 0, 0, 0, 0];

describe('settlement with a hostile service provider', function () {
  this.timeout(30_000);
  const kit = new FakeRegion({ meters: 100 });
  let root: string;
  let maker: IntervalMaker;
  let center: ContractClient;
  let provider: ContractClient;
  let own: RegionLedger;
  let tools: SettlementTools;
  let warnings: Record<string, unknown>[];

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'gridveil-settlement-'));
    maker = new IntervalMaker(kit);
    const contracts = new ContractLedger();
    center = contracts.client('ControlCenterMSP');
    provider = contracts.client('ServiceProviderMSP');
    own = new RegionLedger(provider, kit.region);
    await center.submit('consumption', 'PutParameters', [text(encodeSignedParameters(kit.signedParameters))]);
    await center.submit('consumption', 'PutRegistryRoot', [text(encodeRegistryRoot(kit.registryRoot(0)))]);
    await center.submit('consumption', 'PutDirectory', [text(encodeSignedDirectory(kit.directory(0)))]);
    warnings = [];
    tools = {
      ledger: new RegionLedger(center, kit.region),
      watch: await LedgerWatch.start(center, ['pricing', 'billing'], (error) => assert.fail(String(error))),
      bulletin: await BulletinWriter.open(root),
      log: pino(
        { base: {} },
        { write: (line: string) => void warnings.push(JSON.parse(line) as (typeof warnings)[0]) },
      ),
      key: kit.controlCenter,
      providing: (startSeconds) =>
        Promise.resolve({
          context: intervalContext(crypto, kit.parameters, startSeconds),
          pricePseudonymKey: kit.pricePseudonymKey,
        }),
    };
  });
  afterEach(async () => {
    center.close();
    provider.close();
    await rm(root, { recursive: true });
  });

  /** A committed interval that waits for the service provider. */
  async function committed(categories: readonly number[]): Promise<{ interval: FakeInterval; settlement: Settlement }> {
    const interval = maker.next(categories);
    const { consumption, index, witnesses, ledgerId } = interval;
    const sealed = { header: consumption.header, ...consumption.seal };
    const frozen = { sealed, rows: consumption.rows, index, witnesses: new Uint8Array(Buffer.concat([...witnesses])) };
    await commitConsumption(tools, frozen, kit.parameters.registryDepth);
    return {
      interval,
      settlement: { context: intervalContext(crypto, kit.parameters, ledgerId.startSeconds), frozen },
    };
  }

  const putHeader = ({ header, headerSignature }: SignedHeader) =>
    provider.submit(header.kind, 'PutHeader', [text(encodeSignedHeader({ header, headerSignature }))]);
  const putPage = (kind: 'pricing' | 'billing', { ledgerId }: FakeInterval, page: number, rows: Uint8Array) =>
    provider.submit(kind, 'PutPage', [ledgerId.region, String(ledgerId.startSeconds), String(page)], { rows });
  const pricePage = () => ({ pricePseudonymKey: kit.pricePseudonymKey.slice() });

  it('a billing header with an impossible root for page 1, then page 0: waits, and settles once it is replaced', async () => {
    const { interval, settlement } = await committed(TWO_PAGES);
    await own.putProvided({ signed: interval.pricing, rows: interval.pricing.rows, transientOf: pricePage });
    const pricing = await settlePricing(tools, settlement, undefined);
    const { header } = interval.billing;
    const [first, second] = header.pages;
    await putHeader(maker.sign({ ...header, pages: [first!, { ...second!, root: kit.secret('impossible') }] }));
    await putPage('billing', interval, 0, interval.billing.pages[0]!);
    await assert.rejects(putPage('billing', interval, 1, interval.billing.pages[1]!), { code: 'PAGE_MISMATCH' });

    const settling = settleBilling(tools, settlement, pricing, undefined);
    await own.putProvided({ signed: interval.billing, rows: interval.billing.rows });
    const billing = await settling;
    assert.deepEqual(billing.seal, interval.billing.seal.seal);
    const { startSeconds } = interval.ledgerId;
    const folder = join(root, 'bulletin', kit.region, String(startSeconds));
    assert.deepEqual(new Uint8Array(await readFile(join(folder, 'billing.rows'))), interval.billing.rows);
    assert.deepEqual(decodeSealsFile(await readFile(join(folder, 'seals.json'))).billing, billing);
    assert.deepEqual(warnings, []);
  });

  it('what is on the ledger and wrong is not chosen: logged once with its signature, and another one is sealed', async () => {
    const { interval, settlement } = await committed(FEW);
    const rows = maker.priceRow(interval.ledgerId, interval.price + 1_000n);
    const wrong = { ...maker.signedHeader('pricing', interval.ledgerId, rows), rows };
    // The contract refuses such a price; a peer that does not run it may have committed it all the same.
    const provided = tools.ledger.provided.bind(tools.ledger);
    let asked = 0;
    tools.ledger.provided = (kind, startSeconds) =>
      ++asked < 4 ? Promise.resolve(wrong) : provided(kind, startSeconds);
    const settling = settlePricing(tools, settlement, undefined);
    await own.putProvided({ signed: interval.pricing, rows: interval.pricing.rows, transientOf: pricePage });
    assert.deepEqual((await settling).seal, interval.pricing.seal.seal);
    assert.equal(warnings.length, 1);
    const { ledger, startSeconds, code, headerDigest, headerSignature } = warnings[0]!;
    assert.deepEqual([ledger, startSeconds, code], ['pricing', interval.ledgerId.startSeconds, 'WRONG_PRICE']);
    assert.equal(headerDigest, toHex(signedHeaderDigest(crypto, wrong)));
    assert.equal(headerSignature, toHex(wrong.headerSignature));
  });

  it('looks again when the header is replaced between its look and its choice', async () => {
    const { interval, settlement } = await committed(FEW);
    const rows = maker.priceRow(interval.ledgerId, 0n);
    const other = maker.signedHeader('pricing', interval.ledgerId, rows);
    await own.putProvided({ signed: interval.pricing, rows: interval.pricing.rows, transientOf: pricePage });
    const putChoice = tools.ledger.putChoice.bind(tools.ledger);
    let choices = 0;
    tools.ledger.putChoice = async (...args) => {
      if (++choices === 1) {
        await putHeader(other);
      }
      return putChoice(...args);
    };
    const settling = settlePricing(tools, settlement, undefined);
    while (choices === 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await own.putProvided({ signed: interval.pricing, rows: interval.pricing.rows, transientOf: pricePage });
    assert.deepEqual((await settling).seal, interval.pricing.seal.seal);
    assert.equal(choices, 2);
    await assert.rejects(putHeader(other), (error) => error instanceof LedgerError && error.code === 'ALREADY_SEALED');
  });

  it('signs nothing before its choice is committed, and seals the same after a crash between the two', async () => {
    const { interval, settlement } = await committed(FEW);
    await own.putProvided({ signed: interval.pricing, rows: interval.pricing.rows, transientOf: pricePage });
    const signed: Uint8Array[] = [];
    const sign = kit.controlCenter.sign.bind(kit.controlCenter);
    const key = { ...kit.controlCenter, sign: (message: Uint8Array) => (signed.push(message), sign(message)) };
    const putChoice = tools.ledger.putChoice.bind(tools.ledger);
    tools.ledger.putChoice = async (...args) => {
      assert.equal(signed.length, 0);
      await putChoice(...args);
      tools.ledger.putChoice = putChoice;
      throw new Error('the process ends');
    };
    const withKey = { ...tools, key };
    await assert.rejects(settlePricing(withKey, settlement, undefined), { message: 'the process ends' });
    assert.equal(signed.length, 0);
    const sealed = await settlePricing(withKey, settlement, undefined);
    assert.deepEqual(sealed.seal, interval.pricing.seal.seal);
    assert.deepEqual(await settlePricing(tools, settlement, undefined), sealed);
  });
});
