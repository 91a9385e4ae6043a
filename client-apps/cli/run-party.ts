// SPDX-License-Identifier: Apache-2.0
import { Option, type Command } from 'commander';
import type { ZodType } from 'zod';
import type { RandomSource } from '../../protocol/onion/packet.js';
import { SteppedClock, SystemClock, type Clock } from '../runtime/clock.js';
import { loadConfig } from '../runtime/config.js';
import { ClientError } from '../runtime/errors.js';
import { createLog } from '../runtime/log.js';
import type { PartyContext, RunningParty } from '../runtime/party.js';
import { osRandom } from '../runtime/random.js';
import { ipcReport, type Report } from '../runtime/report.js';
import { loadFileKey } from '../runtime/sealed-file.js';
import { onRun, print } from './output.js';

/** A party as its own folder exports it: how its configuration looks, and how it is started. */
export interface Party<Config> {
  readonly config: ZodType<Config>;
  readonly start: (config: Config, context: PartyContext) => Promise<RunningParty>;
}

/** Options that every party's run has. */
export interface RunOptions {
  config: string;
  logLevel: string;
  steppedClock?: true;
  json?: true;
}

/** Secret random bytes of the operating system, for everything this process does. */
export const randomSource: RandomSource = osRandom();

/** Adds what every command of a party needs. */
export function withConfig(command: Command): Command {
  return command
    .requiredOption('--config <file>', 'configuration, JSON')
    .addHelpText('after', '\nGRIDVEIL_KEY_FILE names the file with the key that seals what the party writes.');
}

/**
 * A party's configuration and the key of its sealed files, for a command that is not `run`.
 *
 * @throws ClientError CONFIG_INVALID, KEY_FILE
 */
export async function loadPartyConfig<Config>(
  schema: ZodType<Config>,
  file: string,
): Promise<{ config: Config; fileKey: Uint8Array }> {
  return { config: await loadConfig(schema, file), fileKey: await loadFileKey(process.env) };
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];

/**
 * Adds a command that runs a party until it is told to end (SIGTERM, Ctrl-C). Its log goes to stderr; with `--json` its
 * reports go to stdout, one JSON object a line.
 *
 * @param load loads the party's module when it is run, and not for help
 * @returns the command, for options of the party's own
 */
export function addRun<Config, Options extends RunOptions = RunOptions>(
  parent: Command,
  verb: string,
  description: string,
  load: (options: Options) => Promise<Party<Config>>,
): Command {
  const command = withConfig(parent.command(verb).description(description))
    .addOption(new Option('--log-level <level>', 'least level that is logged').choices(LOG_LEVELS).default('info'))
    .addOption(new Option('--stepped-clock', 'simulated time over the IPC channel').hideHelp());
  return onRun<Options>(command, async (options) => {
    const { config: schema, start } = await load(options);
    const name = parent.name();
    const config = await loadConfig(schema, options.config);
    const party = await start(config, {
      clock: await clockFor(options),
      random: randomSource,
      log: createLog(name, options.logLevel),
      report: reporter(options),
    });
    const stop = (): void => void party.stop();
    process.once('SIGTERM', stop);
    process.once('SIGINT', stop);
    try {
      await party.ended;
    } catch (error) {
      // What it still has on the clock and on its links would keep the process alive.
      await party.stop().catch(() => undefined);
      throw error;
    } finally {
      // And so would the IPC channel of a run.
      if (process.connected) {
        process.disconnect();
      }
    }
    return { data: { name: 'ended', data: {} }, text: [] };
  });
}

async function clockFor(options: RunOptions): Promise<Clock> {
  if (options.steppedClock !== true) {
    return new SystemClock();
  }
  if (process.send === undefined) {
    throw new ClientError('WRONG_USE', '--stepped-clock needs the IPC channel of a run that moves the time');
  }
  // Without whoever moves the time there is none: the process must not outlive the run.
  process.once('disconnect', () => process.exit());
  return SteppedClock.connect(process);
}

function reporter(options: RunOptions): Report {
  const overIpc = ipcReport(process);
  return (name, data) => {
    overIpc(name, data);
    if (options.json) {
      print(JSON.stringify({ name, data }));
    }
  };
}
