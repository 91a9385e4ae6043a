// SPDX-License-Identifier: Apache-2.0
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  consumersFile,
  directoryFile,
  encodeParametersFile,
  encodeSealsFile,
  INDEX_FILE,
  intervalFolder,
  PARAMETERS_FILE,
  type ProvidedLedger,
  ROWS_FILE,
  SEALS_FILE,
  type SealsFile,
} from '../../protocol/ledger/bulletin.js';
import { encodeConsumerList } from '../../protocol/ledger/consumer-list.js';
import { encodeSignedDirectory } from '../../protocol/onion/directory-format.js';
import type { FakeInterval, ProvidedIntervalLedger } from './interval.js';
import type { FakeRegion } from './region.js';

/** The headers and seals of a complete interval. */
export function sealsOf(interval: FakeInterval): Required<SealsFile> {
  const provided = ({ header, headerSignature, seal }: ProvidedIntervalLedger): ProvidedLedger => ({
    header,
    headerSignature,
    ...seal,
  });
  return {
    consumption: { header: interval.consumption.header, ...interval.consumption.seal },
    pricing: provided(interval.pricing),
    billing: provided(interval.billing),
  };
}

/** The files in an interval's folder, by name. */
export function filesOf(interval: FakeInterval): Map<string, Uint8Array> {
  return new Map([
    [SEALS_FILE, encodeSealsFile(sealsOf(interval))],
    [INDEX_FILE, interval.index],
    [ROWS_FILE.consumption, interval.consumption.rows],
    [ROWS_FILE.pricing, interval.pricing.rows],
    [ROWS_FILE.billing, interval.billing.rows],
  ]);
}

/** The files of a bulletin whose intervals are all in epoch 0, by path. */
export function bulletinOf(kit: FakeRegion, intervals: readonly FakeInterval[]): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>([
    [PARAMETERS_FILE, encodeParametersFile([kit.signedParameters])],
    [directoryFile(kit.region, 0), encodeSignedDirectory(kit.directory(0))],
  ]);
  if (kit.parameters.priceMode === 'direct') {
    files.set(consumersFile(kit.region, 0), encodeConsumerList(kit.consumerList(0)));
  }
  for (const interval of intervals) {
    for (const [name, bytes] of filesOf(interval)) {
      files.set(`${intervalFolder(interval.ledgerId)}/${name}`, bytes);
    }
  }
  return files;
}

/** Writes files below a folder. */
export async function writeFiles(root: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), bytes);
  }
}
