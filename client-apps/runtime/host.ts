// SPDX-License-Identifier: Apache-2.0
import { mapBounded } from './bounded.js';
import { lockDirectory, type DirectoryLock } from './directory-lock.js';
import type { PartyContext, RunningParty } from './party.js';

/** Parties of a host that are opened at once: enrolments are short, and the control center bounds their rate. */
const OPENED_AT_ONCE = 8;

/** A party of a host that was put on the clock. */
export interface Daemon {
  stop(): Promise<void>;
}

/** The parties of a host. */
export interface HostParts<Config, Opened> {
  readonly configs: readonly Config[];
  /** The parts that they share; closed at the end. */
  readonly source: { close(): void };
  /** Reads a party's directory, which is locked, and enrols the party when it is new. */
  readonly open: (config: Config) => Promise<Opened>;
  /** Puts it on the clock; `fail` ends the host. */
  readonly begin: (opened: Opened, config: Config, index: number, fail: (error: unknown) => void) => Daemon;
  /** With 1 they are opened in the order of the configuration. */
  readonly openedAtOnce?: number;
}

/**
 * Runs several parties of one kind in a process: opens all, then puts all on the clock, so that none begins before the
 * last one is enrolled. The failure of one ends the host.
 *
 * @throws ClientError DIRECTORY_LOCKED; what `open` throws
 */
export async function runHost<Config extends { readonly directory: string }, Opened>(
  context: PartyContext,
  { configs, source, open, begin, openedAtOnce = OPENED_AT_ONCE }: HostParts<Config, Opened>,
): Promise<RunningParty> {
  const locks: DirectoryLock[] = [];
  const release = async (): Promise<void> => {
    await Promise.all(locks.splice(0).map((lock) => lock.release()));
    source.close();
  };
  let opened: Opened[];
  try {
    opened = await mapBounded(openedAtOnce, configs, async (config) => {
      locks.push(await lockDirectory(config.directory, context));
      return open(config);
    });
  } catch (error) {
    await release();
    throw error;
  }
  let end: () => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const ended = new Promise<void>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  const daemons = opened.map((one, index) => begin(one, configs[index]!, index, (error) => fail(error)));
  return {
    ended,
    async stop() {
      await Promise.all(daemons.map((daemon) => daemon.stop()));
      await release();
      end();
    },
  };
}
