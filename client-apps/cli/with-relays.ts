// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { loadConfig } from '../runtime/config.js';
import type { PartyContext, RunningParty } from '../runtime/party.js';
import { addRun, type Party, type RunOptions } from './run-party.js';

/** Adds a command that runs a party and, with `--relay`, relays in the same process. */
export function addRunWithRelays<Config>(
  parent: Command,
  verb: string,
  description: string,
  load: () => Promise<Party<Config>>,
): void {
  addRun(parent, verb, description, async ({ relay }: RunOptions & { relay?: string[] }) =>
    withRelays(await load(), relay),
  ).option('--relay <file...>', 'also run a relay in this process, with this configuration, JSON (repeatable)');
}

/**
 * Combines a party with one or more relays, as the paper does with meters and consumers (section 5). They share only
 * the process: each relay has its own directory, keys and links, and its reports are those of `relay run` with the
 * prefix `relay-`. Relays start first, because a region without other relays has no directory before they have
 * announced themselves. If the party or one of its relays fails, all of them stop.
 */
export function withRelays<Config>(party: Party<Config>, files: readonly string[] = []): Party<Config> {
  if (files.length === 0) {
    return party;
  }
  return {
    config: party.config,
    async start(config, context) {
      const started: RunningParty[] = [];
      try {
        for (const file of files) {
          started.unshift(await startRelayOf(file, context));
        }
        started.unshift(await party.start(config, context));
      } catch (error) {
        await stopAll(started);
        throw error;
      }
      const ended = Promise.all(started.map((one) => one.ended)).then(() => undefined);
      ended.catch(() => undefined);
      return { ended, stop: () => stopAll(started) };
    },
  };
}

async function startRelayOf(file: string, context: PartyContext): Promise<RunningParty> {
  const { relayConfig, startRelay } = await import('../relay/main.js');
  return startRelay(await loadConfig(relayConfig, file), {
    ...context,
    log: context.log.child({ part: 'relay' }),
    report: (name, data) => context.report(`relay-${name}`, data),
  });
}

/** Stops in reverse order of the start. */
async function stopAll(started: readonly RunningParty[]): Promise<void> {
  for (const one of started) {
    await one.stop();
  }
}
