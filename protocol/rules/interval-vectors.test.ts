// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { BACK_ENDS, frozenVectors } from '../../test/support/frozen-vectors.js';
import { asciiBytes, fromHex, toHex } from '../crypto/bytes.js';
import { digest } from '../crypto/hash.js';
import { decodeWitnesses } from '../identity/witness.js';
import {
  decodeParametersFile,
  decodeSealsFile,
  encodeParametersFile,
  encodeSealsFile,
  type SealsFile,
} from '../ledger/bulletin.js';
import { buildHeader, headerDigest } from '../ledger/header.js';
import { encodeIndex, indexDigest } from '../ledger/index-file.js';
import { splitRows } from '../ledger/page.js';
import { parametersDigest, signParameters } from '../ledger/parameters-json.js';
import { decodeRegistryRoot, encodeRegistryRoot, signRegistryRoot } from '../ledger/registry-root.js';
import { decodeRow, type LedgerKind, LEDGER_KINDS, type ProvidedKind, signRow } from '../ledger/row.js';
import { sealDigest, signSeal } from '../ledger/seal.js';
import { signedHeaderDigest, signHeader } from '../ledger/signed-header.js';
import { encodeTariff, signTariff } from '../tariff/tariff.js';
import { checkRegistryRoot, verifyParametersList } from './check-parameters.js';
import { checkConsumptionPage } from './check-page.js';
import { checkPricePseudonym } from './check-price.js';
import { intervalContext } from './interval-context.js';
import { verifyInterval } from './verify-interval.js';

interface IntervalVectors {
  readonly controlCenterSeed: string;
  readonly serviceProviderSeed: string;
  readonly pricePseudonymKey: string;
  readonly region: string;
  readonly startSeconds: number;
  readonly fingerprint: string;
  readonly tariffDigest: string;
  readonly parametersDigest: string;
  readonly parametersFile: string;
  readonly registryRoot: string;
  readonly directoryDigest: string;
  readonly witnesses: string;
  readonly headerDigests: Record<LedgerKind, string>;
  readonly sealDigests: Record<LedgerKind, string>;
  readonly indexDigest: string;
  readonly files: Record<'seals.json' | 'consumption.index', string> & Record<`${LedgerKind}.rows`, readonly string[]>;
  readonly totals: Record<'milliWattHours' | 'priceNanoPerKilowattHour' | 'billedNanoCurrency', string> & {
    readonly rowsPerCategory: readonly number[];
  };
}

const vectors = frozenVectors<IntervalVectors>('interval');
const rows = (kind: LedgerKind): Uint8Array => fromHex(vectors.files[`${kind}.rows`].join(''));
const files = new Map([
  ['seals.json', asciiBytes(vectors.files['seals.json'])],
  ['consumption.index', fromHex(vectors.files['consumption.index'])],
  ...LEDGER_KINDS.map((kind): [string, Uint8Array] => [`${kind}.rows`, rows(kind)]),
]);
const ledgerId = { region: vectors.region, startSeconds: vectors.startSeconds };

