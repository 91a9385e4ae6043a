// SPDX-License-Identifier: Apache-2.0
import type { BulletinWriter } from '../bulletin/writer.js';
import type { LedgerWatch } from '../ledger/ledger-watch.js';
import type { PartyContext } from '../runtime/party.js';
import type { RegionLedger } from '../ledger/region-ledger.js';
import type { SealedStore } from '../runtime/sealed-store.js';
import type { Timers } from '../runtime/timers.js';
import type { Turns } from '../runtime/turns.js';
import type { Epochs } from './epochs/epochs.js';
import type { GroupCommit } from './intake/group-commit.js';
import type { ControlCenterKeys } from './keys.js';
import type { ParameterVersions } from './epochs/parameter-versions.js';

/** Parts of the control center that its folders share. */
export interface Center extends PartyContext {
  readonly timers: Timers;
  readonly store: SealedStore;
  readonly journal: GroupCommit;
  readonly keys: ControlCenterKeys;
  readonly versions: ParameterVersions;
  readonly epochs: Epochs;
  /** Serialises changes of the registration and of the epochs that are fixed from it. */
  readonly registryTurns: Turns;
  readonly ledger: RegionLedger;
  readonly watch: LedgerWatch;
  readonly bulletin: BulletinWriter;
}
