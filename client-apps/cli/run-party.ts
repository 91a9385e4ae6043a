// SPDX-License-Identifier: Apache-2.0
import { Option, type Command } from 'commander';
import type { ZodType } from 'zod';
import type { RandomSource } from '../../protocol/onion/packet.js';
import { SteppedClock, SystemClock, type Clock } from '../runtime/clock.js';
import { withDeadline } from '../runtime/deadline.js';
import { loadConfig } from '../runtime/config.js';
import { ClientError } from '../runtime/errors.js';
import { createLog, type Log } from '../runtime/log.js';
import type { PartyContext, RunningParty } from '../runtime/party.js';
import { osRandom } from '../runtime/random.js';
import { ipcReport, type Report } from '../runtime/report.js';
import { loadFileKey } from '../runtime/sealed-file.js';
import { Timers } from '../runtime/timers.js';
import { EXIT, onRun, print, printError } from './output.js';

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

/** Time after a signal in which a party that starts may become ready, to be stopped in order. */
const START_GRACE_MILLISECONDS = 1_000;

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];

/**
 * Adds a command that runs a party until SIGTERM or SIGINT. Its log, with the report `ready`, goes to stderr; with
 * `--json` all its reports go to stdout instead, one JSON object per line.
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
    .option('--json', 'print each report (ready, counts) as one JSON object a line')
    .addOption(new Option('--log-level <level>', 'minimum log level').choices(LOG_LEVELS).default('info'))
    .addOption(new Option('--stepped-clock', 'use simulated time from the IPC channel').hideHelp())
    .addHelpText('after', 'Runs until SIGTERM or SIGINT. The log goes to stderr, one JSON object a line.');
  return onRun<Options>(command, async (options) => {
    const { config: schema, start } = await load(options);
    const config = await loadConfig(schema, options.config);
    const log = createLog(parent.name(), options.logLevel);
    endWhenUncaught(log);
    const clock = await clockFor(options);
    const timers = new Timers({ clock, log });
    if (options.steppedClock === true) {
      // The process must not outlive the run that advances its clock.
      timers.on('disconnect', [process, 'disconnect'], () => process.exit());
    }
    const starting = start(config, {
      clock,
      random: randomSource,
      log,
      report: reporter(options, log),
    });
    let stopping: Promise<void> | undefined;
    const stop = (): Promise<void> => (stopping ??= starting.then((party) => party.stop()));
    // From before the party is ready. A start that waits for others is given up: its directory outlives any death.
    const stopInTime = (): Promise<void> =>
      withDeadline(starting, START_GRACE_MILLISECONDS, () => process.exit()).then(stop);
    timers.on('signal', [process, 'SIGTERM'], stopInTime);
    timers.on('signal', [process, 'SIGINT'], stopInTime);
    const party = await starting;
    try {
      await party.ended;
    } catch (error) {
      // Its timers and links would keep the process alive.
      await stop().catch(() => undefined);
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

/**
 * Ends the process, with its error on stderr, when an error reaches neither a supervised task nor an awaited
 * promise: then the party's own state cannot be relied on.
 */
function endWhenUncaught(log: Log): void {
  // eslint-disable-next-line no-restricted-syntax -- the last resort, for what is not supervised
  process.on('uncaughtException', (error, origin) => {
    log.fatal({ err: error, origin }, 'an error was not handled: the process ends');
    printError(error);
    process.exit(EXIT.failed);
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
  return SteppedClock.connect(process);
}

function reporter(options: RunOptions, log: Log): Report {
  const overIpc = ipcReport(process);
  return (name, data) => {
    overIpc(name, data);
    if (options.json) {
      print(JSON.stringify({ name, data }));
    } else if (name === 'ready') {
      // The only report that is logged: those of a meter and a hub hold the household's energy.
      log.info(data, name);
    }
  };
}
