// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../../protocol/crypto/bytes.js';
import { type SignedSuccessor, encodeSignedSuccessor } from '../../protocol/ledger/successor.js';
import { IntervalMaker } from '../support/interval.js';
import { useLedger } from '../support/ledger/ledger-under-test.js';
import {
  useClients,
  CONTROL_CENTER_MSP,
  fakeRegion,
  refused,
  RegionOnLedger,
  SERVICE_PROVIDER_MSP,
  text,
} from '../support/ledger/region-on-ledger.js';
import assert from 'node:assert/strict';

describe('a successor on the ledger', function () {
  this.timeout(120_000);
  const ledger = useLedger();
  const kit = fakeRegion('heir', { meters: 5, parameters: { successorAfterSeconds: 3_600 } });
  const clients = useClients(ledger);

  it('bills an interval that was priced and not billed, and the service provider before no longer can', async () => {
    const region = new RegionOnLedger(clients(), kit);
    await region.begin();
    const put = ({ successor, signature }: SignedSuccessor, mspId = CONTROL_CENTER_MSP) =>
      region.submit(successor.kind, 'PutSuccessor', [text(encodeSignedSuccessor({ successor, signature }))], { mspId });
    const maker = new IntervalMaker(kit);
    const first = maker.next([0, 0, 0, 0, 0]);
    await region.seal('consumption', first);
    await region.seal('pricing', first);
    const heir = kit.otherProvider('heir');
    const billing = kit.successor('billing', kit.startOf(0), heir);
    await refused('NOT_EFFECTIVE', put(billing));
    for (let index = 1; index < 3; index++) {
      await region.seal('consumption', maker.next([0, 0, 0, 0, 0]));
    }
    await refused('WRONG_MSP', put(billing, SERVICE_PROVIDER_MSP));
    await put(billing);
    await put(billing);
    await refused('CONFLICT', put(kit.successor('billing', kit.startOf(0), kit.otherProvider('other'))));
    await refused('NOT_EFFECTIVE', put(kit.successor('pricing', kit.startOf(1), heir)));
    const found = await region.query('billing', 'GetSuccessor', toHex(kit.serviceProvider.publicKey));
    assert.equal(text(found), text(encodeSignedSuccessor(billing)));

    await refused('BAD_SIGNATURE', region.putSigned(first.billing));
    maker.providers.billing = heir;
    const rows = maker.billRows(first.ledgerId, first.consumption.rows, first.price);
    const signed = maker.signedHeader('billing', first.ledgerId, rows);
    await region.putSigned(signed);
    await refused(
      'PAGE_MISMATCH',
      region.putPage('billing', { ledgerId: first.ledgerId, page: 0, rows: first.billing.rows }),
    );
    await region.putPage('billing', { ledgerId: first.ledgerId, page: 0, rows });
    await region.putChoice(signed);
  });
});
