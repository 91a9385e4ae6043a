// SPDX-License-Identifier: Apache-2.0
import { accepted, refused, repeated, text, World } from '../test/world.js';
import assert from 'node:assert/strict';
import type { Parameters } from '../../protocol/ledger/parameters.js';
import { encodeSignedParameters, parametersDigest } from '../../protocol/ledger/parameters-json.js';
import { IntervalMaker } from '../../test/support/interval.js';
import { FakeRegion } from '../../test/support/region.js';
import { CONTROL_CENTER_MSP } from '../test/fabric-stub.js';

const ROWS = Array.from({ length: 25 }, (_, row) => row % 5);

describe('PutParameters', () => {
  const kit = new FakeRegion();
  let world: World;

  /** Version 2, effective from the third interval. */
  const second = (changes: Partial<Parameters> = {}) =>
    kit.signParameters({
      ...kit.parameters,
      version: 2,
      effectiveFromSeconds: kit.startOf(2),
      previous: parametersDigest(kit.crypto, kit.parameters),
      ...changes,
    });

  beforeEach(async () => {
    world = new World(kit.pricePseudonymKey);
    accepted(await world.putParameters(kit.signedParameters));
    accepted(await world.putRegistryRoot(kit.registryRoot(0)));
  });

  it('keeps versions by number and the latest', async () => {
    const next = second({ kAnonymity: 7 });
    accepted(await world.putParameters(next));
    const get = async (version: string) =>
      text((await world.query('consumption', 'GetParameters', 'london', version)).payload);
    assert.equal(await get('1'), text(encodeSignedParameters(kit.signedParameters)));
    assert.equal(await get('2'), text(encodeSignedParameters(next)));
    assert.equal(await get('latest'), text(encodeSignedParameters(next)));
  });

  it('never changes a version, and a repetition writes nothing', async () => {
    accepted(await world.putParameters(second()));
    repeated(await world.putParameters(kit.signedParameters));
    refused(await world.putParameters(kit.signParameters({ ...kit.parameters, kAnonymity: 7 })), 'CONFLICT');
  });

  it('wants consecutive, chained versions', async () => {
    refused(await world.putParameters(second({ version: 3 })), 'PARAMETERS_CHAIN');
    refused(await world.putParameters(second({ previous: kit.secret('other') })), 'PARAMETERS_CHAIN');
    refused(await world.putParameters(second({ demo: false })), 'PARAMETERS_CHAIN');
  });

  it('wants the signatures of the control center and, under the tariff, of the service provider', async () => {
    const { signature } = kit.signedParameters;
    refused(await world.putParameters({ ...second(), signature }), 'BAD_SIGNATURE');
    const tariff = { points: kit.parameters.tariff.points.slice(1) };
    refused(await world.putParameters(second({ tariff })), 'BAD_SIGNATURE');
  });

  it("wants this peer's organisation as the control center", async () => {
    const controlCenter = { ...kit.parameters.controlCenter, mspId: 'OtherMSP' };
    refused(await world.putParameters(second({ controlCenter })), 'WRONG_MSP');
  });

  it('refuses impossible values', async () => {
    refused(await world.putParameters(second({ slotSeconds: 7 })), 'PARAMETERS_INVALID');
    refused(await world.putParameters(second({ categoriesMilliWattHours: [1n, 2n, 3n, 4n, 5n] })), 'BAD_CATEGORY');
    const tariff = { points: [] };
    refused(await world.putParameters(second({ tariff })), 'TARIFF_INVALID');
  });

  it('refuses versions that reach into an interval with a header', async () => {
    const maker = new IntervalMaker(kit);
    accepted(await world.putHeader(maker.next(ROWS).consumption.header));
    accepted(await world.putHeader(maker.next(ROWS).consumption.header));
    refused(await world.putParameters(second({ effectiveFromSeconds: kit.startOf(1) })), 'NOT_EFFECTIVE');
    accepted(await world.putParameters(second({ effectiveFromSeconds: kit.startOf(2) })));
  });

  it('loses the race against a header of its first interval', async () => {
    const args = [text(encodeSignedParameters(second({ effectiveFromSeconds: kit.startOf(1) })))];
    const endorsed = await world.ledger.simulate('consumption', {
      mspId: CONTROL_CENTER_MSP,
      transaction: 'PutParameters',
      args,
    });
    accepted(await world.putHeader(new IntervalMaker(kit, 1).next(ROWS).consumption.header));
    assert.equal(world.ledger.commit(endorsed), 'PHANTOM_READ_CONFLICT');
  });

  it('governs headers from the second that it names', async () => {
    accepted(await world.putParameters(second({ effectiveFromSeconds: kit.startOf(1), kAnonymity: 7 })));
    const maker = new IntervalMaker(kit);
    accepted(await world.putHeader(maker.next(ROWS).consumption.header));
    const { header } = maker.next(ROWS).consumption;
    refused(await world.putHeader(header), 'HEADER_MISMATCH');
    refused(await world.putHeader({ ...header, parametersVersion: 2 }), 'K_ANONYMITY');
  });
});
