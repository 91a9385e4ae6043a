// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { packetLength } from '../../protocol/onion/geometry.js';
import { SystemClock } from '../runtime/clock.js';
import { FRAME, FRAME_HEADER_LENGTH, FrameQueue, FrameReader, MAXIMUM_BODY_LENGTH, type FrameType } from './frames.js';

const frames = fc.array(
  fc
    .constantFrom(...Object.values(FRAME))
    .chain((type) => fc.tuple(fc.constant(type), fc.uint8Array({ maxLength: MAXIMUM_BODY_LENGTH[type] }))),
  { maxLength: 20 },
);

function header(type: number, length: number): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_LENGTH);
  bytes[0] = type;
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

describe('frames', () => {
  it('come out as they went in, however the stream is cut', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }), (sent, cuts) => {
        const queue = new FrameQueue(new SystemClock());
        for (const [type, body] of sent) {
          assert.ok(queue.push(type, body));
        }
        const chunks: Buffer[] = [];
        while (!queue.isEmpty) {
          chunks.push(queue.take().bytes);
        }
        const stream = Buffer.concat(chunks);
        const received: [FrameType, Uint8Array][] = [];
        const reader = new FrameReader();
        for (let offset = 0, turn = 0; offset < stream.length; turn++) {
          const end = offset + cuts[turn % cuts.length]!;
          assert.ok(reader.push(stream.subarray(offset, end), (type, body) => received.push([type, body.slice()])));
          offset = end;
        }
        assert.deepEqual(
          received.map(([type, body]) => [type, Buffer.from(body)]),
          sent.map(([type, body]) => [type, Buffer.from(body)]),
        );
      }),
    );
  });

  it('are refused before their body is read when the type is unknown or the length over its bound', () => {
    const refuse = (bytes: Buffer): boolean => !new FrameReader().push(bytes, () => assert.fail('no frame'));
    assert.ok(refuse(header(0, 0)));
    assert.ok(refuse(header(99, 0)));
    assert.ok(refuse(header(FRAME.packet, packetLength(8) + 1)));
    assert.ok(refuse(header(FRAME.packet, 0xffff_ffff)));
    assert.ok(refuse(header(FRAME.mailboxOpen, 1)));
    assert.ok(!refuse(header(FRAME.packet, packetLength(8))));
  });

  it('wait within bounds: the newest is refused, and what waits stays', () => {
    const clock = new SystemClock();
    const queue = new FrameQueue(clock, 3 * (FRAME_HEADER_LENGTH + 8));
    const push = (number: number): boolean => queue.push(FRAME.mailboxDrain, new Uint8Array(8).fill(number));
    assert.deepEqual([1, 2, 3, 4].map(push), [true, true, true, false]);
    assert.equal(clock.activity.frames.sent, 3);
    const { bytes, frames: count } = queue.take();
    assert.deepEqual([count, bytes[5], bytes[18], bytes[31]], [3, 1, 2, 3]);
    assert.ok(push(5));
    assert.equal(queue.clear(), 1);
    assert.ok(queue.isEmpty);
    assert.equal(clock.activity.frames.sent, 3, 'what was given up is not waited for');
  });

  it('leave in writes of bounded size that hold whole frames', () => {
    const queue = new FrameQueue(new SystemClock());
    const body = new Uint8Array(packetLength(4));
    for (let count = 0; count < 200; count++) {
      queue.push(FRAME.packet, body);
    }
    const writes: number[] = [];
    while (!queue.isEmpty) {
      const { bytes, frames: count } = queue.take();
      assert.equal(bytes.length, count * (FRAME_HEADER_LENGTH + body.length));
      writes.push(bytes.length);
    }
    assert.ok(Math.max(...writes) <= 64 * 1024);
    assert.equal(writes.length, 3);
  });
});
