// SPDX-License-Identifier: Apache-2.0
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodePriceEvidence, type PriceEvidence } from '../../protocol/rules/price-evidence.js';

/** Writes evidence of a wrong price, a file for each interval. @returns the file's path */
export async function writePriceEvidence(directory: string, evidence: PriceEvidence): Promise<string> {
  const { region, startSeconds } = evidence.consumption.seal.ledgerId;
  await mkdir(directory, { recursive: true });
  const file = join(directory, `price-${region}-${startSeconds}.json`);
  await writeFile(file, encodePriceEvidence(evidence));
  return file;
}
