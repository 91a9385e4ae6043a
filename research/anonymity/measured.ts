// SPDX-License-Identifier: Apache-2.0
import type { OnionParameters } from '../../protocol/ledger/parameters.js';
import type { Measurement } from './measurement.js';

/** A measurement with its subject. */
export interface Measured {
  /** Source of the packets; every report names traces as UNSAFE. */
  readonly source:
    | { readonly kind: 'simulation'; readonly seed: string }
    | { readonly kind: 'traces'; readonly directory: string; readonly incomplete: number };
  readonly meters: number;
  readonly onion: OnionParameters;
  readonly relaysPerLayer: number;
  readonly corruptPerLayer: number;
  readonly measurement: Measurement;
}
