// SPDX-License-Identifier: Apache-2.0
import fc, { type Arbitrary } from 'fast-check';
import { IDENTITY_MODES } from '../../protocol/identity/pseudonym-scheme.js';
import type { Header } from '../../protocol/ledger/header.js';
import type { LedgerId } from '../../protocol/ledger/ledger-id.js';
import {
  MAXIMUM_METERS,
  MAXIMUM_PARAMETER_VERSIONS,
  MAXIMUM_ROWS,
  MAXIMUM_SECONDS,
  ROWS_PER_PAGE,
} from '../../protocol/ledger/limits.js';
import type { HistogramEntry, PageEntry } from '../../protocol/ledger/page.js';
import { LEDGER_KINDS, type Row } from '../../protocol/ledger/row.js';
import { PRICE_MODES, type SignedParameters } from '../../protocol/ledger/parameters.js';
import type { SignedRegistryRoot } from '../../protocol/ledger/registry-root.js';
import type { SignedSeal } from '../../protocol/ledger/seal.js';
import type { Tariff } from '../../protocol/tariff/tariff.js';

/** Values of every shape that the codecs must carry; whether they make sense is for the rules. */
export const anyBytes = (length: number): Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });

export const anyAmount: Arbitrary<bigint> = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });

export const anySeconds: Arbitrary<number> = fc.integer({ min: 0, max: MAXIMUM_SECONDS });

export const anyRegion: Arbitrary<string> = fc.stringMatching(/^[a-z0-9-]{1,8}$/);

export const anyLedgerId: Arbitrary<LedgerId> = fc.record(
  { region: anyRegion, startSeconds: anySeconds },
  { noNullPrototype: true },
);

export const anyRow: Arbitrary<Row> = fc.record(
  {
    type: fc.constantFrom(0, 1, 2),
    ledgerId: anyLedgerId,
    pseudonym: anyBytes(32),
    timeSeconds: anySeconds,
    value: anyAmount,
    signaturePublicKey: anyBytes(32),
    signature: anyBytes(64),
  },
  { noNullPrototype: true },
);

export const anyHistogram: Arbitrary<HistogramEntry[]> = fc.array(
  fc.record({ value: anyAmount, count: fc.integer({ min: 1, max: MAXIMUM_ROWS }) }, { noNullPrototype: true }),
  { maxLength: 5 },
);

const anyPageEntry: Arbitrary<PageEntry> = fc.record(
  {
    first: anyBytes(32),
    last: anyBytes(32),
    count: fc.integer({ min: 1, max: ROWS_PER_PAGE }),
    sum: anyAmount,
    histogram: anyHistogram,
    root: anyBytes(32),
  },
  { noNullPrototype: true },
);

export const anyHeader: Arbitrary<Header> = fc.record(
  {
    kind: fc.constantFrom(...LEDGER_KINDS),
    ledgerId: anyLedgerId,
    parametersVersion: fc.integer({ min: 1, max: MAXIMUM_PARAMETER_VERSIONS }),
    registryEpoch: fc.integer({ min: 0, max: 65_535 }),
    count: fc.integer({ min: 0, max: MAXIMUM_ROWS }),
    total: anyAmount,
    histogram: anyHistogram,
    pages: fc.array(anyPageEntry, { maxLength: 3 }),
  },
  { noNullPrototype: true },
);

export const anySignedSeal: Arbitrary<SignedSeal> = fc.record(
  {
    seal: fc.record(
      {
        kind: fc.constantFrom(...LEDGER_KINDS),
        ledgerId: anyLedgerId,
        headerDigest: anyBytes(32),
        count: fc.integer({ min: 0, max: MAXIMUM_ROWS }),
        total: anyAmount,
        histogram: anyHistogram,
        parametersVersion: fc.integer({ min: 1, max: MAXIMUM_PARAMETER_VERSIONS }),
        parametersDigest: anyBytes(32),
        registryEpoch: fc.integer({ min: 0, max: 65_535 }),
        registryRoot: anyBytes(32),
        registeredMeters: fc.integer({ min: 1, max: MAXIMUM_METERS }),
        directoryDigest: anyBytes(32),
        indexDigest: anyBytes(32),
        basis: anyBytes(32),
        previous: anyBytes(32),
        closeSeconds: anySeconds,
      },
      { noNullPrototype: true },
    ),
    signature: anyBytes(64),
  },
  { noNullPrototype: true },
);

