// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { concatBytes } from '../../protocol/crypto/bytes.js';
import { splitRows } from '../../protocol/ledger/page.js';
import { decodeRow, signRow } from '../../protocol/ledger/row.js';
import { IntervalMaker } from '../support/interval.js';
import { CROSSED_MODES, MODES, modesText } from '../support/modes.js';
import { useLedger } from '../support/ledger/ledger-under-test.js';
import { useClients, pageArguments, refused, fakeRegion, RegionOnLedger } from '../support/ledger/region-on-ledger.js';

const ROWS = Array.from({ length: 25 }, (_, row) => row % 5);
/** More than fit on a page. */
const CONSUMERS = 502;

describe('modes of a region', function () {
  this.timeout(120_000);
  const ledger = useLedger();
  const clients = useClients(ledger);

  const begin = async (region: string, modes: (typeof MODES)[number]): Promise<RegionOnLedger> => {
    const kit = fakeRegion(region, { consumers: CONSUMERS, parameters: modes });
    const found = new RegionOnLedger(clients(), kit);
    await found.begin();
    return found;
  };
  const priceOf = (region: RegionOnLedger, startSeconds: number): Promise<Uint8Array> =>
    region.query('pricing', 'GetPrice', startSeconds);

  for (const [index, modes] of [...MODES, ...CROSSED_MODES].entries()) {
    it(`${modesText(modes)}: an interval goes through all three ledgers`, async () => {
      const region = await begin(`mode-${index}`, modes);
      const interval = new IntervalMaker(region.kit).next(ROWS);
      await region.complete(interval);
      const price = JSON.parse(new TextDecoder().decode(await priceOf(region, interval.ledgerId.startSeconds))) as {
        priceNanoPerKilowattHour: string;
      };
      assert.equal(price.priceNanoPerKilowattHour, interval.price.toString());
      assert.equal(interval.pricing.header.count, modes.priceMode === 'direct' ? CONSUMERS : 1);
    });
  }

  it('price mode direct: a wrong price is committed as SP signed it; what SP did not sign, or not for everyone, is not', async () => {
    const region = await begin('wrong', MODES[1]);
    const { kit } = region;
    const maker = new IntervalMaker(kit);
    const interval = maker.next(ROWS, (place, price) => (place === 7 ? price + 1_000n : price));
    const { ledgerId, pricing } = interval;
    await region.seal('consumption', interval);

    const rows = splitRows(pricing.rows);
    await refused(
      'HEADER_MISMATCH',
      region.putSigned(maker.signedHeader('pricing', ledgerId, concatBytes(...rows.slice(1)))),
    );
    const foreign = concatBytes(signRow(kit.crypto, decodeRow(rows[0]!), kit.controlCenter), ...rows.slice(1));
    await region.putSigned(maker.signedHeader('pricing', ledgerId, foreign));
    await refused(
      'WRONG_KEY',
      region.putPage('pricing', { ledgerId, page: 0, rows: foreign.subarray(0, pricing.pages[0]!.length) }),
    );

    await region.seal('pricing', interval);
    await refused('WRONG_PRICE', priceOf(region, ledgerId.startSeconds));
    const [, ...place] = pageArguments(ledgerId, 0);
    const stands = await region.query('pricing', 'GetPageRows', ...place);
    assert.deepEqual(new Uint8Array(stands), new Uint8Array(pricing.pages[0]!));
    await region.seal('billing', interval);
  });
});
