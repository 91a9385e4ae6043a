// SPDX-License-Identifier: Apache-2.0
import type { Crypto } from '../../protocol/crypto/crypto.js';
import { ProtocolError } from '../../protocol/errors.js';
import {
  consumersFile,
  decodeParametersFile,
  directoryFile,
  intervalFolder,
  PARAMETERS_FILE,
} from '../../protocol/ledger/bulletin.js';
import { epochOf } from '../../protocol/schedule/epochs.js';
import { parametersFor } from '../../protocol/schedule/versions.js';
import type { Parameters, SignedParameters } from '../../protocol/ledger/parameters.js';
import type { LedgerKind } from '../../protocol/ledger/row.js';
import { verifyParametersList } from '../../protocol/rules/check-parameters.js';
import { findPriceEvidence, type PriceEvidence } from '../../protocol/rules/price-evidence.js';
import {
  auditInterval,
  type IntervalFiles,
  type IntervalTrust,
  type VerifiedInterval,
} from '../../protocol/rules/verify-interval.js';
import { ClientError } from '../runtime/errors.js';
import { readBulletinFile, readTree, type BulletinTree, type RegionTree } from './tree.js';
import { EpochDocuments } from './epoch-documents.js';

/** A fault in a bulletin. */
export interface AuditFault {
  /** Path relative to the bulletin's root. */
  readonly file: string;
  readonly code: string;
  readonly message: string;
}

/** Result of an audit. Sums are over the intervals without a fault. */
export interface Audit {
  readonly faults: readonly AuditFault[];
  /** Fingerprint of the control center's key in version 1, given or read from the file; undefined if unreadable. */
  readonly trusted: string | undefined;
  readonly intervals: number;
  readonly rows: number;
  readonly totalMilliWattHours: bigint;
  readonly billedNanoCurrency: bigint;
  /** The last interval found, valid or not. Files cannot rule out later intervals. */
  readonly last: { readonly region: string; readonly startSeconds: number; readonly sealed?: LedgerKind } | undefined;
}

/** Receives the findings of an audit, in order. */
export interface AuditListener {
  /** An interval without a fault. */
  readonly onInterval?: (interval: VerifiedInterval) => void;
  /** Evidence that the service provider signed a wrong price, at most once per interval. */
  readonly onWrongPrice?: (evidence: PriceEvidence) => void;
}

/**
 * Audits a bulletin from its files alone: parameters and their chain, relay directories, and every interval completely,
 * with its chains of seals. The last intervals may lack price or bills, because sealing is under way.
 *
 * @param fingerprint of the control center's first key; undefined trusts the one in `parameters.json`
 * @throws ClientError WRONG_USE when the root is not a directory
 */
export async function auditBulletin(
  crypto: Crypto,
  root: string,
  fingerprint?: string,
  listener: AuditListener = {},
): Promise<Audit> {
  return new Auditor(crypto, await readTree(root), listener).run(fingerprint);
}

class Auditor {
  readonly #faults: AuditFault[] = [];
  #rows = 0;
  #intervals = 0;
  #energy = 0n;
  #billed = 0n;
  #last: Audit['last'];

  readonly #crypto: Crypto;
  readonly #tree: BulletinTree;
  readonly #listener: AuditListener;

  constructor(crypto: Crypto, tree: BulletinTree, listener: AuditListener) {
    this.#crypto = crypto;
    this.#tree = tree;
    this.#listener = listener;
  }

