// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { toHex } from '../../protocol/crypto/bytes.js';
import { MemoryBulletin } from '../../test/support/memory-bulletin.js';
import { Crash, MeterUnderTest } from '../../test/support/meter.js';
import { FakeRegion } from '../../test/support/region.js';
import { decodeRecord, encodeRecord } from './state-codec.js';

function setUp(): MeterUnderTest {
  const kit = new FakeRegion();
  return new MeterUnderTest(kit, new MemoryBulletin(kit));
}

describe('meter enrolment', () => {
  it('ends with the keys that the control center has, and without sk_i and K_i', async () => {
    const meter = setUp();
    await meter.enrol({ firstEpoch: 3 });
    const { keys, identity, meterNumber } = await meter.store.state();
    const expected = meter.secretsOf(3);
    assert.deepEqual(keys, {
      epoch: 3,
      linkKey: expected.linkKey,
      epochNode: expected.epochNode,
      nextK: 1,
      previous: expected.identity,
    });
    assert.deepEqual(identity, expected.identity);
    assert.equal(meterNumber, 7);
    assert.ok(!new TextDecoder().decode(meter.store.bytes).includes(toHex(meter.meterKey)));
    assert.ok(!new TextDecoder().decode(meter.store.bytes).includes('pending'));
  });

  it('begins with the first whole interval after it, in a registered epoch', async () => {
    const meter = setUp();
    const { kit } = meter;
    await meter.enrol({ nowSeconds: kit.startOf(2) + 1 });
    assert.equal((await meter.store.state()).nextMeasureSeconds, kit.startOf(3));
    const later = setUp();
    await later.enrol({ firstEpoch: 1, nowSeconds: kit.startOf(0) });
    assert.equal((await later.store.state()).nextMeasureSeconds, kit.startOf(48));
  });

  it('sends the same request again after a crash', async () => {
    const meter = setUp();
    meter.store.crashAt = (write) => (write === 1 ? 'before' : undefined);
    await assert.rejects(meter.enrol(), Crash);
    const record = await meter.store.read();
    assert.ok(record !== undefined && 'pending' in record);
    const { pending } = record;
    await meter.enrol({ pending: structuredClone(pending) });
    assert.deepEqual((await meter.store.state()).linkSeed, pending.linkSeed);
  });

  it('keeps a record that reads back to the same bytes, and refuses any other spelling', async () => {
    const meter = setUp();
    meter.bulletin.publishDirectory(0);
    await meter.enrol();
    meter.energy.set(meter.kit.startOf(0), 1_250_000n);
    await meter.slot(meter.kit.startOf(0) + 1_800);
    const bytes = meter.store.bytes!;
    assert.deepEqual(encodeRecord(decodeRecord(bytes)), bytes);
    const text = new TextDecoder().decode(bytes);
    for (const changed of [
      ` ${text}`,
      text.replace('"nextK":', '"nextk":'),
      text.replace('"carried":"', '"carried":"0'),
    ]) {
      assert.throws(() => decodeRecord(new TextEncoder().encode(changed)));
    }
  });
});
