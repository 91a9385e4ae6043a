// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { auditBulletin } from '../../client-apps/bulletin/audit.js';
import { outcomeJson } from '../../client-apps/cli/render/demo.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { decodeSignedDirectory } from '../../protocol/onion/directory-format.js';
import { MODES } from '../support/modes.js';
import { needsLedgersOfItsOwn } from '../support/ledger/ledger-under-test.js';
import { RUN_MILLISECONDS, SMALL, smallRun, systemRun } from '../support/system/system-run.js';

describe('a region whose meters and hubs are the relays', function () {
  this.timeout(RUN_MILLISECONDS);
  needsLedgersOfItsOwn();

  it('has a tier without any other relay, and the rows, prices and bills of one with relays of their own', async () => {
    const { outcome, out } = await systemRun({ householdRelays: true });
    const ordinary = await smallRun(MODES[0]);
    assert.deepEqual(outcomeJson(outcome, 'embedded', 0), outcomeJson(ordinary.outcome, 'embedded', 0));
    assert.deepEqual([outcome.consumers.verified, outcome.consumers.disputes], [SMALL.readings.households.length, 0]);
    const bytes = await readFile(join(out, `bulletin/${SMALL.region}/directory/0.json`));
    const places = decodeSignedDirectory(bytes).directory.relays.map(
      ({ descriptor: { layer, operator } }) => `${layer} ${operator}`,
    );
    assert.deepEqual(places, ['1 household-0', '1 household-2', '2 household-1', '2 household-3']);
    assert.deepEqual((await auditBulletin(sodiumCrypto, out, outcome.fingerprint)).faults, []);
  });
});