export const anySignedRegistryRoot: Arbitrary<SignedRegistryRoot> = fc.record(
  {
    registryRoot: fc.record(
      {
        region: anyRegion,
        epoch: fc.integer({ min: 0, max: 65_535 }),
        root: anyBytes(32),
        depth: fc.nat(20),
        meters: fc.integer({ min: 1, max: MAXIMUM_METERS }),
        effectiveFromSeconds: anySeconds,
      },
      { noNullPrototype: true },
    ),
    signature: anyBytes(64),
  },
  { noNullPrototype: true },
);

const anyMspId = fc.stringMatching(/^[A-Za-z0-9."\\-]{1,64}$/);
const anyPositiveSeconds = fc.integer({ min: 1, max: MAXIMUM_SECONDS });

/** Tariffs are judged when they are read, so these are valid. */
export const anyTariff: Arbitrary<Tariff> = fc
  .uniqueArray(fc.bigInt({ min: 0n, max: 10_000_000n }), { minLength: 1, maxLength: 16 })
  .chain((energies) =>
    fc.tuple(
      ...energies
        .sort((a, b) => Number(a - b))
        .map((perMeterMilliWattHours) =>
          fc.bigInt({ min: 0n, max: 1_000_000n }).map((thousands) => ({
            perMeterMilliWattHours,
            priceNanoPerKilowattHour: thousands * 1_000n,
          })),
        ),
    ),
  )
  .map((points) => ({ points }));

export const anySignedParameters: Arbitrary<SignedParameters> = fc.record(
  {
    parameters: fc.record(
      {
        version: fc.integer({ min: 1, max: MAXIMUM_PARAMETER_VERSIONS }),
        region: anyRegion,
        effectiveFromSeconds: anySeconds,
        intervalSeconds: anyPositiveSeconds,
        slotSeconds: anyPositiveSeconds,
        graceSeconds: anySeconds,
        epochOriginSeconds: anySeconds,
        epochSeconds: anyPositiveSeconds,
        categoriesMilliWattHours: fc.array(anyAmount, { maxLength: 5 }),
        kAnonymity: fc.integer({ min: 2, max: MAXIMUM_METERS }),
        rowsPerPage: fc.constant(ROWS_PER_PAGE),
        rowsPerPacket: fc.integer({ min: 1, max: 3 }),
        registryDepth: fc.nat(20),
        identityMode: fc.constantFrom(...IDENTITY_MODES),
        priceMode: fc.constantFrom(...PRICE_MODES),
        onion: fc.record(
          {
            layers: fc.integer({ min: 1, max: 8 }),
            meanDelayMilliseconds: fc.nat(60_000),
            maximumDelayMeans: fc.integer({ min: 1, max: 100 }),
            offsetWindowSeconds: anySeconds,
          },
          { noNullPrototype: true },
        ),
        tariff: anyTariff,
        tariffSignature: anyBytes(64),
        controlCenter: fc.record(
          { mspId: anyMspId, publicKey: anyBytes(32), signaturePublicKey: anyBytes(32) },
          { noNullPrototype: true },
        ),
        serviceProvider: fc.record(
          {
            mspId: anyMspId,
            identity: anyBytes(32),
            signaturePublicKey: anyBytes(32),
            pricePseudonymCommitment: anyBytes(32),
          },
          { noNullPrototype: true },
        ),
        demo: fc.boolean(),
        previous: anyBytes(32),
      },
      { noNullPrototype: true },
    ),
    signature: anyBytes(64),
  },
  { noNullPrototype: true },
);
