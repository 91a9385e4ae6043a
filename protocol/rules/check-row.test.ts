// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { BACK_ENDS } from '../../test/support/frozen-vectors.js';
import { IntervalMaker } from '../../test/support/interval.js';
import { FakeRegion } from '../../test/support/region.js';
import { sodiumCrypto } from '../crypto/sodium.js';
import { oneTimeKey } from '../identity/one-time-key.js';
import { chainPseudonyms } from '../identity/pseudonym.js';
import { decodeRow, ROW_OFFSET, signRow, verifyRowSignature } from '../ledger/row.js';
import { checkConsumptionRow, checkRowSecrets } from './check-row.js';
import { intervalContext } from './interval-context.js';

const kit = new FakeRegion({ meters: 2 });
const maker = new IntervalMaker(kit);
const ledgerId = { region: kit.region, startSeconds: kit.startOf(3) };
const context = intervalContext(sodiumCrypto, kit.parameters, ledgerId.startSeconds);
const { row, witness } = maker.consumptionRow(ledgerId, kit.meters[0]!, 2);
const second = maker.consumptionRow(ledgerId, kit.meters[0]!, 2);
const other = maker.consumptionRow(ledgerId, kit.meters[1]!, 2);

/** The row with another content, signed again with its one-time key. */
function resigned(change: object): Uint8Array {
  const key = oneTimeKey(sodiumCrypto, witness.epochNode, witness.k);
  return signRow(sodiumCrypto, { ...decodeRow(row), ...change }, key);
}

describe('consumption row', () => {
  it('is of one of the five categories', () => {
    kit.parameters.categoriesMilliWattHours.forEach((value, category) =>
      assert.equal(checkConsumptionRow(resigned({ value }), context), category),
    );
  });

  it('is refused with another type, ledger, region, time, category or length', () => {
    const { startSeconds, region } = ledgerId;
    for (const [change, code] of [
      [{ type: 1 }, 'WRONG_TYPE'],
      [{ type: 2 }, 'WRONG_TYPE'],
      [{ ledgerId: { region, startSeconds: startSeconds + 1_800 } }, 'WRONG_LEDGER'],
      [{ ledgerId: { region: 'paris', startSeconds } }, 'WRONG_LEDGER'],
      [{ timeSeconds: startSeconds }, 'WRONG_TIME'],
      [{ timeSeconds: startSeconds + 1_801 }, 'WRONG_TIME'],
      [{ value: 0n }, 'BAD_CATEGORY'],
      [{ value: 200_001n }, 'BAD_CATEGORY'],
    ] as const) {
      assert.throws(() => checkConsumptionRow(resigned(change), context), { code });
    }
    assert.throws(() => checkConsumptionRow(row.subarray(1), context), { code: 'BAD_LENGTH' });
  });

  for (const crypto of BACK_ENDS) {
    it(`is the one message that its meter's secrets make (${crypto.name})`, () => {
      checkRowSecrets(crypto, chainPseudonyms, row, witness);
      const refused = (secrets: typeof witness, bytes: Uint8Array, code: string) => {
        assert.throws(() => checkRowSecrets(crypto, chainPseudonyms, bytes, secrets), { code });
      };
      refused(other.witness, row, 'WRONG_PSEUDONYM');
      refused(second.witness, row, 'WRONG_PSEUDONYM');
      refused({ ...witness, linkKey: new Uint8Array(32) }, row, 'WRONG_PSEUDONYM');
      refused({ ...witness, k: 0 }, row, 'K_RANGE');
      refused({ ...witness, epochNode: other.witness.epochNode }, row, 'WRONG_KEY');
      // Signed well, but with a key that is not the meter's for this message.
      const foreign = signRow(crypto, decodeRow(row), crypto.ed25519Key(new Uint8Array(32)));
      assert.ok(verifyRowSignature(crypto, foreign));
      refused(witness, foreign, 'WRONG_KEY');
      refused(witness, row.with(ROW_OFFSET.signature, row[ROW_OFFSET.signature]! ^ 1), 'BAD_SIGNATURE');
      refused(witness, row.with(ROW_OFFSET.time - 17, row[ROW_OFFSET.time - 17]! ^ 1), 'WRONG_PSEUDONYM');
      refused(witness, row.with(ROW_OFFSET.signaturePublicKey - 1, 0x41), 'BAD_SIGNATURE');
    });
  }
});

describe('interval context', () => {
  it('refuses a start where no interval starts, and parameters of later intervals', () => {
    const at =
      (startSeconds: number, parameters = kit.parameters) =>
      () =>
        intervalContext(sodiumCrypto, parameters, startSeconds);
    assert.throws(at(kit.startOf(0) + 1), { code: 'WRONG_LEDGER' });
    assert.throws(at(kit.startOf(-1)), { code: 'WRONG_LEDGER' });
    const later = { ...kit.parameters, effectiveFromSeconds: kit.startOf(2) };
    assert.throws(at(kit.startOf(1), later), { code: 'NOT_EFFECTIVE' });
    assert.doesNotThrow(at(kit.startOf(2), later));
  });
});
