// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { filesOf, sealsOf } from '../../test/support/bulletin.js';
import { BACK_ENDS } from '../../test/support/frozen-vectors.js';
import { type FakeInterval, IntervalMaker } from '../../test/support/interval.js';
import { tableRows } from '../../test/support/markdown.js';
import { FakeRegion } from '../../test/support/region.js';
import { concatBytes, equalBytes } from '../crypto/bytes.js';
import { sodiumCrypto as crypto } from '../crypto/sodium.js';
import type { ProtocolErrorCode } from '../errors.js';
import { encodeSealsFile, type ProvidedLedger, ROWS_FILE, SEALS_FILE } from '../ledger/bulletin.js';
import { splitRows } from '../ledger/page.js';
import type { SignedParameters } from '../ledger/parameters.js';
import { parametersDigest } from '../ledger/parameters-json.js';
import { decodeRow, signRow } from '../ledger/row.js';
import { type Seal, sealDigest, signSeal, type SignedSeal, verifySealSignature } from '../ledger/seal.js';
import { signHeader, type SignedHeader } from '../ledger/signed-header.js';
import { checkSeal, followingSealContent } from './check-seal.js';
import { intervalContext } from './interval-context.js';
import {
  checkPriceEvidence,
  decodePriceEvidence,
  encodePriceEvidence,
  findPriceEvidence,
  type PriceEvidence,
} from './price-evidence.js';
import { auditInterval } from './verify-interval.js';

const CATEGORIES = [0, 0, 0, 0, 0, 2, 2, 2, 2, 2];
const direct = new FakeRegion({ meters: 6, consumers: 7, parameters: { priceMode: 'direct' } });
const single = new FakeRegion({ meters: 6 });

/** What the service provider signs for a consumer, by its place in the list. */
type PriceOf = (place: number, price: bigint) => bigint;

/** The first interval of the region; the service provider may sign another price for a consumer. */
function made(priceOf?: PriceOf): FakeInterval {
  return new IntervalMaker(direct).next(CATEGORIES, priceOf);
}

/** What one consumer is charged too much, and what all are. */
const dearForOne: PriceOf = (place, price) => (place === 3 ? price + 1_000n : price);
const dearForAll: PriceOf = (_, price) => price + 1_000n;

const honest = made();
const dear = made(dearForOne);
const allDear = made(dearForAll);
const evidenceOf = (interval: FakeInterval, parameters = [direct.signedParameters]): PriceEvidence =>
  findPriceEvidence(crypto, parameters, filesOf(interval))!;

const evidence = evidenceOf(allDear);
const context = intervalContext(crypto, direct.parameters, honest.ledgerId.startSeconds);
const about = { basis: sealDigest(crypto, evidence.consumption.seal), parametersDigest: context.parametersDigest };

/** CC's seal over a header of prices, whatever it is. */
function sealed(signed: SignedHeader, kit = direct, interval = honest): ProvidedLedger {
  const found = intervalContext(crypto, kit.parameters, interval.ledgerId.startSeconds);
  const basis = interval.consumption.seal.seal;
  const consumersDigest = interval.pricing.seal.seal.directoryDigest;
  const content = followingSealContent(crypto, found, { signed, basis, consumersDigest });
  const { previous } = interval.pricing.seal.seal;
  const { header, headerSignature } = signed;
  return { header, headerSignature, ...signSeal(crypto, { ...content, previous }, kit.controlCenter) };
}

/** Another seal of CC's for the same interval. */
function anotherSeal(signed: SignedSeal, change: Partial<Seal>): SignedSeal {
  return signSeal(crypto, { ...signed.seal, ...change }, direct.controlCenter);
}

const proves = (found: PriceEvidence): boolean => checkPriceEvidence(crypto, found).isProven;
const refused = (change: Partial<PriceEvidence>, code: ProtocolErrorCode, found = evidence): void =>
  assert.throws(() => checkPriceEvidence(crypto, { ...found, ...change }), { code });

/** Codes of an interval's faults, which its files show to anyone. */
function faults(kit: FakeRegion, interval: FakeInterval, files = filesOf(interval)): string[] {
  const trust = { parameters: [kit.signedParameters], previous: 'first', depth: 'full' } as const;
  return [...new Set(auditInterval(crypto, interval.ledgerId, files, trust).faults.map(({ code }) => code))];
}

