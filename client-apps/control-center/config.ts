// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { DAY_SECONDS } from '../../protocol/schedule/intervals.js';
import { ENROLMENT_CODE_LENGTH } from '../../protocol/identity/enrolment.js';
import { IDENTITY_MODES } from '../../protocol/identity/pseudonym-scheme.js';
import { CATEGORY_COUNT, MAXIMUM_CONNECTION_WATTS } from '../../protocol/ledger/limits.js';
import { PRICE_MODES } from '../../protocol/ledger/parameters.js';
import { parseAddress } from '../../protocol/onion/directory-format.js';
import { MAXIMUM_LAYERS } from '../../protocol/onion/geometry.js';
import { amount, hexBytes, operatorName, pin, port, region } from '../runtime/config.js';

const seconds = z.int().min(0);
const connectionWatts = z.int().min(1).max(MAXIMUM_CONNECTION_WATTS);

/** One version of the parameters as the operator writes it; the rest of it follows from keys and from its place. */
export const parameterSettings = z.strictObject({
  /** Start of the first interval under this version, Unix seconds; in version 1 the first interval of the region. */
  effectiveFromSeconds: seconds,
  /** L. */
  intervalSeconds: seconds.default(1_800),
  slotSeconds: seconds.default(300),
  graceSeconds: seconds.default(120),
  epochOriginSeconds: seconds,
  epochSeconds: seconds.default(DAY_SECONDS),
  /** Five, ascending; `categoriesFor` of `protocol/energy` makes them from the region's average use. */
  categoriesMilliWattHours: z.array(amount).length(CATEGORY_COUNT),
  /** Strongest connection of a meter, W; by default, what the rows of a window can hold. */
  maximumConnectionWatts: connectionWatts.optional(),
  /** Time without prices or bills after which a successor can be named, s; by default two weeks. */
  successorAfterSeconds: z
    .int()
    .min(3_600)
    .max(365 * DAY_SECONDS)
    .optional(),
  kAnonymity: z.int().min(2).default(5),
  identityMode: z.enum(IDENTITY_MODES).default('chain'),
  priceMode: z.enum(PRICE_MODES).default('ledger'),
  /** Levels of the registry; 2^depth bounds the number of meters. */
  registryDepth: z.int().min(0).max(20).default(13),
  onion: z.strictObject({
    layers: z.int().min(1).max(MAXIMUM_LAYERS).default(4),
    meanDelayMilliseconds: z.int().min(0).default(4_000),
    maximumDelayMeans: z.int().min(1).default(5),
    offsetWindowSeconds: z.int().min(0).default(20),
  }),
  tariff: z.strictObject({
    points: z.array(z.strictObject({ perMeterMilliWattHours: amount, priceNanoPerKilowattHour: amount })).min(1),
  }),
  /** The service provider's signature under the tariff, from `gridveil service-provider tariff`. */
  tariffSignature: hexBytes(64),
});

/** A relay that the operator has admitted. */
export const admittedRelay = z.strictObject({
  /** Ed25519 key that signs its descriptors. */
  identity: hexBytes(32),
  /** SHA-256 of the SubjectPublicKeyInfo of its link key. */
  linkPin: pin,
  operator: operatorName,
  layer: z.int().min(1).max(MAXIMUM_LAYERS),
  /** `host:port` that its descriptors must name; outside a demo a public IP address. */
  address: z.string().refine(isAddress, 'must be host:port'),
});

function isAddress(text: string): boolean {
  try {
    parseAddress(text);
    return true;
  } catch {
    return false;
  }
}

/** Configuration of the control center. */
export const controlCenterConfig = z.strictObject({
  /** Its own directory: keys and store, sealed with the key of `GRIDVEIL_KEY_FILE`. */
  directory: z.string().min(1),
  /** The root of the bulletin that it writes. */
  bulletin: z.string().min(1),
  region,
  ledger: z.strictObject({
    /** Connection profile of an own peer. */
    profile: z.string().min(1),
    identity: z.strictObject({
      mspId: z.string().min(1).max(64),
      certificatePath: z.string().min(1),
      keyPath: z.string().min(1),
    }),
  }),
  /** Onion exit. */
  links: z.strictObject({
    host: z.string().min(1),
    port,
    /** `host:port` under which the directory names it. */
    address: z.string().min(3).max(260),
  }),
  /** All versions of the parameters, the oldest first; one that was published must not change. */
  parameters: z.array(parameterSettings).min(1),
  /** From `gridveil service-provider identity`. */
  serviceProvider: z.strictObject({
    mspId: z.string().min(1).max(64),
    /** pk_SP, X25519. */
    publicKey: hexBytes(32),
    /** sigPk_SP, Ed25519. */
    signaturePublicKey: hexBytes(32),
  }),
  relays: z.array(admittedRelay),
  /** Addresses at which relays are reached instead of their published ones, for the control center's own loops: `host:port` → `host:port`. */
  addressOverrides: z.record(z.string(), z.string()).default({}),
  /**
   * Enrolment codes that are withdrawn: a meter that used one is excluded from every registry root fixed from now on, and
   * an unused one is refused.
   */
  revokedCodes: z.array(hexBytes(ENROLMENT_CODE_LENGTH)).default([]),
  /** Time before the first interval of an epoch at which its registry and directory are fixed. */
  epochLeadSeconds: seconds.default(1_800),
  /** Demo only: all keys are derived from it, and the parameters declare a demo. */
  enrolmentSeed: hexBytes(32).optional(),
});

export type ControlCenterConfig = z.output<typeof controlCenterConfig>;
export type ParameterSettings = z.output<typeof parameterSettings>;
