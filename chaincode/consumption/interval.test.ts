// SPDX-License-Identifier: Apache-2.0
import { accepted, pageArgs, refused, repeated, text, World } from '../test/world.js';
import assert from 'node:assert/strict';
import type { LedgerId } from '../../protocol/ledger/ledger-id.js';
import { encodeHeader, type Header } from '../../protocol/ledger/header.js';
import { decodeRow } from '../../protocol/ledger/row.js';
import { encodeSignedSeal, type Seal, signSeal } from '../../protocol/ledger/seal.js';
import { splitRows } from '../../protocol/ledger/page.js';
import { type FakeInterval, IntervalMaker } from '../../test/support/interval.js';
import { FakeRegion } from '../../test/support/region.js';
import { CONTROL_CENTER_MSP } from '../test/fabric-stub.js';
import type { Simulation } from '../test/simulation-stub.js';

const SMALL = Array.from({ length: 25 }, (_, row) => row % 5);
const OTHER = Array.from({ length: 30 }, (_, row) => row % 5);
const THREE_PAGES = Array.from({ length: 1_010 }, (_, row) => row % 5);

describe('an interval on ConsumptionContract', () => {
  const kit = new FakeRegion({ meters: 200 });
  const three = new IntervalMaker(kit).next(THREE_PAGES);
  let maker: IntervalMaker;
  let world: World;

  beforeEach(async () => {
    maker = new IntervalMaker(kit);
    world = new World(kit.pricePseudonymKey);
    accepted(await world.putParameters(kit.signedParameters));
    accepted(await world.putRegistryRoot(kit.registryRoot(0)));
  });

  const putPage = (interval: FakeInterval, page: number, ledgerId: LedgerId = interval.ledgerId): Promise<Simulation> =>
    world.putPage('consumption', {
      ledgerId,
      page,
      rows: interval.consumption.pages[page]!,
      witnesses: interval.witnesses[page],
    });

  const endorse = (transaction: string, args: string[], transient = {}): Promise<Simulation> =>
    world.ledger.simulate('consumption', { mspId: CONTROL_CENTER_MSP, transaction, args, transient });
  const endorseHeader = (header: Header): Promise<Simulation> => endorse('PutHeader', [text(encodeHeader(header))]);
  const endorsePage = (interval: FakeInterval, page: number): Promise<Simulation> => {
    const { consumption, witnesses } = interval;
    const transient = { rows: consumption.pages[page]!, witnesses: witnesses[page]! };
    return endorse('PutPage', pageArgs(interval.ledgerId, page), transient);
  };

  describe('header', () => {
    it('is replaced until a page is committed', async () => {
      const [other, interval] = [new IntervalMaker(kit).next(OTHER), maker.next(SMALL)];
      accepted(await world.putHeader(other.consumption.header));
      accepted(await world.putHeader(interval.consumption.header));
      repeated(await world.putHeader(interval.consumption.header));
      accepted(await putPage(interval, 0));
      repeated(await world.putHeader(interval.consumption.header));
      refused(await world.putHeader(other.consumption.header), 'ALREADY_STARTED');
    });

    it('and a first page exclude each other when they race', async () => {
      const [other, interval] = [new IntervalMaker(kit).next(OTHER), maker.next(SMALL)];
      accepted(await world.putHeader(interval.consumption.header));
      const [header, page] = [await endorseHeader(other.consumption.header), await endorsePage(interval, 0)];
      assert.equal(world.ledger.commit(page), 'VALID');
      assert.equal(world.ledger.commit(header), 'MVCC_READ_CONFLICT');
    });

    it('that replaces another kills the pages endorsed under that one', async () => {
      const [other, interval] = [new IntervalMaker(kit).next(OTHER), maker.next(SMALL)];
      accepted(await world.putHeader(interval.consumption.header));
      const [header, page] = [await endorseHeader(other.consumption.header), await endorsePage(interval, 0)];
      assert.equal(world.ledger.commit(header), 'VALID');
      assert.equal(world.ledger.commit(page), 'MVCC_READ_CONFLICT');
    });

    it('with a category of fewer than k rows is refused', async () => {
      for (let count = 1; count < kit.parameters.kAnonymity; count++) {
        const rows = [...new Array<number>(25).fill(1), ...new Array<number>(count).fill(4)];
        const { header } = new IntervalMaker(kit).next(rows).consumption;
        refused(await world.putHeader(header), 'K_ANONYMITY');
      }
      const enough = [...new Array<number>(25).fill(1), ...new Array<number>(kit.parameters.kAnonymity).fill(4)];
      accepted(await world.putHeader(maker.next(enough).consumption.header));
    });

    it('with a category outside the five is refused', async () => {
      const { header } = maker.next(SMALL).consumption;
      const shifted = header.histogram.map(({ value, count }) => ({ value: value + 1_000n, count }));
      const total = header.total + 1_000n * BigInt(header.count);
      const pages = header.pages.map((page) => ({ ...page, histogram: shifted, sum: total }));
      refused(await world.putHeader({ ...header, total, histogram: shifted, pages }), 'BAD_CATEGORY');
    });

    it('is valid in itself and for its interval', async () => {
      const { header } = three.consumption;
      const [first, second, third] = header.pages as [Header['pages'][0], Header['pages'][0], Header['pages'][0]];
      refused(await world.putHeader({ ...header, pages: [second, first, third] }), 'PAGE_ORDER');
      refused(await world.putHeader({ ...header, pages: [first, first, third] }), 'PAGE_ORDER');
      refused(await world.putHeader({ ...header, pages: [first, third] }), 'HEADER_MISMATCH');
      refused(await world.putHeader({ ...header, pages: [third, first, second] }), 'PAGE_SIZE');
      refused(await world.putHeader({ ...header, total: header.total + 1n }), 'HEADER_MISMATCH');
      refused(await world.putHeader({ ...header, parametersVersion: 2 }), 'HEADER_MISMATCH');
      refused(await world.putHeader({ ...header, registryEpoch: 1 }), 'HEADER_MISMATCH');
      refused(await world.putHeader(three.billing.header), 'WRONG_LEDGER');
      const at = (startSeconds: number): Header => ({ ...header, ledgerId: { ...header.ledgerId, startSeconds } });
      refused(await world.putHeader(at(kit.startOf(0) + 1)), 'WRONG_LEDGER');
      refused(await world.putHeader(at(kit.startOf(-1))), 'WRONG_LEDGER');
      refused(await world.putHeader(at(kit.startOf(48 * 65_536))), 'EPOCH_RANGE');
      refused(await world.putHeader({ ...header, ledgerId: { ...header.ledgerId, region: 'paris' } }), 'NOT_FOUND');
    });

    it('needs parameters that are effective, and the registry root of its epoch', async () => {
      const late = new FakeRegion({ parameters: { effectiveFromSeconds: kit.startOf(3) } });
      const other = new World(late.pricePseudonymKey);
      accepted(await other.putParameters(late.signedParameters));
      refused(await other.putHeader(three.consumption.header), 'NOT_EFFECTIVE');
      refused(await world.putHeader(new IntervalMaker(kit, 48).next(SMALL).consumption.header), 'NOT_FOUND');
    });
  });

  describe('pages', () => {
    it('come in any order, and a repetition writes nothing', async () => {
      accepted(await world.putHeader(three.consumption.header));
      for (const page of [2, 0, 1]) {
        accepted(await putPage(three, page));
      }
      for (const page of [0, 1, 2]) {
        repeated(await putPage(three, page));
      }
    });

    it('do not wait for each other', async () => {
      accepted(await world.putHeader(three.consumption.header));
      const endorsed = await Promise.all([0, 1, 2].map((page) => endorsePage(three, page)));
      for (const page of endorsed) {
        assert.equal(world.ledger.commit(page), 'VALID');
      }
    });

    it('need the header and are at the place that it gives them', async () => {
      refused(await putPage(three, 0), 'HEADER_MISSING');
      accepted(await world.putHeader(three.consumption.header));
      const { pages } = three.consumption;
      const put = (page: number, rows: number): Promise<Simulation> =>
        world.putPage('consumption', {
          ledgerId: three.ledgerId,
          page,
          rows: pages[rows]!,
          witnesses: three.witnesses[rows],
        });
      refused(await put(0, 1), 'PAGE_MISMATCH');
      refused(await put(1, 0), 'PAGE_MISMATCH');
      refused(await put(3, 0), 'PAGE_MISMATCH');
      accepted(await put(0, 0));
      refused(await put(0, 1), 'CONFLICT');
    });

    it('are in the state once, and can be read as rows and as JSON', async () => {
      accepted(await world.putHeader(three.consumption.header));
      accepted(await putPage(three, 2));
      const args = pageArgs(three.ledgerId, 2);
      const raw = await world.query('consumption', 'GetPageRows', ...args);
      assert.deepEqual(Buffer.from(raw.payload), Buffer.from(three.consumption.pages[2]!));
      const json = JSON.parse(text((await world.query('consumption', 'GetPage', ...args)).payload)) as {
        kind: string;
        page: number;
        rows: { value: string; pseudonym: string; timeSeconds: number }[];
      };
      assert.equal(json.kind, 'consumption');
      assert.equal(json.page, 2);
      const rows = splitRows(three.consumption.pages[2]!).map(decodeRow);
      assert.deepEqual(
        json.rows.map(({ value, pseudonym, timeSeconds }) => ({ value, pseudonym, timeSeconds })),
        rows.map(({ value, pseudonym, timeSeconds }) => ({
          value: value.toString(),
          pseudonym: Buffer.from(pseudonym).toString('hex'),
          timeSeconds,
        })),
      );
    });
  });

  describe('seal', () => {
    const sealed = (seal: Seal, changes: Partial<Seal>, key = kit.controlCenter) =>
      signSeal(kit.crypto, { ...seal, ...changes }, key);

    beforeEach(async () => accepted(await world.putDirectory(kit.directory(0))));

    it('needs header, all pages and the directory', async () => {
      refused(await world.putSeal(three.consumption.seal), 'HEADER_MISSING');
      accepted(await world.putHeader(three.consumption.header));
      for (const page of [0, 2]) {
        accepted(await putPage(three, page));
      }
      refused(await world.putSeal(three.consumption.seal), 'PAGES_MISSING');
      accepted(await putPage(three, 1));
      accepted(await world.putSeal(three.consumption.seal));

      const blind = new World(kit.pricePseudonymKey);
      accepted(await blind.putParameters(kit.signedParameters));
      accepted(await blind.putRegistryRoot(kit.registryRoot(0)));
      const small = maker.next(SMALL);
      await blind.fill('consumption', small);
      refused(await blind.putSeal(small.consumption.seal), 'NOT_FOUND');
    });

    it('ends all change', async () => {
      const [other, interval] = [new IntervalMaker(kit).next(OTHER), maker.next(SMALL)];
      await world.seal('consumption', interval);
      const before = world.ledger.stateOf('consumption');
      repeated(await world.putSeal(interval.consumption.seal));
      repeated(await putPage(interval, 0));
      repeated(await world.putHeader(interval.consumption.header));
      refused(await world.putSeal(sealed(interval.consumption.seal.seal, { closeSeconds: 1 })), 'CONFLICT');
      refused(await putPage(other, 0, interval.ledgerId), 'ALREADY_SEALED');
      refused(await world.putHeader(other.consumption.header), 'ALREADY_SEALED');
      assert.deepEqual(world.ledger.stateOf('consumption'), before);
    });

    it('refuses a new row in a sealed interval, as a page of its own too', async () => {
      const interval = maker.next(SMALL);
      await world.seal('consumption', interval);
      const late = maker.consumptionRows(interval.ledgerId, [2]);
      const rows = late[0]!.row;
      refused(
        await world.putPage('consumption', {
          ledgerId: interval.ledgerId,
          page: 1,
          rows,
          witnesses: maker.witnessesOf(late),
        }),
        'ALREADY_SEALED',
      );
    });

    it('and a page exclude each other when they race', async () => {
      const interval = maker.next(SMALL);
      accepted(await world.putHeader(interval.consumption.header));
      const page = await endorsePage(interval, 0);
      assert.ok(page.reads.has(`seal/london/${String(interval.ledgerId.startSeconds).padStart(12, '0')}`));
      accepted(await putPage(interval, 0));
      accepted(await world.putSeal(interval.consumption.seal));
      assert.equal(world.ledger.commit(page), 'MVCC_READ_CONFLICT');
    });

    it('says exactly what the ledger says', async () => {
      const interval = maker.next(SMALL);
      const { seal } = interval.consumption.seal;
      await world.fill('consumption', interval);
      const other = kit.secret('other');
      const changes: Partial<Seal>[] = [
        { kind: 'pricing' },
        { headerDigest: other },
        { count: seal.count + 1 },
        { total: seal.total + 1n },
        { histogram: seal.histogram.slice(1) },
        { parametersVersion: 2 },
        { parametersDigest: other },
        { registryEpoch: 1 },
        { registryRoot: other },
        { registeredMeters: seal.registeredMeters + 1 },
        { directoryDigest: other },
        { indexDigest: other },
        { basis: other },
        { closeSeconds: seal.closeSeconds + 1 },
      ];
      for (const change of changes) {
        refused(await world.putSeal(sealed(seal, change), 'consumption'), 'SEAL_MISMATCH');
      }
      refused(await world.putSeal(sealed(seal, { previous: other })), 'SEAL_CHAIN');
      refused(await world.putSeal(sealed(seal, {}, kit.serviceProvider)), 'BAD_SIGNATURE');
      accepted(await world.putSeal(interval.consumption.seal));
      const changed = Object.keys(seal).filter((field) => !changes.some((change) => field in change));
      assert.deepEqual(changed.sort(), ['ledgerId', 'previous']);
    });

    it('follows the one of the interval before', async () => {
      const intervals = [maker.next(SMALL), maker.next([]), maker.next(SMALL)] as const;
      await world.seal('consumption', intervals[0]);
      await world.fill('consumption', intervals[2]);
      refused(await world.putSeal(intervals[2].consumption.seal), 'SEAL_CHAIN');
      await world.seal('consumption', intervals[1]);
      accepted(await world.putSeal(intervals[2].consumption.seal));
      const latest = await world.query('consumption', 'GetLatestSeal', 'london');
      assert.equal(text(latest.payload), text(encodeSignedSeal(intervals[2].consumption.seal)));
    });

    it('can be that of an interval without rows', async () => {
      const empty = maker.next([]);
      accepted(await world.putHeader(empty.consumption.header));
      accepted(await world.putSeal(empty.consumption.seal));
    });
  });
}).timeout(10_000);
