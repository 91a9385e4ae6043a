// SPDX-License-Identifier: Apache-2.0
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { consumersFile, directoryFile, PARAMETERS_FILE } from '../../../protocol/ledger/bulletin.js';
import type { IntervalFiles } from '../../../protocol/rules/verify-interval.js';
import { listIfPresent, replaceFile } from '../../runtime/atomic-file.js';
import { intervalPath, type IntervalFile } from '../../bulletin/layout.js';

/** A dispute raised by a household's hub. */
export interface Dispute {
  /**
   * `ledger`: signed files contradict one another; anyone can check the evidence. `meter`: the meter's totals and the
   * ledger differ; only the household knows the totals. `price`: the household's own price row is missing; only the
   * household and the service provider know whose row is whose.
   */
  readonly kind: 'ledger' | 'meter' | 'price';
  readonly region: string;
  /** s of the interval, Unix seconds. */
  readonly startSeconds: number;
  readonly faults: readonly { readonly file: string; readonly code: string; readonly message: string }[];
}

/** Evidence of a dispute for a third party. */
export interface Evidence {
  readonly parameters: Uint8Array;
  readonly epoch: number;
  /** The signed relay directory of the epoch, when there is one. */
  readonly directory: Uint8Array | undefined;
  /** The signed consumer list of the epoch, where each consumer has its own price row. */
  readonly consumers: Uint8Array | undefined;
  readonly files: IntervalFiles;
}

/** Number of disputes whose evidence, as large as an interval, is kept; later ones are recorded without. */
const MAXIMUM_EVIDENCE = 100;

/**
 * A hub's disputes: `<kind>-<s>.json`, and beside it a folder with the evidence. The evidence is a bulletin of the one
 * interval, in which `gridveil verify` finds the same faults; it holds public files only and does not show whose rows
 * they concern.
 */
export class Disputes {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Records a dispute, replacing one of the same interval and kind. */
  async put(dispute: Dispute, evidence?: Evidence): Promise<void> {
    const folder = `${dispute.kind}-${dispute.startSeconds}`;
    const kept = (await listIfPresent(this.#directory)).filter((name) => !name.endsWith('.json'));
    if (evidence !== undefined && (kept.length < MAXIMUM_EVIDENCE || kept.includes(folder))) {
      const { region, startSeconds } = dispute;
      await this.#write(join(folder, PARAMETERS_FILE), evidence.parameters);
      if (evidence.directory !== undefined) {
        await this.#write(join(folder, directoryFile(region, evidence.epoch)), evidence.directory);
      }
      if (evidence.consumers !== undefined) {
        await this.#write(join(folder, consumersFile(region, evidence.epoch)), evidence.consumers);
      }
      for (const [name, bytes] of evidence.files) {
        await this.#write(join(folder, intervalPath(region, startSeconds, name as IntervalFile)), bytes);
      }
    }
    // Written last, so that a listed dispute is complete.
    await this.#write(`${folder}.json`, new TextEncoder().encode(`${JSON.stringify(dispute)}\n`));
  }

  /** All disputes, by interval. */
  async list(): Promise<Dispute[]> {
    const files = (await listIfPresent(this.#directory)).filter((name) => name.endsWith('.json'));
    const disputes = await Promise.all(
      files.map(async (name) => JSON.parse(await readFile(join(this.#directory, name), 'utf8')) as Dispute),
    );
    return disputes.sort((a, b) => a.startSeconds - b.startSeconds);
  }

  async #write(path: string, bytes: Uint8Array): Promise<void> {
    const target = join(this.#directory, path);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await replaceFile(target, bytes, { mode: 0o600, durable: true });
  }
}
