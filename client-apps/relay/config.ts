// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { ENROLMENT_CODE_LENGTH } from '../../protocol/identity/enrolment.js';
import { MAXIMUM_LAYERS } from '../../protocol/onion/geometry.js';
import { controlCenterAddress, hexBytes, hexString, operatorName, pin, port, region } from '../runtime/config.js';

const address = z.string().regex(/^[^\s]{1,254}:[1-9][0-9]{0,4}$/, 'must be host:port');

/** Configuration of a relay whose place in the tier is known. */
export const placedRelayConfig = z.strictObject({
  /** Its own directory: keys, replay tags, and the packets held at the last shutdown. */
  directory: z.string().min(1),
  region,
  /** Name of its operator; one operator serves one layer. */
  operator: operatorName,
  /** 1 is where packets enter. */
  layer: z.int().min(1).max(MAXIMUM_LAYERS),
  /** Listening address, and the `host:port` under which the directory names it. */
  links: z.strictObject({ host: z.string().min(1), port, address }),
  /** The region's public address, and the `host:port` and the pin of the control center's links. */
  controlCenter: controlCenterAddress.extend({ linkAddress: address, linkPin: pin }),
  /** Hex SHA-256 of the control center's signature key in version 1 of the parameters. */
  trustAnchor: hexString(32),
  /** Maps addresses of the directory to real ones: `host:port` → `host:port`. */
  addressOverrides: z.record(z.string(), address).default({}),
  /**
   * Packets of one epoch that it remembers; further ones are dropped. The default is more than a full region sends in
   * a day, all through one relay: 5,000 meters × 2 packets × 288 slots. Takes 8 to 16 bytes each.
   */
  replayCapacity: z.int().min(1_024).max(100_000_000).default(3_000_000),
  /** Packets held at once, about 1 kB each; further ones are dropped. The default is four seconds at 50,000 a second. */
  poolCapacity: z.int().min(16).max(4_000_000).default(200_000),
  /** Address of the metrics for Prometheus: totals, never flows. */
  metrics: z.strictObject({ host: z.string().min(1), port }).optional(),
  /** Demo only: all keys are derived from it, and the parameters must declare a demo. */
  enrolmentSeed: hexBytes(32).optional(),
});

export type PlacedRelayConfig = z.output<typeof placedRelayConfig>;

/** Configuration of a relay: with operator and layer as admitted by the control center, or with an enrolment code. */
export const relayConfig = placedRelayConfig
  .partial({ operator: true, layer: true })
  .extend({
    /** Of a household's relay: the control center assigns the operator's name and the layer. */
    enrolmentCode: hexBytes(ENROLMENT_CODE_LENGTH).optional(),
  })
  .refine(
    ({ operator, layer, enrolmentCode }) =>
      [operator, layer].every((value) => (value === undefined) !== (enrolmentCode === undefined)),
    'must have operator and layer, or an enrolmentCode instead of both',
  );
export type RelayConfig = z.output<typeof relayConfig>;
