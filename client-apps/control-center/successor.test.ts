// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import type { LedgerKind, ProvidedKind } from '../../protocol/ledger/row.js';
import { ControlCenterUnderTest, random, type RunningCenter } from '../../test/support/control-center.js';
import { auditBulletin } from '../bulletin/audit.js';
import { RegionLedger } from '../ledger/region-ledger.js';
import { loadControlCenterKeys } from './keys.js';
import { nameSuccessor } from './successor.js';

const L = 1_800;

describe('successor of a service provider that has vanished', function () {
  this.timeout(120_000);
  let kit: ControlCenterUnderTest;
  let center: RunningCenter;
  let ledger: RegionLedger;

  beforeEach(async () => {
    kit = await ControlCenterUnderTest.create();
    ledger = new RegionLedger(kit.ledger.client('ControlCenterMSP'), 'test');
  });
  afterEach(async () => {
    await kit.stop();
    await kit.remove();
  });

  const start = (): Promise<RunningCenter> =>
    kit.start(undefined, { parameters: [{ ...kit.settings, successorAfterSeconds: 2 * L }] });

  const startOf = (index: number): number => kit.startSeconds + index * L;

  /** Waits, while time stands still, until a ledger of an interval is sealed: with an absent service provider nothing is quiet. */
  async function untilSealed(kind: LedgerKind, index: number): Promise<void> {
    while ((await ledger.seal(kind, startOf(index))) === undefined) {
      await pause(5);
    }
  }

  /** Closes an interval although those before are not billed. */
  async function close(index: number): Promise<void> {
    kit.clock.advance((startOf(index) + 2 * L + 120) * 1_000);
    await untilSealed('consumption', index);
  }

  it('prices and bills what was left, and everything is settled and verified', async () => {
    center = await start();
    // It dies as it begins to bill interval 1: header and page of prices and of bills of interval 0 and of prices of 1.
    const provider = await kit.startProvider({ submission: 7, moment: 'before' });
    const meters = await kit.enrolMeters(center, 4);
    await kit.announce(center, [0, 1, 2]);
    await kit.advanceTo(startOf(0) - L);
    const onionKey = await kit.onionKey(center, 0);
    const parameters = await kit.parameters(center);
    for (const index of [0, 1]) {
      await kit.advanceTo(startOf(index) + L + 10);
      const packets = meters.map((meter) =>
        meter.packet(onionKey, 0, startOf(index) + L, [
          meter.row(parameters, { startSeconds: startOf(index), epoch: 0, category: index }),
        ]),
      );
      await kit.send(center, packets);
      kit.clock.advance((startOf(index) + 2 * L + 120) * 1_000);
      await untilSealed('pricing', index);
      if (index === 0) {
        await kit.quiet();
      }
    }
    await provider.client.died;
    await kit.bury(center);
    await kit.bury(provider);
    center = await start();

    const keys = await loadControlCenterKeys({
      directory: join(kit.directory, 'center'),
      fileKey: kit.fileKey,
      random,
      seed: kit.config().enrolmentSeed,
    });
    const heir = await kit.heir();
    const name = (): Promise<Readonly<Record<ProvidedKind, number>>> =>
      nameSuccessor(ledger, keys, {
        mspId: 'ServiceProviderMSP',
        publicKey: heir.publicKey,
        signaturePublicKey: heir.signing.publicKey,
      });
    await close(2);
    await assert.rejects(name(), { code: 'NOT_EFFECTIVE' });
    await close(3);
    await close(4);
    const from = { pricing: startOf(2), billing: startOf(1) };
    assert.deepEqual(await name(), from);
    assert.deepEqual(await name(), from, 'a repetition');
    await kit.startProvider(undefined, 'heir');
    await kit.quiet();
    assert.deepEqual(await name(), from, 'a repetition when all is settled');

    const audit = await auditBulletin(sodiumCrypto, kit.bulletin, kit.fingerprint);
    assert.deepEqual(audit.faults, []);
    assert.deepEqual([audit.intervals, audit.rows, audit.last?.sealed], [5, 8, 'billing']);
    assert.deepEqual(
      audit.successors.map(({ kind, fromSeconds }) => [kind, fromSeconds]),
      Object.entries(from),
    );

    // The one that vanished comes back: it has nothing to do, and does no harm.
    const back = await kit.startProvider();
    await kit.announce(center, [3]);
    await kit.advanceTo(startOf(5) + 2 * L + 120);
    await untilSealed('billing', 5);
    assert.equal(back.failure, undefined);
    assert.ok(kit.logged.some(({ msg }) => /waiting to be named its successor/.test(String(msg))));
  });
});
