// SPDX-License-Identifier: Apache-2.0
import { Database, type StateRecord } from './ledger/database.js';
import { LedgerDirectory } from './ledger-directory.js';

/** What a ledger keeps, read from its files. */
export interface LedgerState {
  readonly channels: readonly string[];
  /** common.Block of every block of a channel, in order, as stored. */
  blocks(channel: string): Iterable<Uint8Array>;
  /** Every key and value of a channel's world state, over all chaincodes. */
  state(channel: string): AsyncIterable<StateRecord & { readonly namespace: string }>;
  close(): Promise<void>;
}

/**
 * Opens the files of a ledger whose process has ended, for audits and tests: all that a peer's owner can see.
 * @param directory the ledger's directory, as given to `startEmbeddedLedger`.
 * @throws EmbeddedLedgerError `ALREADY_RUNNING` while the process runs.
 */
export async function openLedgerState(directory: string): Promise<LedgerState> {
  const database = await Database.open(new LedgerDirectory(directory).database, { create: false });
  return {
    channels: await database.channels(),
    *blocks(channel) {
      for (let number = 0; ; number++) {
        const block = database.block(channel, number);
        if (block === undefined) {
          return;
        }
        yield block;
      }
    },
    state: (channel) => database.allState(channel),
    close: () => database.close(),
  };
}