/** Two different seals of one interval and kind, both CC's. */
function twoSeals(one: SignedSeal, other: SignedSeal): boolean {
  for (const signed of [one, other]) {
    verifySealSignature(crypto, signed, direct.controlCenter.publicKey);
  }
  const isSame = (field: 'kind' | 'ledgerId'): boolean =>
    JSON.stringify(one.seal[field]) === JSON.stringify(other.seal[field]);
  return (
    isSame('kind') && isSame('ledgerId') && !equalBytes(sealDigest(crypto, one.seal), sealDigest(crypto, other.seal))
  );
}

/** An interval of a region with one price for all, in which CC sealed whatever SP signed. */
function resealed(change: { pricing?: (price: bigint) => bigint; bill?: bigint }): {
  interval: FakeInterval;
  files: Map<string, Uint8Array>;
} {
  const maker = new IntervalMaker(single);
  const interval = maker.next(CATEGORIES);
  const { ledgerId, price } = interval;
  const files = filesOf(interval);
  const seals = sealsOf(interval);
  if (change.pricing !== undefined) {
    const rows = maker.priceRow(ledgerId, change.pricing(price));
    const pricing = sealed(maker.signedHeader('pricing', ledgerId, rows), single, interval);
    files.set(ROWS_FILE.pricing, rows).set(SEALS_FILE, encodeSealsFile({ consumption: seals.consumption, pricing }));
    files.delete(ROWS_FILE.billing);
  }
  if (change.bill !== undefined) {
    const [first, ...others] = splitRows(interval.billing.rows);
    const bill = signRow(crypto, { ...decodeRow(first!), value: change.bill }, single.serviceProvider);
    const rows = concatBytes(bill, ...others);
    const signed = maker.signedHeader('billing', ledgerId, rows);
    const found = intervalContext(crypto, single.parameters, ledgerId.startSeconds);
    const content = followingSealContent(crypto, found, { signed, basis: seals.pricing.seal });
    const seal = { ...content, previous: seals.billing.seal.previous };
    const billing = { ...signed, ...signSeal(crypto, seal, single.controlCenter) };
    files.set(ROWS_FILE.billing, rows).set(SEALS_FILE, encodeSealsFile({ ...seals, billing }));
  }
  return { interval, files };
}

/** A version after the first: another tariff, or in force from another interval. */
function laterVersion(effectiveFromSeconds: number): SignedParameters {
  return direct.signParameters({
    ...direct.parameters,
    version: 2,
    effectiveFromSeconds,
    previous: parametersDigest(crypto, direct.parameters),
  });
}

