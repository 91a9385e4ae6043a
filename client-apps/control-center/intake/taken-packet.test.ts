// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { decodeTakenPacket, encodeTakenPacket } from './taken-packet.js';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

describe('client-apps/control-center/intake/taken-packet', () => {
  it('reads back as it was written', () => {
    const row = { meterNumber: 7, k: 300, previous: random(32), row: random(177) };
    const packet = { meterNumber: 7, slotStartSeconds: 1_384_128_300, rows: [row, { ...row, k: 301 }] };
    assert.deepEqual(decodeTakenPacket(encodeTakenPacket(packet)), packet);
    const empty = { ...packet, rows: [] };
    assert.deepEqual(decodeTakenPacket(encodeTakenPacket(empty)), empty);
  });
});
