// SPDX-License-Identifier: Apache-2.0
import { relaysOfLayer } from '../../protocol/onion/directory.js';
import type { Directory } from '../../protocol/onion/directory-format.js';
import type { LinkTarget } from './connect.js';

/** The relays where packets enter the tier. */
export function entryRelays(directory: Directory): LinkTarget[] {
  return relaysOfLayer(directory, 1).map((index) => {
    const { address, linkPin } = directory.relays[index]!.descriptor;
    return { address, pin: linkPin };
  });
}
