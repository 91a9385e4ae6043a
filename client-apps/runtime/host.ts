// SPDX-License-Identifier: Apache-2.0
import { mapBounded } from './bounded.js';
import type { RunningParty } from './party.js';

/** Parties of a host that are opened at once: enrolments are short, and the control center bounds their rate. */
const OPENED_AT_ONCE = 8;

/** A party of a host that was put on the clock. */
export interface Daemon {
  stop(): Promise<void>;
}

/**
 * Runs several parties of one kind in a process: opens all, then puts all on the clock, so that none begins before the
 * last one is enrolled. The failure of one ends the host.
 *
 * @param source what they share; closed at the end
 * @param open reads a party's directory and enrols it when it is new
 * @param begin puts it on the clock; `fail` ends the host
 * @param openedAtOnce how many are opened at once; with 1 they enrol in the order of the configuration
 */
export async function runHost<Config, Opened>(
  configs: readonly Config[],
  source: { close(): void },
  open: (config: Config) => Promise<Opened>,
  begin: (opened: Opened, config: Config, index: number, fail: (error: unknown) => void) => Daemon,
  openedAtOnce = OPENED_AT_ONCE,
): Promise<RunningParty> {
  const opened = await mapBounded(openedAtOnce, configs, open);
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
      source.close();
      end();
    },
  };
}