/** By the first column of the table in the document: what shows that the party is convicted, or that it is not. */
const CELLS: Readonly<Record<string, { readonly serviceProvider: () => void; readonly controlCenter: () => void }>> = {
  'a row with a wrong price in a sealed header, price mode `direct`': {
    serviceProvider: () => assert.ok(proves(evidence) && evidence.rows.length === 1),
    controlCenter: () =>
      checkSeal(crypto, evidence.pricing, context, { content: sealed(evidence.pricing).seal, previous: 'unknown' }),
  },
  'a row with a wrong price in a sealed header, price mode `ledger`': {
    serviceProvider() {
      const { files } = resealed({ pricing: (price) => price + 1_000n });
      assert.ok(proves(findPriceEvidence(crypto, [single.signedParameters], files)!));
    },
    controlCenter() {
      const { interval, files } = resealed({ pricing: (price) => price + 1_000n });
      assert.deepEqual(faults(single, interval, files), ['WRONG_PRICE']);
    },
  },
  'two rows with different prices in one sealed header': {
    serviceProvider: () => assert.ok(proves(evidenceOf(dear)) && evidenceOf(dear).rows.length === 2),
    controlCenter: () => assert.deepEqual(faults(direct, dear), ['WRONG_PRICE']),
  },
  'a sealed bill that is not price times energy': {
    serviceProvider() {
      const { interval, files } = resealed({ bill: 1n });
      // Neither BAD_SIGNATURE nor WRONG_KEY: row and header are SP's.
      assert.deepEqual(faults(single, interval, files), ['WRONG_BILL']);
    },
    controlCenter() {
      const { interval, files } = resealed({ bill: 1n });
      // No SEAL_MISMATCH: CC has sealed it.
      assert.deepEqual(faults(single, interval, files), ['WRONG_BILL']);
    },
  },
  'a sealed header that SP did not sign': {
    serviceProvider() {
      const pricing = sealed(signHeader(crypto, evidence.pricing.header, about, direct.controlCenter));
      refused({ pricing }, 'BAD_SIGNATURE');
    },
    controlCenter() {
      const forged = sealed(signHeader(crypto, honest.pricing.header, about, direct.controlCenter));
      const { consumption } = sealsOf(honest);
      const files = filesOf(honest).set(SEALS_FILE, encodeSealsFile({ consumption, pricing: forged }));
      files.delete(ROWS_FILE.billing);
      assert.deepEqual(faults(direct, honest, files), ['BAD_SIGNATURE']);
    },
  },
  'rows with the right price': {
    serviceProvider() {
      const right = evidenceOf(dear).rows.filter(({ row }) => decodeRow(row).value === dear.price);
      assert.equal(proves({ ...evidenceOf(dear), rows: right }), false);
      assert.equal(findPriceEvidence(crypto, [direct.signedParameters], filesOf(honest)), undefined);
    },
    controlCenter: () => assert.deepEqual(faults(direct, honest), []),
  },
  'a signed header with a wrong price that is not sealed': {
    serviceProvider() {
      // The header that was sealed in its place, and CC's seal of it under the wrong header.
      const { header, headerSignature } = allDear.pricing;
      refused({ pricing: { ...sealed(honest.pricing), header, headerSignature } }, 'SEAL_MISMATCH');
      const unsigned = {
        header,
        headerSignature,
        ...anotherSeal(allDear.pricing.seal, {}),
        signature: new Uint8Array(64),
      };
      refused({ pricing: unsigned }, 'BAD_SIGNATURE');
    },
    controlCenter: () => assert.deepEqual(faults(direct, honest), []),
  },
  'two signed headers of SP for one interval, one of them sealed': {
    serviceProvider() {
      refused({ pricing: sealed(honest.pricing) }, 'PAGE_MISMATCH');
      assert.equal(findPriceEvidence(crypto, [direct.signedParameters], filesOf(honest)), undefined);
    },
    controlCenter: () => assert.deepEqual(faults(direct, honest), []),
  },
  'two consumption seals of CC for one interval': {
    serviceProvider() {
      const consumption = anotherSeal(honest.consumption.seal, { total: honest.consumption.seal.seal.total * 2n });
      for (const found of [honest, allDear]) {
        const { header, headerSignature } = found.pricing;
        const pricing = {
          header,
          headerSignature,
          ...anotherSeal(found.pricing.seal, { basis: sealDigest(crypto, consumption.seal) }),
        };
        refused({ consumption, pricing }, 'BAD_SIGNATURE');
        refused({ consumption, pricing: { ...pricing, ...found.pricing.seal } }, 'BAD_SIGNATURE');
      }
    },
    controlCenter() {
      const { seal } = honest.consumption;
      assert.ok(twoSeals(seal, anotherSeal(seal, { total: 0n })));
    },
  },
  'two pricing seals of CC for one interval': {
    serviceProvider() {
      // An honest service provider whose header CC seals twice has signed nothing wrong in either.
      const twice = anotherSeal(honest.pricing.seal, { previous: crypto.sha256() });
      const { header, headerSignature } = honest.pricing;
      const files = filesOf(honest).set(
        SEALS_FILE,
        encodeSealsFile({ consumption: sealsOf(honest).consumption, pricing: { header, headerSignature, ...twice } }),
      );
      assert.equal(findPriceEvidence(crypto, [direct.signedParameters], files), undefined);
    },
    controlCenter: () => assert.ok(twoSeals(honest.pricing.seal, allDear.pricing.seal)),
  },
  "a header of SP's with a seal or parameters that it was not signed for": {
    serviceProvider() {
      for (const change of [{ basis: crypto.sha256() }, { parametersDigest: crypto.sha256() }]) {
        const signed = signHeader(crypto, allDear.pricing.header, { ...about, ...change }, direct.serviceProvider);
        refused({ pricing: sealed(signed) }, 'BAD_SIGNATURE');
      }
      const other = new IntervalMaker(direct);
      other.next(CATEGORIES);
      const next = evidenceOf(other.next(CATEGORIES, dearForAll));
      assert.ok(proves(next));
      refused({ pricing: next.pricing }, 'BAD_SIGNATURE');
    },
    controlCenter: () => assert.ok(proves(evidence)),
  },
  'a signed row without a header, or with a header that does not have it': {
    serviceProvider() {
      const [placed] = evidence.rows;
      const cheap = signRow(crypto, { ...decodeRow(placed!.row), value: 0n }, direct.serviceProvider);
      refused({ rows: [{ ...placed!, row: cheap }] }, 'PAGE_MISMATCH');
      refused({ rows: [{ ...placed!, place: 1 }] }, 'PAGE_MISMATCH');
      refused({ rows: [{ ...placed!, page: 1 }] }, 'PAGE_MISMATCH');
      refused({ rows: [{ ...placed!, path: placed!.path.slice(1) }] }, 'MALFORMED');
      refused({ pricing: sealed(honest.pricing) }, 'PAGE_MISMATCH');
    },
    controlCenter: () => assert.deepEqual(faults(direct, honest), []),
  },
  "a list of parameters that ends before or after the seal's version": {
    serviceProvider() {
      // Note 9: an honest interval under version 2, and evidence that ends with version 1 and its other tariff.
      const second = laterVersion(honest.ledgerId.startSeconds + 1_800);
      const maker = new IntervalMaker(new FakeRegion({ meters: 6, consumers: 7, parameters: second.parameters }), 0);
      const priced = maker.next(CATEGORIES, dearForAll);
      const found = evidenceOf(priced, [direct.signedParameters, second]);
      assert.ok(proves(found) && found.parameters.length === 2);
      refused({ parameters: [direct.signedParameters] }, 'SEAL_MISMATCH', found);
      // A version that came later, and one that was to be in force already.
      refused({ parameters: [direct.signedParameters, second] }, 'NOT_EFFECTIVE');
      const earlier = laterVersion(honest.ledgerId.startSeconds + 1_800);
      const next = new IntervalMaker(direct, 1).next(CATEGORIES, dearForAll);
      const ofFirst = evidenceOf(next);
      assert.ok(proves(ofFirst));
      refused({ parameters: [direct.signedParameters, earlier] }, 'SEAL_MISMATCH', ofFirst);
      refused({ parameters: [] }, 'PARAMETERS_INVALID');
    },
    controlCenter: () => assert.ok(proves(evidence)),
  },
  "a list of parameters with another version of the seal's number": {
    serviceProvider() {
      const other = direct.signParameters({ ...direct.parameters, kAnonymity: 6 });
      refused({ parameters: [other] }, 'SEAL_MISMATCH');
      // CC seals again under it; SP has not signed for it.
      const consumption = anotherSeal(evidence.consumption, {
        parametersDigest: parametersDigest(crypto, other.parameters),
      });
      refused({ parameters: [other], consumption }, 'BAD_SIGNATURE');
    },
    controlCenter: () => assert.ok(proves(evidence)),
  },
  'no row, two rows with one price, or more than two': {
    serviceProvider() {
      const [wrong, right] = evidenceOf(dear).rows;
      const [first] = evidence.rows;
      refused({ rows: [] }, 'MALFORMED');
      refused({ rows: [first!, first!] }, 'MALFORMED');
      refused({ rows: [wrong!, wrong!] }, 'MALFORMED', evidenceOf(dear));
      refused({ rows: [wrong!, right!, wrong!] }, 'MALFORMED', evidenceOf(dear));
    },
    controlCenter: () => assert.ok(proves(evidence)),
  },
};

