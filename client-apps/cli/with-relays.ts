// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { loadConfig } from '../runtime/config.js';
import type { PartyContext, RunningParty } from '../runtime/party.js';
import { addRun, type Party, type RunOptions } from './run-party.js';

/** {@link addRun} for a party that may be a relay too. */
export function addRunWithRelays<Config>(
  parent: Command,
  verb: string,
  description: string,
  load: () => Promise<Party<Config>>,
): void {
  addRun(parent, verb, description, async ({ relay }: RunOptions & { relay?: string[] }) =>
    withRelays(await load(), relay),
  ).option(
    '--relay <file...>',
    'be a relay too, in the same process: its configuration, JSON (several: that many relays)',
  );
}

/**
 * A party that is one or more relays too, as the paper has meters and consumers (section 5). They share nothing but the
 * process: each relay has its own directory, keys and links, and its reports are those of `relay run` with `relay-`
 * before their names. They start first, because a region of such relays alone has no directory before they have
 * announced themselves; the party's failure ends the relays and the other way round.
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
    report: (name, data) => {
      context.report(`relay-${name}`, data);
    },
  });
}

/** The last started first. */
async function stopAll(started: readonly RunningParty[]): Promise<void> {
  for (const one of started) {
    await one.stop();
  }
}
