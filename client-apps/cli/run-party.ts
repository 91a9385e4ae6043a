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

/** A party as its own folder exports it: the schema of its configuration and its start function. */
export interface Party<Config> {
  readonly config: ZodType<Config>;
  readonly start: (config: Config, context: PartyContext) => Promise<RunningParty>;
}

/** Options of every command that runs a party. */
export interface RunOptions {
  config: string;
  logLevel: string;
  steppedClock?: true;
  json?: true;
}

/** The operating system's random source, for all secrets of this process. */
export const randomSource: RandomSource = osRandom();

/** Adds the configuration option of a party's commands. */
export function withConfig(command: Command): Command {
  return command
    .requiredOption('--config <file>', 'configuration file, JSON')
    .addHelpText('after', '\nEnvironment: GRIDVEIL_KEY_FILE, path of the key that encrypts the files of the party.');
}

/**
 * Loads a party's configuration and the key of its sealed files, for a command other than `run`.
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
 * Adds a command that runs a party until SIGTERM or SIGINT. Its log goes to stderr; with `--json` its reports go to
 * stdout, one JSON object per line.
 *
 * @param load loads the party's module, only when the command runs
 * @returns the command, to which options may be added
 */
export function addRun<Config, Options extends RunOptions = RunOptions>(
  parent: Command,
  verb: string,
  description: string,
  load: (options: Options) => Promise<Party<Config>>,
): Command {
  const command = withConfig(parent.command(verb).description(description))
    .addOption(new Option('--log-level <level>', 'minimum log level').choices(LOG_LEVELS).default('info'))
    .addOption(new Option('--stepped-clock', 'use simulated time from the IPC channel').hideHelp());
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
      // Its timers and links would keep the process alive.
      await party.stop().catch(() => undefined);
      throw error;
    } finally {
      // So would the IPC channel of a demo run.
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
    throw new ClientError(
      'WRONG_USE',
      '--stepped-clock requires an IPC channel to the process that advances the clock',
    );
  }
  // The process must not outlive the run that advances its clock.
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
