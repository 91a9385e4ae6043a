// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { ENROLMENT_CODE_LENGTH } from '../../protocol/identity/enrolment.js';
import { MAXIMUM_METERS } from '../../protocol/ledger/limits.js';
import { controlCenterAddress, hexBytes, mirrors, region } from '../runtime/config.js';

/** Fields that all hubs of a host share. */
const shared = {
  region,
  controlCenter: controlCenterAddress,
  mirrors,
  /** Fingerprint of the control center's first signature key; without it, the key found at enrolment is trusted. */
  trustAnchor: hexBytes(32).optional(),
  /** Relay that keeps the mailboxes, as the directory names it: `host:port`, of the last layer. */
  mailboxRelay: z.string().min(3).max(260),
  /** Maps relay addresses of the directory to real ones, for a private network. */
  addressOverrides: z.record(z.string(), z.string()).default({}),
  /** Period of full checks, in intervals: a full check verifies the signatures of all rows. */
  fullCheckEvery: z.int().min(1).max(1_000).default(1),
};

/** Fields of one hub. */
const own = {
  /** The hub's directory; everything but the disputes is encrypted with the key of `GRIDVEIL_KEY_FILE`. */
  directory: z.string().min(1),
  enrolmentCode: hexBytes(ENROLMENT_CODE_LENGTH),
  /** Demo only: seed of the hub's secret. */
  enrolmentSeed: hexBytes(32).optional(),
};

/** Configuration of a home hub. */
export const consumerConfig = z.strictObject({ ...shared, ...own });
export type ConsumerConfig = z.output<typeof consumerConfig>;

/** Configuration of a host: many hubs, each with its own directory, keys and link. */
export const consumerHostConfig = z.strictObject({
  ...shared,
  hubs: z.array(z.strictObject(own)).min(1).max(MAXIMUM_METERS),
});
export type ConsumerHostConfig = z.output<typeof consumerHostConfig>;
