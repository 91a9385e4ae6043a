// SPDX-License-Identifier: Apache-2.0
import type { Histogram } from './histogram.js';
import type { Measured } from './measured.js';

const WIDTH = 860;
const HEIGHT = 300;
const PANEL = { left: 50, top: 40, width: 360, height: 200 } as const;
/** Number of bars of a panel. */
const BARS = 60;
const TICKS = 5;

/** One distribution of a plot. */
interface Panel {
  readonly title: string;
  /** Label of the axis, with its unit. */
  readonly label: string;
  readonly histogram: Histogram;
  /** Units of the histogram in one unit of the axis. */
  readonly unit: number;
  /** Values to mark, in the histogram's units. */
  readonly marks: readonly { readonly at: number; readonly text: string }[];
}

/** Plots sender entropy and latency of a measurement as a self-contained SVG. */
export function anonymityPlot({ source, meters, corruptPerLayer, relaysPerLayer, measurement }: Measured): string {
  const { entropy, latency } = measurement;
  const observer = `${meters} meters, ${corruptPerLayer} of ${relaysPerLayer} corrupt relays per layer`;
  const title = source.kind === 'simulation' ? observer : `${observer}; from UNSAFE traces`;
  const [p50, p99] = [latency.quantile(0.5, 'upper'), latency.quantile(0.99, 'upper')];
  return plotSvg(title, [
    {
      title,
      label: 'sender entropy, bits',
      histogram: entropy,
      unit: 1,
      marks: [{ at: entropy.mean, text: `mean ${entropy.mean.toFixed(2)}` }],
    },
    {
      title: 'Latency to the control center',
      label: 'seconds from the start of the slot',
      histogram: latency,
      unit: 1000,
      marks: [
        { at: p50, text: `median ${(p50 / 1000).toFixed(1)} s` },
        { at: p99, text: `p99 ${(p99 / 1000).toFixed(1)} s` },
      ],
    },
  ]);
}

function plotSvg(title: string, panels: readonly [Panel, Panel]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="11">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...panels.flatMap((panel, index) => [
      `<g transform="translate(${PANEL.left + (index * WIDTH) / 2} ${PANEL.top})">`,
      ...panelSvg(panel),
      '</g>',
    ]),
    '</svg>',
    '',
  ].join('\n');
}

function panelSvg({ title, label, histogram, unit, marks }: Panel): string[] {
  const { width, height } = PANEL;
  const bars = barsOf(histogram);
  const most = Math.max(...bars, 1);
  const barWidth = width / bars.length;
  const axis = Array.from({ length: TICKS + 1 }, (_, tick) => {
    const x = (tick * width) / TICKS;
    const value = (tick * histogram.limit) / TICKS / unit;
    return `<text x="${x}" y="${height + 14}" text-anchor="middle">${Number(value.toFixed(2))}</text>`;
  });
  return [
    `<text x="0" y="-14" font-weight="bold">${escaped(title)}</text>`,
    ...bars.map((count, index) => {
      const tall = (height * count) / most;
      const x = (index * barWidth).toFixed(2);
      const y = (height - tall).toFixed(2);
      return `<rect x="${x}" y="${y}" width="${(barWidth - 0.5).toFixed(2)}" height="${tall.toFixed(2)}" fill="#4a7ab5"/>`;
    }),
    `<path d="M0 0V${height}H${width}" fill="none" stroke="#333"/>`,
    ...axis,
    `<text x="${width / 2}" y="${height + 32}" text-anchor="middle">${escaped(label)}</text>`,
    ...marks.flatMap(({ at, text }, index) => {
      const x = ((at / histogram.limit) * width).toFixed(2);
      const y = 10 + 14 * index;
      return [
        `<path d="M${x} 0V${height}" stroke="#b5482a" stroke-dasharray="3 3"/>`,
        `<text x="${x}" y="${y}" dx="${at > histogram.limit / 2 ? -4 : 4}" ` +
          `text-anchor="${at > histogram.limit / 2 ? 'end' : 'start'}" fill="#b5482a">${escaped(text)}</text>`,
      ];
    }),
  ];
}

function barsOf({ counts, bins }: Histogram): number[] {
  const bars = new Array<number>(Math.min(BARS, bins)).fill(0);
  counts.forEach((count, bin) => (bars[Math.floor((bin * bars.length) / bins)]! += count));
  return bars;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
