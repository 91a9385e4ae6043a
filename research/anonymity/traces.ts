// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { getOrMake } from '../../protocol/get-or-make.js';
import { maximumDelayMilliseconds } from '../../protocol/onion/path.js';
import type { OnionParameters } from '../../protocol/ledger/parameters.js';
import { MAXIMUM_LAYERS } from '../../protocol/onion/geometry.js';
import { hexString } from '../../client-apps/runtime/config.js';
import { ClientError } from '../../client-apps/runtime/errors.js';
import type { TraceHeader, TraceRecord } from '../../client-apps/relay/trace.js';
import type { Level, ObservedSlot } from './observation.js';

/** Maximum number of records, those of a full region in an hour; about 200 MB in memory. */
const MAXIMUM_RECORDS = 1_000_000;
/** Maximum number of slots: ten days. */
const MAXIMUM_SLOTS = 2_880;

/**
 * Tolerance for packets that leave late: the clock of a run advances by seconds, and a packet waits for its replay tag
 * to be on the disk. The observer allows for it.
 */
export const TRACE_SLACK_MILLISECONDS = 2_000;

const name = hexString(8);
const milliseconds = z.int().min(0);
const headerShape = z.strictObject({
  format: z.literal('gridveil-unsafe-relay-trace-1'),
  region: z.string(),
  relay: name,
  layer: z.int().min(1).max(MAXIMUM_LAYERS),
  layers: z.int().min(1).max(MAXIMUM_LAYERS),
  slotSeconds: z.int().min(1),
  offsetWindowSeconds: z.int().min(0),
  meanDelayMilliseconds: z.int().min(1),
  maximumDelayMeans: z.int().min(1),
}) satisfies z.ZodType<TraceHeader>;
const end = z.strictObject({ link: name, at: milliseconds, packet: name });
const recordShape = z.strictObject({
  in: end,
  out: end.extend({ to: z.enum(['relay', 'control-center', 'mailbox']) }),
}) satisfies z.ZodType<TraceRecord>;

/** A run as recorded by its relays. */
export interface TracedRun {
  readonly onion: OnionParameters;
  readonly meters: number;
  readonly relaysPerLayer: number;
  readonly slots: readonly ObservedSlot[];
  /** Packets with an incomplete path: dropped, or in transit at the end. */
  readonly incomplete: number;
}

interface RelayTrace {
  readonly header: TraceHeader;
  readonly records: readonly TraceRecord[];
}

/** A packet's passage through one relay. */
interface Passage extends TraceRecord {
  readonly relay: number;
}

/**
 * Reads the traces of all relays of a run, and joins them to paths of packets. Only packets of meters to the control
 * center are kept, see {@link ObservedSlot}: loops count as no cover, as if the observer recognised them, so the
 * figures are lower bounds.
 *
 * @throws ClientError TRACE_INVALID; LIMIT_EXCEEDED
 */
export async function readTraces(directory: string): Promise<TracedRun> {
  const relays = await readRelays(directory);
  const { layers, slotSeconds, offsetWindowSeconds, meanDelayMilliseconds, maximumDelayMeans } = relays[0]!.header;
  const byLayer = Array.from({ length: layers }, (_, index) =>
    relays.filter(({ header }) => header.layer === index + 1),
  );
  const { ways, incomplete } = waysOf(byLayer.map(passagesOf), loopSenders(relays));
  const meters = new Map<string, number>();
  const slots = new Map<number, Passage[][]>();
  for (const way of ways) {
    const first = way[0]!.in;
    getOrMake(meters, first.link, () => meters.size);
    const start = Math.floor(first.at / (slotSeconds * 1000)) * slotSeconds * 1000;
    getOrMake(slots, start, () => []).push(way);
  }
  if (slots.size === 0 || slots.size > MAXIMUM_SLOTS) {
    throw new ClientError(
      'TRACE_INVALID',
      `${directory}: expected packets of 1 to ${MAXIMUM_SLOTS} slots, got ${slots.size}`,
    );
  }
  const ordered = [...slots].sort(([a], [b]) => a - b);
  return {
    onion: { layers, offsetWindowSeconds, meanDelayMilliseconds, maximumDelayMeans },
    meters: meters.size,
    relaysPerLayer: Math.max(...byLayer.map(({ length }) => length)),
    slots: ordered.map(([start, found]) => slotOf(start, found, meters)),
    incomplete,
  };
}

async function readRelays(directory: string): Promise<RelayTrace[]> {
  const files = await readdir(directory).catch((cause: unknown) => {
    throw new ClientError('TRACE_INVALID', `${directory}: no traces found`, { cause });
  });
  const relays: RelayTrace[] = [];
  let records = 0;
  for (const file of files.filter((found) => found.endsWith('.jsonl')).sort()) {
    const relay = await readRelay(join(directory, file), MAXIMUM_RECORDS - records);
    records += relay.records.length;
    relays.push(relay);
  }
  const [first] = relays;
  if (first === undefined) {
    throw new ClientError('TRACE_INVALID', `${directory}: no traces found`);
  }
  const run = ({ header }: RelayTrace): string => JSON.stringify({ ...header, relay: '', layer: 0 });
  if (relays.some((relay) => run(relay) !== run(first))) {
    throw new ClientError('TRACE_INVALID', `${directory}: traces of different runs`);
  }
  return relays;
}

