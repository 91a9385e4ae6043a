// SPDX-License-Identifier: Apache-2.0
import { CodedError } from '../../protocol/errors.js';

/**
 * Reason for which a topology cannot be used:
 * - `CONFIG_INVALID`: the file cannot be read, or does not describe a network;
 * - `NOT_FOUND`: it has no organisation of that MSP id.
 */
export type TopologyErrorCode = 'CONFIG_INVALID' | 'NOT_FOUND';

/** The one error of `network/topology`. */
export class TopologyError extends CodedError<TopologyErrorCode> {
  override readonly name = 'TopologyError';
}
