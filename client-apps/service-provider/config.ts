// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { MAXIMUM_TARIFF_POINTS } from '../../protocol/ledger/limits.js';
import { amount, hexBytes, hexString, region } from '../runtime/config.js';
import { CONTROL_CENTER_MSP } from '../ledger/index.js';

/** Configuration of the service provider. It connects to the ledger only. */
export const serviceProviderConfig = z.strictObject({
  /** Its own directory: the keys, sealed with the key of `GRIDVEIL_KEY_FILE`. */
  directory: z.string().min(1),
  region,
  ledger: z.strictObject({
    /** Connection profile. */
    profile: z.string().min(1),
    identity: z.strictObject({
      mspId: z.string().min(1).max(64),
      certificatePath: z.string().min(1),
      keyPath: z.string().min(1),
    }),
    /** MSP id of the organisation whose peers run the chaincode. */
    controlCenterMspId: z.string().min(1).max(64).default(CONTROL_CENTER_MSP),
  }),
  /** Hex SHA-256 of the control center's signature key in version 1 of the parameters. */
  trustAnchor: hexString(32),
  /** Demo only: seed of its keys. */
  enrolmentSeed: hexBytes(32).optional(),
});

export type ServiceProviderConfig = z.output<typeof serviceProviderConfig>;

/** A tariff as the service provider writes it: `{"points":[…]}`, amounts as decimal strings. */
export const tariffFile = z.strictObject({
  points: z
    .array(z.strictObject({ perMeterMilliWattHours: amount, priceNanoPerKilowattHour: amount }))
    .min(1)
    .max(MAXIMUM_TARIFF_POINTS),
});
