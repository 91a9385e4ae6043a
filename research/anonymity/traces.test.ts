// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TraceHeader, TraceRecord } from '../../client-apps/relay/trace.js';
import { measureTraces } from './measure.js';
import { trueSender, wayOf, type ObservedSlot } from './observation.js';
import { seededRandom } from '../seeded-random.js';
import { simulateSlot } from './simulated-tier.js';
import { readTraces } from './traces.js';

const ONION = { layers: 2, meanDelayMilliseconds: 4_000, maximumDelayMeans: 5, offsetWindowSeconds: 20 };
const SLOT_START = 1_800_000_000_000;

const name = (kind: number, number: number): string =>
  `${kind}`.padStart(4, '0') + number.toString(16).padStart(12, '0');

describe('anonymity: traces', () => {
  let directory: string;
  beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'gridveil-traces-'))));
  afterEach(() => rm(directory, { recursive: true }));

  /** Traces that the relays of a simulated slot would have written. */
  function tracesOf(slot: ObservedSlot): Map<string, (TraceHeader | TraceRecord)[]> {
    const files = new Map<string, (TraceHeader | TraceRecord)[]>();
    const { levels } = slot.observation;
    for (let packet = 0; packet < levels[0]!.to.length; packet++) {
      const way = wayOf(slot, packet);
      for (let layer = 1; layer <= ONION.layers; layer++) {
        const [before, behind] = [levels[layer - 1]!, levels[layer]!];
        const [inIndex, outIndex] = [way[layer - 1]!, way[layer]!];
        const relay = name(layer, behind.from[outIndex]!);
        const header: TraceHeader = {
          format: 'gridveil-unsafe-relay-trace-1',
          region: 'test',
          relay,
          layer,
          slotSeconds: 300,
          ...ONION,
        };
        const lines = files.get(relay) ?? [header];
        files.set(relay, lines);
        const isLast = layer === ONION.layers;
        lines.push({
          in: {
            link: name(layer - 1, before.from[inIndex]!),
            at: SLOT_START + before.arrived[inIndex]!,
            packet: name(100 + layer - 1, inIndex),
          },
          out: {
            to: isLast ? 'control-center' : 'relay',
            link: isLast ? name(9, 0) : name(layer + 1, behind.to[outIndex]!),
            at: SLOT_START + behind.sent[outIndex]!,
            packet: name(100 + layer, outIndex),
          },
        });
      }
    }
    return files;
  }

  async function write(files: Map<string, (TraceHeader | TraceRecord)[]>): Promise<void> {
    for (const [relay, lines] of files) {
      await writeFile(join(directory, `${relay}.jsonl`), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    }
  }

  const slot = simulateSlot({ meters: 40, onion: ONION, relaysPerLayer: 2 }, seededRandom('traces'));

  it('are joined to the ways that packets took', async () => {
    await write(tracesOf(slot));
    const run = await readTraces(directory);
    assert.equal(run.meters, 40);
    assert.equal(run.relaysPerLayer, 2);
    assert.equal(run.incomplete, 0);
    assert.deepEqual(run.onion, ONION);
    assert.equal(run.slots.length, 1);
    const read = run.slots[0]!;
    read.observation.levels.forEach(({ sent, to }, level) => {
      assert.deepEqual(sent, slot.observation.levels[level]!.sent);
      assert.deepEqual(to, slot.observation.levels[level]!.to);
    });
    // Meters have other numbers here; two packets are of one meter if and only if they were.
    const renamed = new Map<number, number>();
    for (let packet = 0; packet < 40; packet++) {
      renamed.set(trueSender(slot, packet), trueSender(read, packet));
    }
    assert.equal(new Set(renamed.values()).size, 40);

    // Loops of a relay and of the control center: neither senders nor packets of the slot, nor dropped.
    const withLoops = tracesOf(slot);
    const [first] = withLoops.values();
    for (const sender of [name(2, 0), name(9, 0)]) {
      const at = SLOT_START + 1_000;
      first!.push({
        in: { link: sender, at, packet: name(300, withLoops.size) },
        out: { to: 'relay', link: name(2, 0), at, packet: name(301, 0) },
      });
    }
    await write(withLoops);
    assert.deepEqual(await readTraces(directory), run);

    const { source, measurement } = await measureTraces(directory, 1, 500);
    assert.deepEqual(source, { kind: 'traces', directory, incomplete: 0 });
    assert.equal(measurement.entropy.count, 40);
  });

  it('skip packets that did not arrive, and count them', async () => {
    const files = tracesOf(slot);
    files.get(name(2, 0))!.splice(5, 3);
    await write(files);
    const run = await readTraces(directory);
    assert.equal(run.incomplete, 3);
    assert.equal(run.slots[0]!.observation.levels[2]!.to.length, 37);
  });

  it('are refused when they are none, of different runs, or say what cannot be', async () => {
    const refused = (): Promise<void> => assert.rejects(readTraces(directory), { code: 'TRACE_INVALID' });
    await refused();
    const change = async (edit: (lines: (TraceHeader | TraceRecord)[]) => void): Promise<void> => {
      const files = tracesOf(slot);
      edit(files.get(name(1, 1))!);
      await write(files);
      await refused();
    };
    const record = (lines: (TraceHeader | TraceRecord)[], changes: Partial<TraceRecord['out']>): void => {
      const first = lines[1] as TraceRecord;
      lines[1] = { ...first, out: { ...first.out, ...changes } };
    };
    await change((lines) => (lines[0] = { ...(lines[0] as TraceHeader), meanDelayMilliseconds: 5_000 }));
    await change((lines) => lines.shift());
    await change((lines) => record(lines, { at: SLOT_START - 1 }));
    await change((lines) => record(lines, { at: SLOT_START + 100_000 }));
    await change((lines) => record(lines, { link: 'no pin' }));
  });
});
