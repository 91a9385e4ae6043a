// SPDX-License-Identifier: Apache-2.0
import type { OnionParameters } from '../../protocol/ledger/parameters.js';
import type { Measurement } from './measurement.js';

/** What was measured. */
export interface Measured {
  /** Where the packets were from; traces are named as what they are in every report. */
  readonly source:
    | { readonly kind: 'simulation'; readonly seed: string }
    | { readonly kind: 'traces'; readonly directory: string; readonly incomplete: number };
  readonly meters: number;
  readonly onion: OnionParameters;
  readonly relaysPerLayer: number;
  readonly corruptPerLayer: number;
  readonly measurement: Measurement;
}