const PAGE = readFileSync(new URL('../../../docs/PROTOCOL.md', import.meta.url), 'utf8');

describe('who can be convicted by what', () => {
  const table = tableRows(PAGE, 'shown');

  it('has the same cases in the document and here', () => {
    assert.deepEqual(table.map(([shown]) => shown).sort(), Object.keys(CELLS).sort());
    for (const [, serviceProvider, controlCenter, because] of table) {
      assert.ok([serviceProvider, controlCenter].every((verdict) => verdict === 'yes' || verdict === 'no'));
      assert.notEqual(because, '');
    }
  });

  for (const [shown, serviceProvider, controlCenter] of table) {
    it(`${shown}: the service provider ${serviceProvider}`, () => CELLS[shown!]!.serviceProvider());
    it(`${shown}: the control center ${controlCenter}`, () => CELLS[shown!]!.controlCenter());
  }
});

describe('evidence of a wrong price', () => {
  for (const backEnd of BACK_ENDS) {
    it(`verifies offline by itself (${backEnd.name})`, () => {
      const found = evidenceOf(dear);
      const read = decodePriceEvidence(encodePriceEvidence(found));
      assert.deepEqual(read, found);
      const finding = checkPriceEvidence(backEnd, read);
      assert.deepEqual(finding.signed, [dear.price + 1_000n, dear.price]);
      assert.equal(finding.due, dear.price);
      assert.ok(finding.isProven);
      assert.equal(checkPriceEvidence(backEnd, read, finding.trusted).trusted, finding.trusted);
      assert.throws(() => checkPriceEvidence(backEnd, read, '00'.repeat(32)), { code: 'WRONG_KEY' });
    });
  }

  it('is refused when a row or a seal is not what it claims to be', () => {
    const [placed] = evidence.rows;
    const row = decodeRow(placed!.row);
    const rowsOf = (bytes: Uint8Array) => ({ rows: [{ ...placed!, row: bytes }] });
    const resigned = (change: object, key = direct.serviceProvider) =>
      rowsOf(signRow(crypto, { ...row, ...change }, key));
    refused(resigned({}, direct.controlCenter), 'WRONG_KEY');
    refused(rowsOf(placed!.row.with(80, 1)), 'BAD_SIGNATURE');
    refused(resigned({ ledgerId: { ...row.ledgerId, startSeconds: direct.startOf(1) } }), 'WRONG_LEDGER');
    refused(resigned({ type: 2 }), 'WRONG_TYPE');
    refused(resigned({ timeSeconds: 0 }), 'WRONG_TIME');
    const { consumption } = evidence;
    refused({ consumption: { ...consumption, signature: new Uint8Array(64) } }, 'BAD_SIGNATURE');
    refused({ consumption: { ...consumption, seal: { ...consumption.seal, total: 1n } } }, 'BAD_SIGNATURE');
    refused({ consumption: allDear.billing.seal }, 'WRONG_LEDGER');
  });

  it('that is found is proven, and every interval with a wrong price that SP signed has some', () => {
    const prices = fc.array(fc.constantFrom(0n, 0n, 1_000n, 2_000n), { minLength: 7, maxLength: 7 });
    fc.assert(
      fc.property(prices, (extra) => {
        const interval = made((place, price) => price + extra[place]!);
        const found = findPriceEvidence(crypto, [direct.signedParameters], filesOf(interval));
        assert.equal(
          found !== undefined,
          extra.some((amount) => amount !== 0n),
        );
        if (found !== undefined) {
          assert.ok(proves(decodePriceEvidence(encodePriceEvidence(found))));
        }
      }),
      { numRuns: 25 },
    );
  });

  it('is not found in files that anyone has changed', () => {
    const files = filesOf(dear);
    const rows = files.get(ROWS_FILE.pricing)!;
    const file = files.get(SEALS_FILE)!;
    const change = fc.record({ inRows: fc.boolean(), at: fc.nat(), bit: fc.nat(7) });
    fc.assert(
      fc.property(change, ({ inRows, at, bit }) => {
        const [name, bytes] = inRows ? [ROWS_FILE.pricing, rows] : [SEALS_FILE, file];
        const place = at % bytes.length;
        const changed = new Map(files).set(name, bytes.with(place, bytes[place]! ^ (1 << bit)));
        let found: PriceEvidence | undefined;
        try {
          found = findPriceEvidence(crypto, [direct.signedParameters], changed);
        } catch {
          return; // The file cannot be read.
        }
        assert.ok(found === undefined || proves(found));
      }),
      { numRuns: 200 },
    );
  });
});
