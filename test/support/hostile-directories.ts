// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { appendFile, mkdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  encodeSealsFile,
  INDEX_FILE,
  intervalFolder,
  PARAMETERS_FILE,
  ROWS_FILE,
  SEALS_FILE,
} from '../../protocol/ledger/bulletin.js';
import { MAXIMUM_PAGES, MAXIMUM_ROWS, ROWS_PER_PAGE } from '../../protocol/ledger/limits.js';
import { ROW_LENGTH } from '../../protocol/ledger/row.js';
import { signSeal } from '../../protocol/ledger/seal.js';
import { consumptionSealContent } from '../../protocol/rules/check-seal.js';
import { intervalContext } from '../../protocol/rules/interval-context.js';
import type { FakeRegion } from './region.js';

/** A bulletin without a fault, to which something is done. */
export interface Untouched {
  readonly kit: FakeRegion;
  readonly root: string;
  /** Start of its last interval. */
  readonly lastStartSeconds: number;
}

/** Something that a publisher of a copy of a bulletin can do to it, without any key. */
export interface HostileDirectory {
  readonly name: string;
  /** @param scale 1 in a short test, more in a long one */
  readonly make: (untouched: Untouched, scale: number) => Promise<void>;
  /** Faults that an audit must name among others: path and code, with `*` for the region's folder. */
  readonly faults: readonly string[];
  /** Exact number of faults at a scale. */
  readonly count?: (scale: number) => number;
  /** Texts that the output must hold, and must not. */
  readonly shows?: RegExp;
  readonly hides?: RegExp;
}

const FULL_ROWS_BYTES = MAXIMUM_ROWS * ROW_LENGTH;
const region = ({ root, kit }: Untouched, ...path: string[]): string => join(root, 'bulletin', kit.region, ...path);
const folder = (untouched: Untouched, file = ''): string => region(untouched, String(untouched.lastStartSeconds), file);

async function sparse(path: string, bytes: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await appendFile(path, '');
  await truncate(path, bytes);
}

async function fill(path: string, files: number, name: (i: number) => string): Promise<void> {
  await mkdir(path, { recursive: true });
  for (let i = 0; i < files; i++) {
    await writeFile(join(path, name(i)), '');
  }
}

/** Seals with a stranger's signature over as many pages as the format allows, each with files of that size. */
async function forgeIntervals(untouched: Untouched, intervals: number): Promise<void> {
  const { kit, lastStartSeconds } = untouched;
  const stranger = kit.signingKey('stranger');
  const value = kit.parameters.categoriesMilliWattHours[0]!;
  const page = (count: number) => ({ count, sum: value * BigInt(count), histogram: [{ value, count }] });
  const pages = Array.from({ length: MAXIMUM_PAGES }, (_, p) => {
    const border = (last: number) =>
      new Uint8Array(32)
        .with(0, p >> 8)
        .with(1, p & 255)
        .with(31, last);
    return { ...page(ROWS_PER_PAGE), first: border(0), last: border(1), root: kit.secret('root') };
  });
  for (let i = 1; i <= intervals; i++) {
    const ledgerId = { region: kit.region, startSeconds: lastStartSeconds + i * kit.parameters.intervalSeconds };
    const { count, sum: total, histogram } = page(MAXIMUM_ROWS);
    const about = { kind: 'consumption', ledgerId, parametersVersion: 1, registryEpoch: 0 } as const;
    const header = { ...about, count, total, histogram, pages };
    const context = intervalContext(kit.crypto, kit.parameters, ledgerId.startSeconds);
    const none = new Uint8Array(32);
    const content = consumptionSealContent(kit.crypto, context, header, {
      registryRoot: none,
      registeredMeters: 1,
      directoryDigest: none,
      indexDigest: none,
    });
    const consumption = { header, ...signSeal(kit.crypto, { ...content, previous: none }, stranger) };
    const path = join(untouched.root, intervalFolder(ledgerId));
    await mkdir(path, { recursive: true });
    await writeFile(join(path, SEALS_FILE), encodeSealsFile({ consumption }));
    await sparse(join(path, INDEX_FILE), 9 * MAXIMUM_ROWS);
    await sparse(join(path, ROWS_FILE.consumption), FULL_ROWS_BYTES);
  }
}

