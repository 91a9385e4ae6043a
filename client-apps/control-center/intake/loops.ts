// SPDX-License-Identifier: Apache-2.0
import { relaysOfLayer } from '../../../protocol/onion/directory.js';
import type { Parameters } from '../../../protocol/ledger/parameters.js';
import type { Directory, RelayDescriptor } from '../../../protocol/onion/directory-format.js';
import type { Loop } from '../../../protocol/onion/loop.js';
import { LinkPool } from '../../links/connect.js';
import { entryRelays } from '../../links/entry-relays.js';
import { FRAME } from '../../links/frames.js';
import type { LinkIdentity } from '../../links/link-identity.js';
import { sendLoops } from '../../links/loop-sender.js';
import { LoopWatch } from '../../links/loop-watch.js';
import type { PartyContext } from '../../runtime/party.js';
import type { Timers } from '../../runtime/timers.js';
import type { IntakeCounts } from './intake-counts.js';

/** Odds against suspecting a working relay while one of another layer is down. */
const FALSE_SUSPICION_ODDS = 50_000;

/** The control center's loops through the tier, by which it detects dropped packets and locates the relay. */
export interface CenterLoops {
  /** @returns whether a packet, identified by its encapsulated key, is a returned loop */
  came(key: Uint8Array): boolean;
  /** Ends its links. */
  close(): Promise<void>;
}

/** Loops of a control center that sends none. */
export const NO_LOOPS: CenterLoops = { came: () => false, close: () => Promise.resolve() };

/** The tier of the loops, and the receivers of their results. */
export interface WatchedTier extends PartyContext {
  readonly timers: Timers;
  readonly identity: LinkIdentity;
  readonly addressOverrides: Readonly<Record<string, string>>;
  readonly counter: { readonly counts: Pick<IntakeCounts, 'loops' | 'missingLoops'> };
  /** Of this moment. */
  readonly parameters: () => Parameters;
  /** Undefined where the epoch is not open. */
  readonly directory: (epoch: number) => Directory | undefined;
}

/** Sends loops in every slot, through all layers and back; drops and their likely place are reported and logged. */
export function watchTier(tier: WatchedTier): CenterLoops {
  const { timers, random, log, report, identity, addressOverrides, counter } = tier;
  const pool = new LinkPool({ identity, timers, random, addressOverrides });
  /** Relays of a loop under way. */
  const ways = new WeakMap<Loop, readonly RelayDescriptor[]>();
  /** Loops lost in a row through each relay, by its address. */
  const lost = new Map<string, number>();
  let linked: Directory | undefined;
  /** Number of loops lost in a row through one relay after which the operator is warned. */
  let toSuspect = Infinity;

  const watch = new LoopWatch(timers, {
    onCame: (loop) => {
      for (const { address } of ways.get(loop)!) {
        lost.delete(address);
      }
    },
    onMissing: (loop) => {
      counter.counts.missingLoops++;
      for (const { address, operator, layer } of ways.get(loop)!) {
        const count = (lost.get(address) ?? 0) + 1;
        lost.set(address, count);
        if (count !== toSuspect) {
          continue;
        }
        report('loops-lost', { relay: address });
        log.warn(
          { relay: address, operator, layer },
          'no loop returns through this relay: it is down, unreachable, or drops packets',
        );
      }
    },
    onCutOff: (cutOff) => {
      report('cut-off', { cutOff });
      if (cutOff) {
        log.warn('no loop returns through the tier');
      } else {
        log.info('loops return through the tier again');
      }
    },
  });

  sendLoops({
    timers,
    random,
    watch,
    parameters: tier.parameters,
    tier: (epoch) => {
      const directory = tier.directory(epoch);
      if (directory === undefined) {
        return undefined;
      }
      if (linked !== directory) {
        linked = directory;
        toSuspect = lostToSuspect(directory);
        pool.retain(entryRelays(directory));
      }
      return { directory, maker: 'control-center' };
    },
    send: (loop, entry, { relays }) => {
      ways.set(
        loop,
        loop.path.map(({ relay }) => relays[relay]!.descriptor),
      );
      counter.counts.loops++;
      pool.link(entry).send(FRAME.packet, loop.packet);
    },
  });
  return {
    came: (key) => watch.came(key),
    close: () => pool.close(),
  };
}

/**
 * With n relays in the smallest layer, one of them dead, m loops in a row through a relay of another layer are lost with
 * probability n^−m; m is the least number that makes this 1/50,000 or less.
 */
function lostToSuspect(directory: Directory): number {
  const sizes = Array.from({ length: directory.layers }, (_, index) => relaysOfLayer(directory, index + 1).length);
  return Math.ceil(Math.log(FALSE_SUSPICION_ODDS) / Math.log(Math.max(2, Math.min(...sizes))));
}
