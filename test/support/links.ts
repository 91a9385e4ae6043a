// SPDX-License-Identifier: Apache-2.0
import { createHash, randomBytes } from 'node:crypto';
import { SystemClock, type Clock } from '../../client-apps/runtime/clock.js';
import { createLog } from '../../client-apps/runtime/log.js';
import { Timers } from '../../client-apps/runtime/timers.js';
import type { ConnectOptions, LinkTarget } from '../../client-apps/links/connect.js';
import {
  linkKeyFromSeed,
  selfIssuedIdentity,
  type CertificateValidity,
  type LinkIdentity,
} from '../../client-apps/links/link-identity.js';
import { listenLinks, type LinkListener, type ListenOptions } from '../../client-apps/links/listen.js';

/** 32 bytes that belong to a name. */
export function seedOf(name: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(`gridveil link test ${name}`).digest());
}

/** Around the present, whichever it is. */
export const ALWAYS: CertificateValidity = { validFromSeconds: 0, validUntilSeconds: 4_000_000_000 };

export function identityOf(name: string): Promise<LinkIdentity> {
  return selfIssuedIdentity(linkKeyFromSeed(seedOf(name)), ALWAYS);
}

export const osRandom = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** Timers of a party that logs nothing. */
export function timersOn(clock: Clock): Timers {
  return new Timers({ clock, log: createLog('test', 'silent') });
}

/** A listener on this machine that admits everybody unless told otherwise. */
export async function listen(
  name: string,
  { clock = new SystemClock(), ...options }: Partial<ListenOptions<string>> & { readonly clock?: Clock } = {},
): Promise<LinkListener<string>> {
  return listenLinks<string>({
    identity: await identityOf(name),
    host: '127.0.0.1',
    port: 0,
    timers: timersOn(clock),
    admit: () => 'peer',
    onFrame: () => undefined,
    ...options,
  });
}

export function targetOf(name: string, port: number): LinkTarget {
  return { address: `127.0.0.1:${port}`, pin: linkKeyFromSeed(seedOf(name)).pin };
}

export async function connectOptions(name: string, options: Partial<ConnectOptions> = {}): Promise<ConnectOptions> {
  return { identity: await identityOf(name), timers: timersOn(new SystemClock()), random: osRandom, ...options };
}

/** Waits until something is so, at most five seconds. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 2_500; attempt++) {
    if (condition()) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`still not so: ${what}`);
}
