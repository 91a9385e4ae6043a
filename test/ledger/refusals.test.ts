// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { diagnose } from '../../client-apps/ledger/ledger-error.js';
import { compareBytes, concatBytes } from '../../protocol/crypto/bytes.js';
import { encodeHeader } from '../../protocol/ledger/header.js';
import { ROWS_PER_PAGE } from '../../protocol/ledger/limits.js';
import { splitRows } from '../../protocol/ledger/page.js';
import {
  decodeRow,
  ROW_LENGTH,
  rowPseudonym,
  signRow,
  type LedgerKind,
  type ProvidedKind,
} from '../../protocol/ledger/row.js';
import { encodeSignedSeal, signSeal } from '../../protocol/ledger/seal.js';
import { encodeSignedHeader } from '../../protocol/ledger/signed-header.js';
import { IntervalMaker, type FakeInterval, type WitnessedRow } from '../support/interval.js';
import { FakeRegion } from '../support/region.js';
import { ROLES } from '../support/ledger/kind.js';
import { useLedger } from '../support/ledger/ledger-under-test.js';
import { openGateway } from '../support/ledger/raw-gateway.js';
import {
  useClients,
  CONSUMERS_MSP,
  CONTROL_CENTER_MSP,
  pageArguments,
  refused,
  fakeRegion,
  RegionOnLedger,
  SERVICE_PROVIDER_MSP,
  text,
  WRITER,
} from '../support/ledger/region-on-ledger.js';

const ROWS = Array.from({ length: 25 }, (_, row) => row % 5);
const THREE_PAGES = Array.from({ length: 1_010 }, (_, row) => row % 5);

