// SPDX-License-Identifier: Apache-2.0
import { pairs, table, type Result } from '../output.js';
import type { Histogram } from '../../../research/anonymity/histogram.js';
import type { Measured } from '../../../research/anonymity/measured.js';
import type { Scale } from '../../../research/anonymity/scale.js';

/** Quantiles of the least anonymous packets that are shown. */
const LOW_SHARES = [0.01, 0.05] as const;

/** Renders a measurement. */
export function anonymityResult(measured: Measured): Result {
  const data = anonymityData(measured);
  return { data, text: anonymityText(measured, data) };
}

function anonymityData(measured: Measured) {
  const { source, meters, onion, relaysPerLayer, corruptPerLayer, measurement } = measured;
  const { entropy, latency, stragglers, allCorrupt, guessed } = measurement;
  const share = (count: number): number => count / Math.max(1, entropy.count);
  const [p1, p5] = LOW_SHARES.map((low) => entropy.quantile(low, 'lower'));
  return {
    ...(source.kind === 'simulation'
      ? { source: 'simulation', seed: source.seed }
      : { source: 'traces', unsafeTrace: source.directory, incompletePackets: source.incomplete }),
    meters,
    layers: onion.layers,
    relaysPerLayer,
    corruptPerLayer,
    meanDelayMilliseconds: onion.meanDelayMilliseconds,
    offsetWindowSeconds: onion.offsetWindowSeconds,
    slots: measurement.slots,
    packets: entropy.count,
    meanEntropyBits: round(entropy.mean, 4),
    maximumEntropyBits: round(Math.log2(meters), 4),
    entropyBits: { minimum: round(entropy.minimum, 4), p1: round(p1!, 4), p5: round(p5!, 4) },
    trueSender: { meanBits: round(measurement.meanTrueSenderBits, 4), bestGuessShare: round(share(guessed), 6) },
    fullyTraced: {
      allCorrupt,
      ...stragglers,
      share: round(share(allCorrupt + stragglers.alone + stragglers.narrowed), 6),
    },
    byHonestRelays: measurement.byHonestRelays.map((group) => ({
      ...group,
      meanEntropyBits: round(group.meanEntropyBits, 4),
    })),
    latencySeconds: { ...latencyOf(latency), maximum: latency.maximum / 1000 },
    residual: measurement.residual,
  };
}

function anonymityText(
  { source, onion, relaysPerLayer, corruptPerLayer, meters, measurement }: Measured,
  data: ReturnType<typeof anonymityData>,
): string[] {
  const { allCorrupt, stragglers, entropy, byHonestRelays } = measurement;
  const { entropyBits, trueSender, latencySeconds } = data;
  const bits = (value: number): string => `${value.toFixed(2)} bits`;
  const percent = (value: number): string => `${(100 * value).toFixed(2)} %`;
  const from =
    source.kind === 'simulation'
      ? `simulation, seed ${source.seed}`
      : `UNSAFE traces of a run in ${source.directory} (${source.incomplete} incomplete packets excluded)`;
  return [
    ...pairs([
      ['packets from', from],
      ['tier', `${meters} meters, ${onion.layers} layers of ${relaysPerLayer} relays`],
      [
        'timing',
        `mean delay ${onion.meanDelayMilliseconds} ms per relay, offsets within ${onion.offsetWindowSeconds} s`,
      ],
      ['observer', `sees every link, controls ${corruptPerLayer} of ${relaysPerLayer} relays per layer`],
      ['sample', `${data.packets} packets to the control center, ${measurement.slots} slots`],
    ]),
    '',
    ...pairs([
      ['sender entropy, mean', `${bits(entropy.mean)} of at most ${bits(Math.log2(meters))}`],
      ['5th percentile', bits(entropyBits.p5)],
      ['1st percentile', bits(entropyBits.p1)],
      ['minimum', bits(entropyBits.minimum)],
      ['true sender, mean −log2 p', bits(trueSender.meanBits)],
      ['best guess correct', `${percent(trueSender.bestGuessShare)} (chance: ${percent(1 / meters)})`],
      ['traced, all relays corrupt', `${allCorrupt} (${percent(allCorrupt / Math.max(1, data.packets))})`],
      ['traced, alone at a relay', `${stragglers.alone} stragglers`],
      ['traced, others excluded', `${stragglers.narrowed} stragglers`],
      ['latency to CC', latencyText(latencySeconds)],
    ]),
    ...(corruptPerLayer === 0
      ? []
      : [
          '',
          ...table([
            ['honest relays on the path', 'packets', 'mean bits'],
            ...byHonestRelays.map(({ honestRelays, packets, meanEntropyBits }) => [
              String(honestRelays),
              String(packets),
              meanEntropyBits.toFixed(2),
            ]),
          ]),
        ]),
  ];
}

/** Latency in seconds. */
interface Latency {
  readonly p50: number;
  readonly p99: number;
}

function latencyOf(latency: Histogram): Latency {
  return { p50: latency.quantile(0.5, 'upper') / 1000, p99: latency.quantile(0.99, 'upper') / 1000 };
}

function latencyText({ p50, p99 }: Latency): string {
  return `median ${p50} s, 99th percentile ${p99} s`;
}

/** Rounds to significant digits, so that all machines print the same text. */
export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** Renders an estimate of scale. */
export function scaleResult(
  scale: Scale,
  { corruptPerLayer, seed }: { corruptPerLayer: number; seed: string },
): Result {
  const { measurement, onion } = scale;
  const { entropy, latency } = measurement;
  const maximumEntropyBits = round(Math.log2(scale.metersPerRegion), 4);
  // Peak memory in MB; it does not grow with the number of meters.
  const peakMemoryMegabytes = Math.round(process.resourceUsage().maxRSS / 1024);
  const data = {
    meters: scale.meters,
    regions: scale.regions,
    metersPerRegion: scale.metersPerRegion,
    layers: onion.layers,
    relaysPerLayer: scale.relaysPerLayer,
    relays: scale.relays,
    corruptPerLayer,
    meanDelayMilliseconds: onion.meanDelayMilliseconds,
    offsetWindowSeconds: onion.offsetWindowSeconds,
    packetsPerSlot: scale.packetsPerSlot,
    peakPacketsPerSecond: scale.peakPacketsPerSecond,
    coresAtPeak: round(scale.coresAtPeak, 2),
    slots: measurement.slots,
    packets: entropy.count,
    meanEntropyBits: round(entropy.mean, 4),
    maximumEntropyBits,
    latencySeconds: latencyOf(latency),
    peakMemoryMegabytes,
    seed,
  };
  return {
    data,
    text: pairs([
      ['meters', `${scale.meters} in ${scale.regions} regions of up to ${scale.metersPerRegion}`],
      ['packets', `${scale.packetsPerSlot} per slot, to control centers and hubs`],
      [
        'relays',
        `${scale.relays}: ${onion.layers} layers of ${scale.relaysPerLayer} in each region, ` +
          `at most ${Math.ceil(scale.peakPacketsPerSecond)} packets/s each, ${data.coresAtPeak} cores in total`,
      ],
      ['latency to CC', latencyText(data.latencySeconds)],
      [
        'sender entropy, mean',
        `${entropy.mean.toFixed(2)} bits of at most ${maximumEntropyBits.toFixed(2)} (${entropy.count} packets, ` +
          `${measurement.slots} slots, ${corruptPerLayer} corrupt relays per layer)`,
      ],
      ['peak memory', `${peakMemoryMegabytes} MB`],
    ]),
  };
}