/** All of them; more of the kind are welcome. */
export const HOSTILE_DIRECTORIES: readonly HostileDirectory[] = [
  {
    name: 'folders with the names that every object has',
    make: async (untouched) => {
      for (const name of ['constructor', '__proto__', 'toString']) {
        await fill(region(untouched, name), 1, () => 'x');
      }
    },
    faults: ['*/__proto__ UNKNOWN_FILE', '*/constructor UNKNOWN_FILE', '*/toString UNKNOWN_FILE'],
    count: () => 3,
  },
  {
    name: 'large sparse files under unknown names',
    make: async (untouched, scale) => {
      for (let i = 0; i < 6 * scale; i++) {
        await sparse(folder(untouched, `unknown-${i}`), FULL_ROWS_BYTES);
      }
    },
    faults: ['*/#/unknown-0 UNKNOWN_FILE'],
    count: (scale) => 6 * scale,
  },
  {
    name: 'large sparse files under known names',
    make: async (untouched) => {
      for (const name of [ROWS_FILE.consumption, ROWS_FILE.billing, ROWS_FILE.pricing, INDEX_FILE]) {
        await sparse(folder(untouched, name), FULL_ROWS_BYTES);
      }
      await sparse(region(untouched, 'directory', '7.json'), 1_000_000);
      await sparse(region(untouched, 'directory', '8.json'), 2 ** 40);
    },
    faults: [
      '*/#/consumption.rows BAD_LENGTH',
      '*/#/consumption.index BAD_LENGTH',
      '*/#/pricing.rows BAD_LENGTH',
      '*/#/billing.rows BAD_LENGTH',
      '*/directory/7.json MALFORMED',
      '*/directory/8.json LIMIT_EXCEEDED',
    ],
    count: () => 6,
  },
  {
    name: 'a list of parameters of 30 MB',
    make: ({ root }) => writeFile(join(root, PARAMETERS_FILE), `{"versions":[${'0,'.repeat(15_000_000)}0]}`),
    faults: ['parameters.json LIMIT_EXCEEDED'],
    count: () => 1,
  },
  {
    name: 'a list of parameters that fits its limit and costs most to read',
    make: ({ root }) => writeFile(join(root, PARAMETERS_FILE), `{"versions":[${'{},'.repeat(699_000)}{}]}`),
    faults: ['parameters.json LIMIT_EXCEEDED'],
    count: () => 1,
  },
  {
    name: 'links, FIFOs, devices and folders where files are due, and files where folders are due',
    make: async (untouched) => {
      const { root } = untouched;
      for (const name of [ROWS_FILE.consumption, ROWS_FILE.pricing, ROWS_FILE.billing, INDEX_FILE]) {
        await rm(folder(untouched, name));
      }
      execFileSync('mkfifo', [folder(untouched, ROWS_FILE.consumption), join(root, 'fifo')]);
      await mkdir(folder(untouched, ROWS_FILE.pricing));
      await symlink('/dev/zero', folder(untouched, ROWS_FILE.billing));
      await symlink('.', folder(untouched, INDEX_FILE));
      await symlink('..', region(untouched, 'directory', '1.json'));
      await symlink('.', region(untouched, 'consumers'));
      await writeFile(region(untouched, '0'), '');
    },
    faults: [
      'fifo UNKNOWN_FILE',
      '*/consumers MALFORMED',
      '*/directory/1.json MALFORMED',
      '*/0 MALFORMED',
      '*/#/consumption.rows MALFORMED',
      '*/#/consumption.index MALFORMED',
      '*/#/pricing.rows MALFORMED',
      '*/#/billing.rows MALFORMED',
    ],
    shows: /consumption\.rows: MALFORMED: expected a file, found a FIFO\n/,
  },
  {
    name: 'names that forge lines, clear the screen or turn the direction of writing',
    make: async (untouched) => {
      for (const name of ['x\nok: no faults', '\u001b[2J\u001b[H', '\u202egnp.exe', '\u009b31m', 'a\\u{a}']) {
        await writeFile(folder(untouched, name), '');
        await mkdir(region(untouched, `${name} folder`));
      }
    },
    faults: [
      '*/#/x\\u{a}ok: no faults UNKNOWN_FILE',
      '*/#/\\u{1b}[2J\\u{1b}[H UNKNOWN_FILE',
      '*/#/\\u{202e}gnp.exe UNKNOWN_FILE',
      '*/#/a\\u{5c}u{a} UNKNOWN_FILE',
    ],
    count: () => 10,
    hides: /^ok: |\p{Cf}|(?!\n)\p{Cc}/mu,
  },
  {
    name: 'empty folders, also of another region',
    make: async (untouched) => {
      await mkdir(join(untouched.root, 'empty'));
      await mkdir(join(untouched.root, 'bulletin', 'paris'));
      await mkdir(region(untouched, 'more'));
      await mkdir(folder(untouched, 'more'));
    },
    faults: ['empty UNKNOWN_FILE', 'bulletin/paris UNKNOWN_FILE', '*/more UNKNOWN_FILE', '*/#/more UNKNOWN_FILE'],
    count: () => 4,
  },
  {
    name: 'very many entries, in more folders than one',
    make: async (untouched, scale) => {
      await fill(folder(untouched), 2_000 * scale, (i) => `unknown-${i}`);
      await fill(region(untouched), 2_000 * scale, (i) => `unknown-${i}`);
      await fill(untouched.root, 2_000 * scale, (i) => `unknown-${i}`);
    },
    faults: ['unknown-0 UNKNOWN_FILE'],
    count: (scale) => 6_000 * scale,
    shows: /^… and [\d,]+00 more; --json lists (all|the first 10,000)$/m,
  },
  {
    name: 'a deep tree of folders',
    make: (untouched) =>
      mkdir(region(untouched, ...Array.from({ length: 500 }, () => 'deep')), { recursive: true }).then(() => undefined),
    faults: ['*/deep UNKNOWN_FILE'],
    count: () => 1,
  },
  {
    name: "seals of a stranger's over the largest files",
    make: (untouched, scale) => forgeIntervals(untouched, 3 * scale),
    faults: ['*/#+1/seals.json BAD_SIGNATURE', '*/#+1/seals.json SEAL_CHAIN'],
  },
];
