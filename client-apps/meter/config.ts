// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { ENROLMENT_CODE_LENGTH } from '../../protocol/identity/enrolment.js';
import { MAXIMUM_METERS } from '../../protocol/ledger/limits.js';
import { controlCenterAddress, hexBytes, mirrors, region } from '../runtime/config.js';
import { hubPairing } from '../links/pairing.js';

/** Fields that all meters of a host share. */
const shared = {
  region,
  controlCenter: controlCenterAddress,
  mirrors,
  /** Fingerprint of the control center's first signature key; without it, the key found at enrolment is trusted. */
  trustAnchor: hexBytes(32).optional(),
  /** Maps relay addresses of the directory to real ones, for a private network. */
  addressOverrides: z.record(z.string(), z.string()).default({}),
};

/** Fields of one meter. */
const own = {
  /** The meter's directory: one file, encrypted with the key of `GRIDVEIL_KEY_FILE`. */
  directory: z.string().min(1),
  enrolmentCode: hexBytes(ENROLMENT_CODE_LENGTH),
  /** Recorded readings in place of a measuring part. */
  readings: z.strictObject({ file: z.string().min(1), household: z.string().min(1).max(64) }),
  hub: hubPairing,
  /** Demo only: seed of sk_i, K_i and the link key. */
  enrolmentSeed: hexBytes(32).optional(),
};

/** Configuration of a meter daemon. */
export const meterConfig = z.strictObject({ ...shared, ...own });
export type MeterConfig = z.output<typeof meterConfig>;

/** Configuration of a host: many meters, each with its own directory, keys and links. */
export const meterHostConfig = z.strictObject({
  ...shared,
  meters: z.array(z.strictObject(own)).min(1).max(MAXIMUM_METERS),
});
export type MeterHostConfig = z.output<typeof meterHostConfig>;