describe('refused through the gateway', function () {
  this.timeout(120_000);
  const ledger = useLedger();
  const kit = fakeRegion('refusals', { meters: 60 });
  const maker = new IntervalMaker(kit);
  const clients = useClients(ledger);
  let region: RegionOnLedger;
  let interval: FakeInterval;

  before(async () => {
    region = new RegionOnLedger(clients(), kit);
    await region.begin();
    interval = maker.next(THREE_PAGES);
  });

  /** Puts rows of one page under a header that fits them, so that only the rows themselves can be wrong. */
  const putRows = async (rows: readonly WitnessedRow[]): Promise<unknown> => {
    const bytes = concatBytes(...rows.map(({ row }) => row));
    await region.putHeader(maker.header('consumption', interval.ledgerId, bytes));
    return region.putPage('consumption', {
      ledgerId: interval.ledgerId,
      page: 0,
      rows: bytes,
      witnesses: maker.witnessesOf(rows),
    });
  };
  const small = (): readonly WitnessedRow[] => interval.witnessedRows.slice(0, 100);

  describe('on consumption', () => {
    it('a row signed with another key: WRONG_KEY', async () => {
      const [first, ...others] = small();
      const row = signRow(kit.crypto, decodeRow(first!.row), kit.signingKey('other'));
      await refused('WRONG_KEY', putRows([{ row, witness: first!.witness }, ...others]));
    });

    it('an unregistered meter: UNREGISTERED', async () => {
      const larger = new FakeRegion({
        ...{ meters: kit.meters.length + 1, roles: ROLES },
        parameters: { region: kit.region },
      });
      const stranger = new IntervalMaker(larger).consumptionRow(interval.ledgerId, larger.meters.at(-1)!, 2);
      const rows = [...small(), stranger].sort((a, b) => compareBytes(rowPseudonym(a.row), rowPseudonym(b.row)));
      await refused('UNREGISTERED', putRows(rows));
    });

    it('a row twice in a page, or on two pages: DUPLICATE_ROW, PAGE_ORDER', async () => {
      const rows = small();
      const bytes = concatBytes(...rows.map(({ row }) => row));
      await region.putHeader(maker.header('consumption', interval.ledgerId, bytes));
      const twice = [rows[0]!, rows[0]!, ...rows.slice(2)];
      const page = concatBytes(...twice.map(({ row }) => row));
      await refused(
        'DUPLICATE_ROW',
        region.putPage('consumption', {
          ledgerId: interval.ledgerId,
          page: 0,
          rows: page,
          witnesses: maker.witnessesOf(twice),
        }),
      );
      const { header } = interval.consumption;
      const [first, second, third] = header.pages;
      const again = { ...second!, first: first!.last };
      await refused('PAGE_ORDER', region.putHeader({ ...header, pages: [first!, again, third!] }));
    });

    it('a category outside the five: BAD_CATEGORY', async () => {
      const { header } = interval.consumption;
      const shift = (entries: typeof header.histogram): typeof header.histogram =>
        entries.map(({ value, count }) => ({ value: value + 1_000n, count }));
      const changed = {
        ...header,
        total: header.total + 1_000n * BigInt(header.count),
        histogram: shift(header.histogram),
        pages: header.pages.map((page) => ({
          ...page,
          sum: page.sum + 1_000n * BigInt(page.count),
          histogram: shift(page.histogram),
        })),
      };
      await refused('BAD_CATEGORY', region.putHeader(changed));
    });

    it('a header with a category of 1 to k − 1 rows: K_ANONYMITY', async () => {
      for (let count = 1; count < kit.parameters.kAnonymity; count++) {
        const rows = [...new Array<number>(25).fill(1), ...new Array<number>(count).fill(4)];
        const { header } = new IntervalMaker(kit).next(rows).consumption;
        await refused('K_ANONYMITY', region.putHeader(header));
      }
    });

    it('a page without its header: HEADER_MISSING', async () => {
      const { ledgerId, consumption, witnesses } = new IntervalMaker(kit, 1).next(ROWS);
      await refused(
        'HEADER_MISSING',
        region.putPage('consumption', { ledgerId, page: 0, rows: consumption.rows, witnesses: witnesses[0] }),
      );
    });

    it('pages that are out of order or not those of the header: PAGE_ORDER, PAGE_MISMATCH, CONFLICT', async () => {
      const { header, pages } = interval.consumption;
      const [first, second, third] = header.pages;
      await refused('PAGE_ORDER', region.putHeader({ ...header, pages: [second!, first!, third!] }));
      await refused('HEADER_MISMATCH', region.putHeader({ ...header, pages: [first!, third!] }));
      await region.putHeader(header);
      const put = (page: number, rows: number): Promise<unknown> =>
        region.putPage('consumption', {
          ledgerId: interval.ledgerId,
          page,
          rows: pages[rows]!,
          witnesses: interval.witnesses[rows],
        });
      await refused('PAGE_MISMATCH', put(0, 1));
      await refused('PAGE_MISMATCH', put(1, 0));
      await put(1, 1);
      await refused('CONFLICT', put(1, 0));
      await refused('ALREADY_STARTED', region.putHeader(new IntervalMaker(kit).next(ROWS).consumption.header));
      await refused('PAGES_MISSING', region.putSeal(interval.consumption.seal));
      await put(2, 2);
      await put(0, 0);
    });

    it('a seal that says something else, or that another has signed: SEAL_MISMATCH, BAD_SIGNATURE', async () => {
      const { seal } = interval.consumption.seal;
      const other = signSeal(kit.crypto, { ...seal, indexDigest: kit.secret('other') }, kit.controlCenter);
      await refused('SEAL_MISMATCH', region.putSeal(other));
      await refused('BAD_SIGNATURE', region.putSeal(signSeal(kit.crypto, seal, kit.serviceProvider)));
    });

    it('a row of a sealed interval: ALREADY_SEALED', async () => {
      await region.putSeal(interval.consumption.seal);
      const { header } = new IntervalMaker(kit).next(ROWS).consumption;
      await refused('ALREADY_SEALED', region.putHeader(header));
      const { pages } = interval.consumption;
      await refused(
        'ALREADY_SEALED',
        region.putPage('consumption', {
          ledgerId: interval.ledgerId,
          page: 0,
          rows: pages[1]!,
          witnesses: interval.witnesses[1],
        }),
      );
    });
  });

  describe('on pricing and billing', () => {
    it('bills before the price is sealed: NOT_YET_SEALED', async () => {
      const gateway = openGateway(ledger(), SERVICE_PROVIDER_MSP);
      // The client would wait for the seal, so this asks once.
      const request = gateway.current
        .getNetwork('billing')
        .getContract('billing')
        .submit('PutPage', {
          arguments: pageArguments(interval.ledgerId, 0),
          transientData: { rows: interval.billing.pages[0]! },
          endorsingOrganizations: [CONTROL_CENTER_MSP],
        });
      await assert.rejects(request, (thrown) => diagnose(thrown).error.code === 'NOT_YET_SEALED');
      gateway.close();
    });

    it('a changed price: WRONG_PRICE', async () => {
      const rows = maker.priceRow(interval.ledgerId, interval.price + 1_000n);
      const put = async (): Promise<void> => {
        await region.putSigned(maker.signedHeader('pricing', interval.ledgerId, rows));
        await region.putPage('pricing', { ledgerId: interval.ledgerId, page: 0, rows });
      };
      await refused('WRONG_PRICE', put());
      await region.seal('pricing', interval);
    });

    it('a changed bill: WRONG_BILL', async () => {
      const rows = splitRows(interval.billing.rows).map(decodeRow);
      const other = rows.findIndex(({ value }) => value !== rows[0]!.value);
      // The two trade places, so that the header's sums are right.
      const traded = concatBytes(
        ...rows.map((row, i) => {
          const value = i === 0 ? rows[other]!.value : i === other ? rows[0]!.value : row.value;
          return signRow(kit.crypto, { ...row, value }, kit.serviceProvider);
        }),
      );
      await region.putSigned(maker.signedHeader('billing', interval.ledgerId, traded));
      await refused(
        'WRONG_BILL',
        region.putPage('billing', {
          ledgerId: interval.ledgerId,
          page: 0,
          rows: traded.subarray(0, ROWS_PER_PAGE * ROW_LENGTH),
        }),
      );
    });

    it('a poisoned header, until it is replaced; the old one, once a header is chosen: ALREADY_CHOSEN', async () => {
      const { header, pages } = interval.billing;
      const entries = header.pages.map((page, p) => (p === 0 ? page : { ...page, root: kit.secret('impossible') }));
      const poisoned = maker.sign({ ...header, pages: entries });
      await region.putSigned(poisoned);
      await region.putPage('billing', { ledgerId: interval.ledgerId, page: 0, rows: pages[0]! });
      await region.fill('billing', interval);
      await region.putChoice(interval.billing);
      await refused('ALREADY_CHOSEN', region.putSigned(poisoned));
      await refused('CONFLICT', region.putChoice(poisoned));
      await region.putSeal(interval.billing.seal);
    });
  });

  describe('organisations without the right', () => {
    it('writes on consumption, pricing or billing: WRONG_MSP', async () => {
      const next = maker.next(ROWS);
      const signed = (kind: ProvidedKind): string => {
        const { header, headerSignature } = interval[kind];
        return text(encodeSignedHeader({ header, headerSignature }));
      };
      const seal = (kind: LedgerKind): string => text(encodeSignedSeal(interval[kind].seal));
      const cases = [
        ['consumption', SERVICE_PROVIDER_MSP, 'PutHeader', text(encodeHeader(next.consumption.header))],
        ['consumption', CONSUMERS_MSP, 'PutHeader', text(encodeHeader(next.consumption.header))],
        ['pricing', CONTROL_CENTER_MSP, 'PutHeader', signed('pricing')],
        ['pricing', CONSUMERS_MSP, 'PutHeader', signed('pricing')],
        ['billing', CONTROL_CENTER_MSP, 'PutHeader', signed('billing')],
        ['billing', CONSUMERS_MSP, 'PutHeader', signed('billing')],
        ['consumption', SERVICE_PROVIDER_MSP, 'PutSeal', seal('consumption')],
        ['pricing', SERVICE_PROVIDER_MSP, 'PutSeal', seal('pricing')],
        ['billing', CONSUMERS_MSP, 'PutSeal', seal('billing')],
      ] as const;
      for (const [kind, mspId, transaction, argument] of cases) {
        // The consumers' organisation may be the service provider's.
        if (transaction === 'PutHeader' && mspId === WRITER[kind]) {
          continue;
        }
        await refused('WRONG_MSP', region.submit(kind, transaction, [argument], { mspId }));
      }
      await region.complete(next);
    });

    it('asks a contract on a channel that is not its own: WRONG_CHANNEL', async () => {
      await ledger().deployOn('billing', 'consumption');
      const gateway = openGateway(ledger(), CONTROL_CENTER_MSP);
      const contract = gateway.current.getNetwork('billing').getContract('consumption');
      const seal = text(encodeSignedSeal(interval.consumption.seal));
      const isRefused = (thrown: unknown): boolean => diagnose(thrown).error.code === 'WRONG_CHANNEL';
      await assert.rejects(contract.submitTransaction('PutSeal', seal), isRefused);
      await assert.rejects(contract.evaluateTransaction('GetLatestSeal', kit.region), isRefused);
      gateway.close();
    });
  });
});