  async run(fingerprint: string | undefined): Promise<Audit> {
    for (const path of this.#tree.unknown) {
      this.#fault(path, 'UNKNOWN_FILE', 'not a file of a bulletin');
    }
    let trusted: string | undefined;
    const parameters = await this.#attempt(PARAMETERS_FILE, async () => {
      if (!this.#tree.hasParameters) {
        throw new ProtocolError('MALFORMED', 'file is missing');
      }
      const list = decodeParametersFile(await readBulletinFile(this.#tree.root, PARAMETERS_FILE));
      trusted = verifyParametersList(this.#crypto, list, fingerprint);
      return list;
    });
    for (const region of this.#tree.regions) {
      const { startSeconds } = region.intervals.at(-1) ?? {};
      if (startSeconds !== undefined) {
        this.#last = { region: region.region, startSeconds };
      }
      if (parameters !== undefined) {
        await this.#region(region, parameters);
      }
    }
    if (parameters !== undefined && this.#last === undefined) {
      this.#fault('bulletin', 'NO_INTERVALS', 'no interval found');
    }
    return {
      faults: this.#faults,
      trusted,
      intervals: this.#intervals,
      rows: this.#rows,
      totalMilliWattHours: this.#energy,
      billedNanoCurrency: this.#billed,
      last: this.#last,
    };
  }

  async #region(tree: RegionTree, parameters: readonly SignedParameters[]): Promise<void> {
    const { region } = tree;
    const documents = new EpochDocuments(this.#crypto, this.#tree.root, region, parameters);
    const directories = await this.#perEpoch(tree.epochs, directoryFile, region, (epoch) => documents.directory(epoch));
    const lists = await this.#perEpoch(tree.consumerEpochs, consumersFile, region, (epoch) =>
      documents.consumers(epoch),
    );
    let previous: IntervalTrust['previous'] = 'first';
    for (const { startSeconds, files } of tree.intervals) {
      const ledgerId = { region, startSeconds };
      const folder = intervalFolder(ledgerId);
      const bytes = new Map<string, Uint8Array>();
      for (const name of files) {
        const path = `${folder}/${name}`;
        const content = await this.#attempt(path, () => readBulletinFile(this.#tree.root, path));
        if (content !== undefined) {
          bytes.set(name, content);
        }
      }
      const inForce = effectiveParameters(startSeconds, parameters);
      const epoch = inForce && epochOf(inForce, startSeconds);
      const directoryDigest = epoch === undefined ? undefined : directories.get(epoch);
      const consumers = epoch === undefined ? undefined : lists.get(epoch);
      const trust: IntervalTrust = {
        parameters,
        previous,
        ...(directoryDigest && { directoryDigest }),
        ...(consumers && { consumers }),
      };
      const { faults, seals, interval } = auditInterval(this.#crypto, ledgerId, bytes, { ...trust, depth: 'full' });
      for (const { file, code, message } of faults) {
        this.#fault(`${folder}/${file}`, code, message);
      }
      if (directoryDigest === undefined) {
        this.#fault(folder, 'DIRECTORY_INVALID', 'no valid relay directory for its epoch');
      }
      if (inForce?.priceMode === 'direct' && consumers === undefined) {
        this.#fault(folder, 'CONSUMERS_INVALID', 'no valid consumer list for its epoch');
      }
      if (faults.some(({ code }) => code === 'WRONG_PRICE')) {
        this.#wrongPrice(parameters, bytes);
      }
      previous = seals ?? 'unknown';
      this.#intervals++;
      if (interval === undefined) {
        continue;
      }
      this.#listener.onInterval?.(interval);
      this.#rows += interval.count;
      this.#energy += interval.totalMilliWattHours;
      this.#billed += interval.billedNanoCurrency ?? 0n;
      if (this.#last?.region === region && this.#last.startSeconds === startSeconds) {
        this.#last = { region, startSeconds, sealed: interval.stage };
      }
    }
  }

  /** Checks all documents of a kind. @returns the content of the valid ones, by epoch */
  async #perEpoch<T>(
    epochs: readonly number[],
    fileOf: (region: string, epoch: number) => string,
    region: string,
    read: (epoch: number) => Promise<T>,
  ): Promise<Map<number, T>> {
    const found = new Map<number, T>();
    for (const epoch of epochs) {
      const document = await this.#attempt(fileOf(region, epoch), () => read(epoch));
      if (document !== undefined) {
        found.set(epoch, document);
      }
    }
    return found;
  }

  #wrongPrice(parameters: readonly SignedParameters[], files: IntervalFiles): void {
    try {
      const evidence = findPriceEvidence(this.#crypto, parameters, files);
      if (evidence !== undefined) {
        this.#listener.onWrongPrice?.(evidence);
      }
    } catch (error) {
      // Unreadable files were reported as faults and give no evidence.
      if (!(error instanceof ProtocolError)) {
        throw error;
      }
    }
  }

  async #attempt<T>(path: string, check: () => Promise<T>): Promise<T | undefined> {
    try {
      return await check();
    } catch (error) {
      if (!(error instanceof ProtocolError || error instanceof ClientError)) {
        throw error;
      }
      this.#fault(path, error.code, error.message);
      return undefined;
    }
  }

  #fault(file: string, code: string, message: string): void {
    this.#faults.push({ file, code, message });
  }
}

/** The version in force; undefined before the first version or outside the epochs, which the audit reports. */
function effectiveParameters(startSeconds: number, list: readonly SignedParameters[]): Parameters | undefined {
  try {
    const parameters = parametersFor(list, startSeconds);
    epochOf(parameters, startSeconds);
    return parameters;
  } catch (error) {
    if (error instanceof ProtocolError) {
      return undefined;
    }
    throw error;
  }
}