describe('frozen interval', () => {
  for (const crypto of BACK_ENDS) {
    const versions = decodeParametersFile(asciiBytes(vectors.parametersFile));
    const { parameters } = versions[0]!;
    const context = intervalContext(crypto, parameters, ledgerId.startSeconds);
    const seals = decodeSealsFile(files.get('seals.json')!) as Required<SealsFile>;
    const registryRoot = decodeRegistryRoot(asciiBytes(vectors.registryRoot));

    it(`is verified in full and gives its totals (${crypto.name})`, () => {
      assert.equal(verifyParametersList(crypto, versions, vectors.fingerprint), vectors.fingerprint);
      const trust = {
        parameters: versions,
        previous: 'first',
        directoryDigest: fromHex(vectors.directoryDigest),
      } as const;
      const verified = verifyInterval(crypto, ledgerId, files, { ...trust, depth: 'full' });
      assert.deepEqual(verified.rowsPerCategory, vectors.totals.rowsPerCategory);
      assert.equal(String(verified.totalMilliWattHours), vectors.totals.milliWattHours);
      assert.equal(String(verified.priceNanoPerKilowattHour), vectors.totals.priceNanoPerKilowattHour);
      assert.equal(String(verified.billedNanoCurrency), vectors.totals.billedNanoCurrency);
    });

    it(`passes the checks that need secrets (${crypto.name})`, () => {
      checkRegistryRoot(crypto, registryRoot, parameters);
      const [entry] = seals.consumption.header.pages;
      const witnesses = decodeWitnesses(fromHex(vectors.witnesses), entry!.count, parameters.registryDepth);
      checkConsumptionPage(crypto, rows('consumption'), entry!, context, witnesses, registryRoot.registryRoot);
      checkPricePseudonym(crypto, rows('pricing'), context, fromHex(vectors.pricePseudonymKey));
    });

    it(`has these digests (${crypto.name})`, () => {
      assert.equal(
        toHex(digest(crypto, 'tariff', encodeTariff(vectors.region, parameters.tariff))),
        vectors.tariffDigest,
      );
      assert.equal(toHex(parametersDigest(crypto, parameters)), vectors.parametersDigest);
      assert.equal(toHex(indexDigest(crypto, files.get('consumption.index')!)), vectors.indexDigest);
      const { consumption, pricing, billing } = seals;
      assert.equal(toHex(headerDigest(crypto, consumption.header)), vectors.headerDigests.consumption);
      assert.equal(toHex(signedHeaderDigest(crypto, pricing)), vectors.headerDigests.pricing);
      assert.equal(toHex(signedHeaderDigest(crypto, billing)), vectors.headerDigests.billing);
      for (const kind of LEDGER_KINDS) {
        assert.equal(toHex(sealDigest(crypto, seals[kind].seal)), vectors.sealDigests[kind]);
      }
    });

    it(`is made again from the keys and the rows, to the byte (${crypto.name})`, () => {
      const controlCenter = crypto.ed25519Key(fromHex(vectors.controlCenterSeed));
      const serviceProvider = crypto.ed25519Key(fromHex(vectors.serviceProviderSeed));
      assert.deepEqual(
        signTariff(crypto, vectors.region, parameters.tariff, serviceProvider),
        parameters.tariffSignature,
      );
      const again = encodeParametersFile([signParameters(crypto, parameters, controlCenter)]);
      assert.deepEqual(again, asciiBytes(vectors.parametersFile));
      const root = signRegistryRoot(crypto, registryRoot.registryRoot, controlCenter);
      assert.deepEqual(encodeRegistryRoot(root), asciiBytes(vectors.registryRoot));
      for (const kind of ['pricing', 'billing'] as const) {
        for (const row of splitRows(rows(kind)).slice(0, 2)) {
          assert.deepEqual(signRow(crypto, decodeRow(row), serviceProvider), row);
        }
      }
      const sealed = (kind: LedgerKind) => ({
        header: buildHeader(crypto, seals[kind].header, rows(kind)),
        ...signSeal(crypto, seals[kind].seal, controlCenter),
      });
      const provided = (kind: ProvidedKind, basis: LedgerKind) => {
        const ledger = sealed(kind);
        const { parametersDigest: digest } = context;
        const about = { basis: sealDigest(crypto, seals[basis].seal), parametersDigest: digest };
        return { ...ledger, ...signHeader(crypto, ledger.header, about, serviceProvider) };
      };
      const consumption = sealed('consumption');
      const [pricing, billing] = [provided('pricing', 'consumption'), provided('billing', 'pricing')];
      assert.deepEqual(encodeSealsFile({ consumption, pricing, billing }), files.get('seals.json'));
      assert.deepEqual(
        encodeIndex(rows('consumption'), parameters.categoriesMilliWattHours),
        files.get('consumption.index'),
      );
    });
  }
});