async function readRelay(path: string, maximumRecords: number): Promise<RelayTrace> {
  let header: TraceHeader | undefined;
  const records: TraceRecord[] = [];
  let line = 0;
  const parse = <T>(shape: z.ZodType<T>, text: string): T => {
    try {
      return shape.parse(JSON.parse(text));
    } catch (cause) {
      throw new ClientError('TRACE_INVALID', `${path}:${line}: not a line of a trace`, { cause });
    }
  };
  for await (const text of createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Infinity })) {
    line++;
    // A restarted relay writes its header again.
    if (line === 1 || text.startsWith('{"format"')) {
      header = parse(headerShape, text);
    } else {
      records.push(parse(recordShape, text));
    }
    if (header !== undefined && records.length > 0) {
      checkHolding(header, records.at(-1)!, `${path}:${line}`);
    }
    if (records.length > maximumRecords) {
      throw new ClientError('LIMIT_EXCEEDED', `${path}: more than ${MAXIMUM_RECORDS} packets in all traces`);
    }
  }
  if (header === undefined) {
    throw new ClientError('TRACE_INVALID', `${path} is empty`);
  }
  return { header, records };
}

/** Checks that a packet left after at most the longest delay. @throws ClientError TRACE_INVALID */
function checkHolding(
  { meanDelayMilliseconds, maximumDelayMeans }: TraceHeader,
  record: TraceRecord,
  at: string,
): void {
  const held = record.out.at - record.in.at;
  const longest = maximumDelayMilliseconds({ meanDelayMilliseconds, maximumDelayMeans }) + TRACE_SLACK_MILLISECONDS;
  if (held < 0 || held > longest) {
    throw new ClientError('TRACE_INVALID', `${at}: expected a delay from 0 to ${longest} ms, got ${held} ms`);
  }
}

/** Returns a layer's passages by the incoming packet. */
function passagesOf(relays: readonly RelayTrace[]): Map<string, Passage> {
  return new Map(
    relays.flatMap(({ records }, relay) => records.map((record) => [record.in.packet, { ...record, relay }] as const)),
  );
}

/** Returns the senders of loops: the relays, and the control center, to which the last layer sends. */
function loopSenders(relays: readonly RelayTrace[]): Set<string> {
  const senders = new Set(relays.map(({ header }) => header.relay));
  for (const { records } of relays) {
    for (const { out } of records) {
      if (out.to === 'control-center') {
        senders.add(out.link);
      }
    }
  }
  return senders;
}

function waysOf(
  layers: readonly Map<string, Passage>[],
  senders: ReadonlySet<string>,
): { ways: Passage[][]; incomplete: number } {
  const ways: Passage[][] = [];
  let incomplete = 0;
  for (const entry of layers[0]!.values()) {
    if (senders.has(entry.in.link)) {
      continue;
    }
    const way: Passage[] = [];
    for (let next: Passage | undefined = entry; next !== undefined; next = layers[way.length]?.get(next.out.packet)) {
      way.push(next);
    }
    const to = way.at(-1)!.out.to;
    if (way.length < layers.length || to === 'relay') {
      incomplete++;
    } else if (to === 'control-center') {
      ways.push(way);
    }
  }
  return { ways, incomplete };
}

/** Assigns the packets of a slot an index on every level, in the order of time. */
function slotOf(start: number, ways: readonly Passage[][], meters: ReadonlyMap<string, number>): ObservedSlot {
  const layers = ways[0]!.length;
  const levels: Level[] = [];
  const origins: Int32Array[] = [];
  let before = new Map<Passage[], number>();
  for (let level = 0; level <= layers; level++) {
    const sentAt = (way: Passage[]): number => (level === 0 ? way[0]!.in.at : way[level - 1]!.out.at);
    const order = [...ways].sort((a, b) => sentAt(a) - sentAt(b));
    levels.push({
      from: Int32Array.from(order, (way) => (level === 0 ? meters.get(way[0]!.in.link)! : way[level - 1]!.relay)),
      to: Int32Array.from(order, (way) => way[level]?.relay ?? 0),
      sent: Float64Array.from(order, (way) => sentAt(way) - start),
      arrived: Float64Array.from(order, (way) => (way[level]?.in.at ?? sentAt(way)) - start),
    });
    if (level > 0) {
      origins.push(Int32Array.from(order, (way) => before.get(way)!));
    }
    before = new Map(order.map((way, index) => [way, index]));
  }
  return { observation: { meters: meters.size, levels }, origins };
}
