// SPDX-License-Identifier: Apache-2.0
import { stat } from 'node:fs/promises';
import { equalBytes, toHex } from '../../protocol/crypto/bytes.js';
import type { Crypto } from '../../protocol/crypto/crypto.js';
import { ProtocolError } from '../../protocol/errors.js';
import {
  decodeParametersFile,
  decodeSealsFile,
  intervalFolder,
  PARAMETERS_FILE,
  SEALS_FILE,
} from '../../protocol/ledger/bulletin.js';
import { NO_DIGEST } from '../../protocol/ledger/document.js';
import type { LedgerId } from '../../protocol/ledger/ledger-id.js';
import type { Parameters, SignedParameters } from '../../protocol/ledger/parameters.js';
import { LEDGER_KINDS, type LedgerKind, PROVIDED_KINDS } from '../../protocol/ledger/row.js';
import type { Successor } from '../../protocol/ledger/successor.js';
import { sealDigest } from '../../protocol/ledger/seal.js';
import { verifyParametersList } from '../../protocol/rules/check-parameters.js';
import { findPriceEvidence, type PriceEvidence } from '../../protocol/rules/price-evidence.js';
import {
  auditInterval,
  type AuditTrust,
  type IntervalFileSource,
  type IntervalTrust,
  type VerifiedInterval,
} from '../../protocol/rules/verify-interval.js';
import { ClientError } from '../runtime/errors.js';
import { EpochDocuments } from './epoch-documents.js';
import { type AuditFault, FaultList } from './fault-list.js';
import { FolderFiles } from './folder-files.js';
import { type Kind, printable } from './layout.js';
import { BulletinTree } from './tree.js';

/** Leftovers that are named; the others are counted. */
const MAXIMUM_NAMED_LEFTOVERS = 100;

/** An interval of an audit. */
export interface AuditedInterval {
  readonly region: string;
  /** s, Unix seconds. */
  readonly startSeconds: number;
  /** The last ledger that is sealed; undefined when the interval has a fault. */
  readonly sealed?: LedgerKind;
  /** Digests of its seals in hex; undefined when the interval has a fault. */
  readonly seals?: { readonly [kind in LedgerKind]?: string };
}

/** Result of an audit. Sums are over the intervals without a fault. */
export interface Audit {
  /** `excerpt`: one interval out of the middle of a chain, as in a dispute; what was before it is not there. */
  readonly kind: 'bulletin' | 'excerpt';
  /** In the order found, the first 10,000. */
  readonly faults: readonly AuditFault[];
  readonly faultCount: number;
  /** Paths of what file managers left or publishers added, the first 100. No fault: it is not read. */
  readonly leftovers: readonly string[];
  readonly leftoverCount: number;
  /** Fingerprint of the control center's key in version 1, given or read from the file; undefined if unreadable. */
  readonly trusted: string | undefined;
  /** The verified versions of the parameters; empty when they are not right. */
  readonly versions: readonly Parameters[];
  /** The successors of service providers beside these versions, verified. */
  readonly successors: readonly Successor[];
  /** Intervals found. */
  readonly intervals: number;
  readonly intervalsWithoutFault: number;
  readonly rows: number;
  readonly totalMilliWattHours: bigint;
  readonly billedNanoCurrency: bigint;
  readonly first: AuditedInterval | undefined;
  /** The last interval found. Files cannot rule out later intervals. */
  readonly last: AuditedInterval | undefined;
}

/** Receives the findings of an audit, in order. */
export interface AuditListener {
  /** An interval without a fault; its files can be read until the call returns. */
  readonly onInterval?: (interval: VerifiedInterval, files: IntervalFileSource) => void;
  /** Evidence that the service provider signed a wrong price, which proves it; at most once per interval. */
  readonly onWrongPrice?: (evidence: PriceEvidence) => Promise<void>;
}

