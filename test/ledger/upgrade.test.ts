// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { LEDGER_KINDS } from '../../protocol/ledger/row.js';
import { encodeSignedSeal } from '../../protocol/ledger/seal.js';
import { IntervalMaker } from '../support/interval.js';
import { requireOwn, useLedger } from '../support/ledger/ledger-under-test.js';
import { useClients, fakeRegion, RegionOnLedger, text } from '../support/ledger/region-on-ledger.js';

const ROWS = Array.from({ length: 25 }, (_, row) => row % 5);

describe('a new version of the chaincodes', function () {
  this.timeout(180_000);
  const ledger = useLedger();
  const kit = fakeRegion('upgrade');
  const maker = new IntervalMaker(kit);
  const clients = useClients(ledger);

  it('keeps the state, and continues where the old one stopped', async () => {
    const region = new RegionOnLedger(clients(), kit);
    await region.begin();
    const [before, open] = [maker.next(ROWS), maker.next(ROWS)];
    await region.complete(before);
    await region.fill('consumption', open);
    await ledger().upgrade();
    for (const kind of LEDGER_KINDS) {
      const seal = await region.query(kind, 'GetSeal', before.ledgerId.startSeconds);
      assert.equal(text(seal), text(encodeSignedSeal(before[kind].seal)));
    }
    // An interval that was open during the upgrade, then a new one.
    await region.complete(open);
    await goesOn(region);
  });

  it('continues after a restart', async function () {
    await requireOwn(this, ledger()).restart();
    await goesOn(new RegionOnLedger(clients(), kit));
  });

  async function goesOn(region: RegionOnLedger): Promise<void> {
    const next = maker.next(ROWS);
    await region.complete(next);
    const latest = await region.query('billing', 'GetLatestSeal');
    assert.equal(text(latest), text(encodeSignedSeal(next.billing.seal)));
  }
});
