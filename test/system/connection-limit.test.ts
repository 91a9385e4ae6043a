// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { pino } from 'pino';
import { priceOf } from '../../protocol/tariff/tariff.js';
import { rowValue } from '../../protocol/ledger/row.js';
import { checkParameters } from '../../protocol/rules/check-parameters.js';
import { maximumConnectionWatts, type Parameters } from '../../protocol/ledger/parameters.js';
import { enrol } from '../../client-apps/links/enrolment-client.js';
import { ControlCenterUnderTest, EnrollingMeter } from '../support/control-center.js';
import { enrolledMeter, MeterUnderTest, runWindow } from '../support/meter.js';
import { FakeRegion } from '../support/region.js';

const L = 1_800;

describe('No meter reports more than its connection carries', function () {
  this.timeout(60_000);

  it('so one that claims ten times its fuse moves total and price by its limit, and the operator learns which', async () => {
    const kit = await ControlCenterUnderTest.create();
    const lines: Record<string, unknown>[] = [];
    try {
      const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
      kit.changes = { log: pino({ base: {} }, { write }) };
      const center = await kit.start();
      await kit.startProvider();
      const honest = await kit.enrolMeters(center, 4);
      // 180 W over half an hour are 90 Wh.
      const [code] = await kit.codes('meter', 1, 180);
      const corrupt = new EnrollingMeter('corrupt', kit.publicKey);
      corrupt.enrolment = await enrol(kit.address(center), corrupt.request(code!), corrupt.link.publicKey);
      assert.equal(corrupt.enrolment.connectionLimitWatts, 180);
      await kit.announce(center, [0, 1]);
      await kit.advanceTo(kit.startSeconds - L);
      const start = kit.startSeconds;
      await kit.advanceTo(start + L + 10);
      const onionKey = await kit.onionKey(center, 0);
      const parameters = await kit.parameters(center);
      assert.equal(honest[0]!.enrolment!.connectionLimitWatts, maximumConnectionWatts(parameters));
      const packets = honest.map((meter) =>
        meter.packet(onionKey, 0, start + L, [
          meter.row(parameters, { startSeconds: start, epoch: 0, category: 0 }),
          meter.row(parameters, { startSeconds: start, epoch: 0, category: 0 }),
        ]),
      );
      await kit.send(center, packets);
      // 900 Wh, of the smallest category: nothing but the limit keeps them from the ledger.
      for (let slot = start + L; slot < start + 2 * L; slot += 300) {
        await kit.advanceTo(slot + 10);
        const rows = [0, 1, 2].map(() => corrupt.row(parameters, { startSeconds: start, epoch: 0, category: 0 }));
        await kit.send(center, [corrupt.packet(onionKey, 0, slot, rows)]);
      }
      await kit.advanceTo(start + 2 * L + 120);

      const settled = kit.reports.find(({ name }) => name === 'settled')!.data;
      const frozen = kit.reports.find(({ name }) => name === 'frozen')!.data;
      const [total, price] = ['totalMilliWattHours', 'priceNanoPerKilowattHour'].map((name) =>
        BigInt(settled[name] as string),
      );
      const honestTotal = 4n * 2n * 50_000n;
      assert.equal(total, honestTotal + 50_000n, 'one row fits into 90 Wh');
      assert.equal(price, priceOf(parameters.tariff, honestTotal + 50_000n, 5));
      const { refusedRows } = frozen['intake'] as { refusedRows: Record<string, number> };
      assert.deepEqual(refusedRows, { CONNECTION_LIMIT: 17 });
      const alarms = lines.filter(({ msg }) => String(msg).includes('more than its connection carries'));
      assert.deepEqual(
        alarms.map(({ meter, startSeconds }) => [meter, startSeconds]),
        [[corrupt.number, start]],
        'one line a window, which names meter and window',
      );
    } finally {
      await kit.stop();
      await kit.remove();
    }
  });

  it('and an honest one carries what is beyond for later windows', async () => {
    const { kit, bulletin } = await enrolledMeter();
    const meter = new MeterUnderTest(kit, bulletin);
    // 1,000 W over half an hour are 500 Wh.
    await meter.enrol({ connectionLimitWatts: 1_000 });
    meter.energy.set(kit.startOf(0), 1_250_000n);
    meter.energy.set(kit.startOf(1), 0n);
    const energyOf = async (interval: number): Promise<bigint> => {
      const { rows } = await runWindow(meter, interval);
      return rows.reduce((sum, row) => sum + rowValue(row), 0n);
    };
    assert.equal(await energyOf(0), 500_000n);
    assert.equal(meter.meter.balance.carried, 750_000n);
    assert.equal(await energyOf(1), 500_000n);
    assert.equal(meter.meter.balance.carried, 250_000n);
  });

  it('and the parameters allow no connection whose energy does not fit into the rows of a window', () => {
    const check = (parameters: Partial<Parameters>): void => {
      const region = new FakeRegion({ parameters });
      checkParameters(region.crypto, region.signedParameters);
    };
    // 18 rows of 800 Wh in half an hour.
    assert.equal(maximumConnectionWatts(new FakeRegion().parameters), 28_800);
    check({ maximumConnectionWatts: 28_800 });
    check({});
    assert.throws(() => check({ maximumConnectionWatts: 28_801 }), {
      code: 'PARAMETERS_INVALID',
      message: /28801 W.*28800 W/,
    });
  });
});
