// SPDX-License-Identifier: Apache-2.0
import type { Crypto } from '../../../protocol/crypto/crypto.js';
import { ProtocolError } from '../../../protocol/errors.js';
import {
  decodeParametersFile,
  directoryFile,
  intervalFolder,
  PARAMETERS_FILE,
} from '../../../protocol/ledger/bulletin.js';
import { epochOf, epochStartSeconds } from '../../../protocol/ledger/ledger-id.js';
import { parametersFor, type SignedParameters } from '../../../protocol/ledger/parameters.js';
import type { LedgerKind } from '../../../protocol/ledger/row.js';
import { checkDirectory } from '../../../protocol/onion/directory.js';
import { decodeSignedDirectory, directoryDigest } from '../../../protocol/onion/directory-format.js';
import { verifyParametersList } from '../../../protocol/rules/check-parameters.js';
import { auditInterval, type IntervalTrust, type VerifiedInterval } from '../../../protocol/rules/verify-interval.js';
import { ClientError } from '../../common/errors.js';
import { readBulletinFile, readTree, type BulletinTree, type RegionTree } from './bulletin-tree.js';

/** Something wrong in a bulletin. */
export interface AuditFault {
  /** Path relative to the bulletin's root. */
  readonly file: string;
  readonly code: string;
  readonly message: string;
}

/** What an audit saw. Sums are over the intervals in which everything is right. */
export interface Audit {
  readonly faults: readonly AuditFault[];
  /** Fingerprint of the control center's key in version 1: given, or found and believed; undefined if unreadable. */
  readonly trusted: string | undefined;
  readonly intervals: number;
  readonly rows: number;
  readonly totalMilliWattHours: bigint;
  readonly billedNanoCurrency: bigint;
  /** The last interval that was seen, right or wrong: what comes after it cannot be missed, it is not there. */
  readonly last: { readonly region: string; readonly startSeconds: number; readonly sealed?: LedgerKind } | undefined;
}

/**
 * Audits a bulletin from its files alone: parameters and their chain, relay directories, and every interval completely,
 * with its chains of seals. An interval may lack price or bills, as one that is just being sealed does, if every later
 * one lacks them too.
 *
 * @param fingerprint of the control center's first key; undefined believes the one in `parameters.json`
 * @param onInterval called with each interval in which everything is right
 * @throws ClientError WRONG_USE when the root is no directory
 */
export async function auditBulletin(
  crypto: Crypto,
  root: string,
  fingerprint?: string,
  onInterval: (interval: VerifiedInterval) => void = () => {},
): Promise<Audit> {
  return new Auditor(crypto, await readTree(root), onInterval).run(fingerprint);
}

class Auditor {
  readonly #faults: AuditFault[] = [];
  #rows = 0;
  #intervals = 0;
  #energy = 0n;
  #billed = 0n;
  #last: Audit['last'];

  constructor(
    private readonly crypto: Crypto,
    private readonly tree: BulletinTree,
    private readonly onInterval: (interval: VerifiedInterval) => void,
  ) {}

  async run(fingerprint: string | undefined): Promise<Audit> {
    for (const path of this.tree.strangers) this.#fault(path, 'UNKNOWN_FILE', 'it belongs to no bulletin');
    let trusted: string | undefined;
    const parameters = await this.#attempt(PARAMETERS_FILE, async () => {
      if (!this.tree.hasParameters) throw new ProtocolError('MALFORMED', 'file is missing');
      const list = decodeParametersFile(await readBulletinFile(this.tree.root, PARAMETERS_FILE));
      trusted = verifyParametersList(this.crypto, list, fingerprint);
      return list;
    });
    for (const region of this.tree.regions) {
      const { startSeconds } = region.intervals.at(-1) ?? {};
      if (startSeconds !== undefined) this.#last = { region: region.region, startSeconds };
      if (parameters !== undefined) await this.#region(region, parameters);
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

  async #region({ region, epochs, intervals }: RegionTree, parameters: readonly SignedParameters[]): Promise<void> {
    const directories = new Map<number, Uint8Array>();
    for (const epoch of epochs) {
      const digest = await this.#attempt(directoryFile(region, epoch), () =>
        this.#directory(region, epoch, parameters),
      );
      if (digest !== undefined) directories.set(epoch, digest);
    }
    let previous: IntervalTrust['previous'] = 'first';
    for (const { startSeconds, files } of intervals) {
      const ledgerId = { region, startSeconds };
      const folder = intervalFolder(ledgerId);
      const bytes = new Map<string, Uint8Array>();
      for (const name of files) {
        const path = `${folder}/${name}`;
        const content = await this.#attempt(path, () => readBulletinFile(this.tree.root, path));
        if (content !== undefined) bytes.set(name, content);
      }
      const directory = this.#directoryOf(startSeconds, parameters, directories);
      const trust: IntervalTrust = {
        parameters,
        previous,
        ...(directory === undefined ? {} : { directoryDigest: directory }),
      };
      const { faults, seals, interval } = auditInterval(this.crypto, ledgerId, bytes, trust, 'full');
      for (const { file, code, message } of faults) this.#fault(`${folder}/${file}`, code, message);
      if (directory === undefined) this.#fault(folder, 'DIRECTORY_INVALID', 'no valid relay directory for its epoch');
      previous = seals ?? 'unknown';
      this.#intervals++;
      if (interval === undefined) continue;
      this.onInterval(interval);
      this.#rows += interval.count;
      this.#energy += interval.totalMilliWattHours;
      this.#billed += interval.billedNanoCurrency ?? 0n;
      if (this.#last?.region === region && this.#last.startSeconds === startSeconds) {
        this.#last = { region, startSeconds, sealed: interval.stage };
      }
    }
  }

  /** Checks a relay directory. @returns its digest */
  async #directory(region: string, epoch: number, list: readonly SignedParameters[]): Promise<Uint8Array> {
    const signed = decodeSignedDirectory(await readBulletinFile(this.tree.root, directoryFile(region, epoch)));
    const first = list[0]!.parameters;
    const parameters = parametersFor(list, Math.max(epochStartSeconds(first, epoch), first.effectiveFromSeconds));
    checkDirectory(this.crypto, signed, {
      region,
      epoch,
      timing: parameters,
      layers: parameters.onion.layers,
      signaturePublicKey: parameters.controlCenter.signaturePublicKey,
    });
    return directoryDigest(this.crypto, signed.directory);
  }

  #directoryOf(
    startSeconds: number,
    list: readonly SignedParameters[],
    directories: ReadonlyMap<number, Uint8Array>,
  ): Uint8Array | undefined {
    try {
      return directories.get(epochOf(parametersFor(list, startSeconds), startSeconds));
    } catch (error) {
      // An interval before the first version; its audit says so.
      if (error instanceof ProtocolError) return undefined;
      throw error;
    }
  }

  async #attempt<T>(path: string, check: () => Promise<T>): Promise<T | undefined> {
    try {
      return await check();
    } catch (error) {
      if (!(error instanceof ProtocolError || error instanceof ClientError)) throw error;
      this.#fault(path, error.code, error.message);
      return undefined;
    }
  }

  #fault(file: string, code: string, message: string): void {
    this.#faults.push({ file, code, message });
  }
}
