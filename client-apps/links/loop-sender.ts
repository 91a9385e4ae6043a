// SPDX-License-Identifier: Apache-2.0
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { epochOf } from '../../protocol/schedule/epochs.js';
import type { Parameters } from '../../protocol/ledger/parameters.js';
import type { Directory } from '../../protocol/onion/directory-format.js';
import { loopsPerSlot, loopsToAlarm, makeLoop, type Loop, type LoopMaker } from '../../protocol/onion/loop.js';
import type { RandomSource } from '../../protocol/onion/packet.js';
import type { LinkTarget } from './connect.js';
import type { LoopWatch } from './loop-watch.js';
import type { Timers } from '../runtime/timers.js';
import { drawOffsetMilliseconds, everySlot } from '../runtime/slot-schedule.js';
import type { Slot } from '../../protocol/schedule/slots.js';

/** Dependencies of a sender of loops. */
export interface LoopSenderParts {
  /** Sends until these are stopped. */
  readonly timers: Timers;
  readonly random: RandomSource;
  readonly watch: LoopWatch;
  readonly parameters: () => Parameters;
  /** The directory of an epoch's packets and this party's place in it; undefined while there is none. */
  readonly tier: (epoch: number) => { readonly directory: Directory; readonly maker: LoopMaker } | undefined;
  /** @param entry where the loop enters the tier */
  readonly send: (loop: Loop, entry: LinkTarget, directory: Directory) => void;
}

/**
 * Sends loops: in every slot as many as the directory requires, each at its own offset in the window in which meters
 * send, because that is when an attacker would drop packets.
 */
export function sendLoops(parts: LoopSenderParts): void {
  const { timers, random, parameters } = parts;
  const runSlot = (slot: Slot): Promise<void> => {
    const { onion } = parameters();
    const tier = tierOf(parts, slot);
    for (let count = tier === undefined ? 0 : loopsPerSlot(tier.directory); count > 0; count--) {
      const at = slot.startSeconds * 1000 + drawOffsetMilliseconds(random, onion.offsetWindowSeconds);
      timers.at('loop', at, () => sendOne(parts, slot));
    }
    return Promise.resolve();
  };
  everySlot(timers, parameters, runSlot);
}

function sendOne(parts: LoopSenderParts, slot: Slot): void {
  const tier = tierOf(parts, slot);
  if (tier === undefined) {
    return;
  }
  const { directory, maker } = tier;
  const loop = makeLoop(sodiumCrypto, { directory, maker, delays: parts.parameters().onion, random: parts.random });
  const { address, linkPin } = directory.relays[loop.path[0]!.relay]!.descriptor;
  parts.watch.sent(loop, loopsToAlarm(directory));
  parts.send(loop, { address, pin: linkPin }, directory);
}

/** The tier of the epoch to which meters' packets belong in this slot. */
function tierOf(
  { parameters, tier }: LoopSenderParts,
  { ledgerStartSeconds }: Slot,
): ReturnType<LoopSenderParts['tier']> {
  const timing = parameters();
  if (ledgerStartSeconds < timing.epochOriginSeconds) {
    return undefined;
  }
  return tier(epochOf(timing, ledgerStartSeconds));
}
