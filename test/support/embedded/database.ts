// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Database } from '../../../network/embedded/ledger/database.js';

/** A database in a directory of its own, removed with it. */
export class TemporaryDatabase {
  readonly path = join(mkdtempSync(join(tmpdir(), 'gridveil-ledger-test-')), 'ledger');
  database!: Database;

  async open(): Promise<Database> {
    this.database = await Database.open(this.path);
    return this.database;
  }

  async remove(): Promise<void> {
    await this.database.close();
    rmSync(join(this.path, '..'), { recursive: true, force: true });
  }
}

/** Commits a block that only writes: keys to values, or to undefined to delete. */
export async function commitState(
  database: Database,
  number: number,
  writes: Readonly<Record<string, string | undefined>>,
  { channel = 'consumption', namespace = 'cc' } = {},
): Promise<void> {
  const version = { block: number, transaction: 0 };
  await database.commit({
    channel,
    number,
    block: Uint8Array.of(number),
    transactions: new Map(),
    writes: Object.entries(writes).map(([key, value]) => ({
      namespace,
      key,
      entry: value === undefined ? undefined : { value: Buffer.from(value), version },
    })),
  });
}