/**
 * Audits a bulletin from its files alone: parameters and their chain, relay directories, and every interval completely,
 * with its chains of seals. The last intervals may lack price or bills, because sealing is under way. Nothing in the
 * directory ends the audit: each entry that cannot be used is a fault of its own.
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
  const isDirectory = await stat(root).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  if (!isDirectory) {
    throw new ClientError('WRONG_USE', `${printable(root)} is not a directory`);
  }
  return new Auditor(crypto, root, listener).run(fingerprint);
}

class Auditor {
  readonly #faults = new FaultList();
  readonly #leftovers: string[] = [];
  #leftoverCount = 0;
  #trusted: string | undefined;
  #kind: Audit['kind'] = 'bulletin';
  #rows = 0;
  #intervals = 0;
  #withoutFault = 0;
  #energy = 0n;
  #billed = 0n;
  #first: AuditedInterval | undefined;
  #last: AuditedInterval | undefined;

  readonly #crypto: Crypto;
  readonly #tree: BulletinTree;
  readonly #listener: AuditListener;

  constructor(crypto: Crypto, root: string, listener: AuditListener) {
    this.#crypto = crypto;
    this.#listener = listener;
    this.#tree = new BulletinTree(root, {
      onFault: (path, code, message) => this.#faults.add(path, code, message),
      onUnnamed: (faults) => this.#faults.addUnnamed(faults),
      onLeftover: (path) => this.#noteLeftover(path),
    });
  }

  async run(fingerprint: string | undefined): Promise<Audit> {
    const top = await this.#tree.top();
    const list = this.#parameters(top.get(PARAMETERS_FILE), fingerprint);
    for (const region of await this.#tree.regions(top.get('bulletin'), list?.[0]?.parameters.region)) {
      await this.#region(region, list);
    }
    if (list !== undefined && this.#intervals === 0) {
      this.#faults.add('bulletin', 'NO_INTERVALS', 'no interval found');
    }
    return {
      kind: this.#kind,
      faults: this.#faults.kept,
      faultCount: this.#faults.count,
      leftovers: this.#leftovers.sort(),
      leftoverCount: this.#leftoverCount,
      trusted: this.#trusted,
      versions: list?.map(({ parameters }) => parameters) ?? [],
      successors: (list ?? []).flatMap(({ successors }) =>
        PROVIDED_KINDS.flatMap((kind) => successors?.[kind]?.successor ?? []),
      ),
      intervals: this.#intervals,
      intervalsWithoutFault: this.#withoutFault,
      rows: this.#rows,
      totalMilliWattHours: this.#energy,
      billedNanoCurrency: this.#billed,
      first: this.#first,
      last: this.#last,
    };
  }

  #parameters(kind: Kind | undefined, fingerprint: string | undefined): SignedParameters[] | undefined {
    return this.#attempt(PARAMETERS_FILE, () => {
      const list = decodeParametersFile(this.#tree.read(PARAMETERS_FILE, kind));
      this.#trusted = verifyParametersList(this.#crypto, list, fingerprint);
      return list;
    });
  }

  /** @param list verified; without it, only names and kinds of entries are checked */
  async #region(region: string, list: readonly SignedParameters[] | undefined): Promise<void> {
    const found = await this.#tree.region(region);
    const attempt = <T>(path: string, check: () => T): T | undefined => this.#attempt(path, check);
    const documents = list && new EpochDocuments(this.#crypto, list, { region, tree: this.#tree, found, attempt });
    let previous: IntervalTrust['previous'] = 'first';
    for (const [startSeconds, kind] of found.intervals) {
      const folder = intervalFolder({ region, startSeconds });
      const files = new FolderFiles(this.#tree, folder, await this.#tree.interval(folder, kind));
      this.#last = { region, startSeconds };
      this.#first ??= this.#last;
      this.#intervals++;
      if (list === undefined || documents === undefined) {
        continue;
      }
      if (found.intervals.size === 1 && beginsInside(files)) {
        this.#kind = 'excerpt';
        previous = 'unknown';
      }
      const trust = { parameters: list, previous, ...documents.trustOf(startSeconds), depth: 'full' } as const;
      previous = await this.#interval({ region, startSeconds }, files, trust);
    }
  }

  /** @returns the seals to which the next interval must chain */
  async #interval(ledgerId: LedgerId, files: FolderFiles, trust: AuditTrust): Promise<IntervalTrust['previous']> {
    const { faults, faultCount, seals, interval } = auditInterval(this.#crypto, ledgerId, files, trust);
    const folder = intervalFolder(ledgerId);
    for (const { file, code, message } of faults) {
      this.#faults.add(`${folder}/${file}`, code, message);
    }
    this.#faults.addUnnamed(faultCount - faults.length);
    for (const [name, kind] of files.others()) {
      if (!faults.some(({ file }) => file === name)) {
        this.#faults.add(`${folder}/${name}`, 'MALFORMED', `expected a file, found a ${kind}`);
      }
    }
    if (faults.some(({ code }) => code === 'WRONG_PRICE')) {
      await this.#wrongPrice(trust.parameters, files);
    }
    if (interval !== undefined) {
      this.#count(interval);
      this.#listener.onInterval?.(interval, files);
    }
    return seals ?? 'unknown';
  }

  #count(interval: VerifiedInterval): void {
    const { ledgerId, seals } = interval;
    const digests = LEDGER_KINDS.flatMap((kind) => {
      const seal = seals[kind];
      return seal === undefined ? [] : [[kind, toHex(sealDigest(this.#crypto, seal))] as const];
    });
    this.#last = { ...ledgerId, sealed: interval.stage, seals: Object.fromEntries(digests) };
    if (this.#intervals === 1) {
      this.#first = this.#last;
    }
    this.#withoutFault++;
    this.#rows += interval.count;
    this.#energy += interval.totalMilliWattHours;
    this.#billed += interval.billedNanoCurrency ?? 0n;
  }

  async #wrongPrice(parameters: readonly SignedParameters[], files: FolderFiles): Promise<void> {
    let evidence: PriceEvidence | undefined;
    try {
      evidence = findPriceEvidence(this.#crypto, parameters, files);
    } catch (error) {
      // Unreadable files were reported as faults and give no evidence.
      if (!(error instanceof ProtocolError)) {
        throw error;
      }
    }
    if (evidence !== undefined) {
      await this.#listener.onWrongPrice?.(evidence);
    }
  }

  #attempt<T>(path: string, check: () => T): T | undefined {
    try {
      return check();
    } catch (error) {
      if (!(error instanceof ProtocolError)) {
        throw error;
      }
      this.#faults.add(path, error.code, error.message);
      return undefined;
    }
  }

  #noteLeftover(path: string): void {
    this.#leftoverCount++;
    if (this.#leftovers.length < MAXIMUM_NAMED_LEFTOVERS) {
      this.#leftovers.push(path);
    }
  }
}

/** Whether the seals of an interval, which are checked later, say that there was one before it. */
function beginsInside(files: IntervalFileSource): boolean {
  try {
    const seals = files.get(SEALS_FILE);
    return seals !== undefined && !equalBytes(decodeSealsFile(seals).consumption.seal.previous, NO_DIGEST);
  } catch (error) {
    if (error instanceof ProtocolError) {
      return false;
    }
    throw error;
  }
}
