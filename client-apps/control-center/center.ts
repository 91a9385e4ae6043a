// SPDX-License-Identifier: Apache-2.0
import type { BulletinWriter } from '../common/bulletin-writer.js';
import type { Clock } from '../common/clock.js';
import type { LedgerWatch } from '../common/ledger-watch.js';
import type { PartyContext } from '../common/party.js';
import type { RegionLedger } from '../common/region-ledger.js';
import type { SealedStore } from '../common/sealed-store.js';
import type { Epochs } from './epochs.js';
import type { GroupCommit } from './group-commit.js';
import type { ControlCenterKeys } from './keys.js';
import type { ParameterVersions } from './parameter-versions.js';

/** What the loops of the control center share. */
export interface Center extends PartyContext {
  readonly store: SealedStore;
  readonly journal: GroupCommit;
  readonly keys: ControlCenterKeys;
  readonly versions: ParameterVersions;
  readonly epochs: Epochs;
  /** Changes of who is registered, and of what is fixed from it, happen one after the other. */
  readonly registryTurns: Turns;
  readonly ledger: RegionLedger;
  readonly watch: LedgerWatch;
  readonly bulletin: BulletinWriter;
}

/** Lets tasks run one after the other. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();

  take<T>(task: () => Promise<T>): Promise<T> {
    const result = this.last.then(task);
    this.last = result.catch(() => undefined);
    return result;
  }
}

/** Resolves at a time of the clock, Unix seconds. */
export function atSeconds(clock: Clock, seconds: number): Promise<void> {
  return new Promise((resolve) => clock.setTimer(seconds * 1_000, resolve));
}

/** Something that several wait for and one announces, again and again. */
export class Signal {
  private resolve: () => void = () => undefined;
  private promise = Promise.resolve();

  constructor() {
    this.rearm();
  }

  /** Resolves with the next announcement. */
  next(): Promise<void> {
    return this.promise;
  }

  announce(): void {
    this.resolve();
    this.rearm();
  }

  private rearm(): void {
    this.promise = new Promise((resolve) => (this.resolve = resolve));
  }
}
