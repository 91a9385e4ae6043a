// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { linkKeyFromSeed, type LinkKey } from '../client-apps/links/link-identity.js';
import type { DelayParameters } from '../protocol/onion/path.js';

/** Message to the relay's process. */
export type RelayRequest =
  { readonly kind: 'start'; readonly config: unknown } | { readonly kind: 'sample' } | { readonly kind: 'stop' };

/** Work and resource use of the relay since its start. */
export interface RelaySample {
  readonly kind: 'sample';
  readonly cpuMicroseconds: number;
  readonly received: number;
  readonly forwarded: number;
  readonly dropped: number;
}

/** Message from the relay's process. */
export type RelayAnswer =
  | RelaySample
  | { readonly kind: 'ready'; readonly port: number; readonly peelMicroseconds: number }
  | { readonly kind: 'directory' }
  | { readonly kind: 'stopped' };

/** Message to the load's process. */
export type LoadRequest =
  | {
      readonly kind: 'prepare';
      readonly relay: { readonly address: string; readonly pin: string; readonly onionKey: string };
      /** Directory indices of the relays of the next layer. */
      readonly next: readonly number[];
      readonly delays: DelayParameters;
      readonly packets: number;
    }
  /** Sends the prepared packets at a rate, or as fast as the relay accepts them. */
  | { readonly kind: 'send'; readonly packets: number; readonly packetsPerSecond?: number };

/** Result of sending. */
export interface LoadResult {
  readonly kind: 'result';
  readonly sent: number;
  readonly arrived: number;
  /** 99th percentile of the lateness of packets, milliseconds. */
  readonly addedLatencyP99Milliseconds: number;
}

/** Message from the load's process. */
export type LoadAnswer =
  LoadResult | { readonly kind: 'listening'; readonly ports: readonly number[] } | { readonly kind: 'prepared' };

/** Layers left at the relay under test: its own and one after it. */
export const LAYERS_LEFT = 2;

/** Link keys of the two that stand for the layers around the relay; the same in every process of the bench. */
export function benchLinkKey(name: string): LinkKey {
  return linkKeyFromSeed(createHash('sha256').update(`gridveil bench ${name}`).digest());
}
