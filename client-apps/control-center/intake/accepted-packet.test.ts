// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { decodeAcceptedPacket, encodeAcceptedPacket } from './accepted-packet.js';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

describe('client-apps/control-center/intake/accepted-packet', () => {
  it('reads back as it was written', () => {
    const row = { meterNumber: 7, k: 300, previous: random(32), row: random(177) };
    const packet = { meterNumber: 7, slotStartSeconds: 1_384_128_300, rows: [row, { ...row, k: 301 }] };
    assert.deepEqual(decodeAcceptedPacket(encodeAcceptedPacket(packet)), packet);
    const empty = { ...packet, rows: [] };
    assert.deepEqual(decodeAcceptedPacket(encodeAcceptedPacket(empty)), empty);
  });
});
