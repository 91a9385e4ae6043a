// SPDX-License-Identifier: Apache-2.0
import { compareBytes, joinBytes } from '../../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../../protocol/crypto/sodium.js';
import { registryLeaf } from '../../../protocol/identity/registry.js';
import { encodeWitnesses, type RowWitness } from '../../../protocol/identity/witness.js';
import type { SealedLedger } from '../../../protocol/ledger/bulletin.js';
import { buildHeader } from '../../../protocol/ledger/header.js';
import { encodeIndex, indexDigest } from '../../../protocol/ledger/index-file.js';
import type { Parameters } from '../../../protocol/ledger/parameters.js';
import { rowPseudonym, rowValue } from '../../../protocol/ledger/row.js';
import { signSeal, type Seal } from '../../../protocol/ledger/seal.js';
import { checkHeader } from '../../../protocol/rules/check-header.js';
import { chainSeal, consumptionSealContent } from '../../../protocol/rules/check-seal.js';
import type { IntervalContext } from '../../../protocol/rules/interval-context.js';
import type { SigningKey } from '../../../protocol/crypto/crypto.js';
import type { Epoch } from '../epochs/epochs.js';
import type { AcceptedRow } from '../intake/accepted-packet.js';

/** A consumption ledger to publish, complete before any part of it is published. */
export interface Cut {
  readonly sealed: SealedLedger;
  /** Sorted rows, 177 bytes each. */
  readonly rows: Uint8Array;
  readonly index: Uint8Array;
  /** For the transient map, in row order. Secret. */
  readonly witnesses: Uint8Array;
  /** Rows suppressed because fewer than k meters have their category; their meters take the energy back. */
  readonly suppressed: number;
}

/**
 * The rows that may be published: those of categories that at least k distinct meters hold. (The chaincode, which may
 * store nothing per meter, can only count rows.)
 */
export function publishable(rows: readonly AcceptedRow[], parameters: Parameters): AcceptedRow[] {
  const holders = new Map<bigint, Set<number>>();
  for (const { row, meterNumber } of rows) {
    const value = rowValue(row);
    const meters = holders.get(value) ?? new Set<number>();
    holders.set(value, meters.add(meterNumber));
  }
  return rows.filter(({ row }) => holders.get(rowValue(row))!.size >= parameters.kAnonymity);
}

/** Inputs of a cut. */
export interface CutBasis {
  readonly epoch: Epoch;
  /** The consumption seal of the interval before, undefined for the first. */
  readonly previous: Seal | undefined;
  /** CC's, which signs the seal. */
  readonly key: SigningKey;
}

/**
 * Makes the cut of an interval. The same rows, epoch and chain give the same bytes.
 *
 * @param taken in any order
 */
export function makeCut(
  context: IntervalContext,
  taken: readonly AcceptedRow[],
  { epoch, previous, key }: CutBasis,
): Cut {
  const { parameters } = context;
  const published = publishable(taken, parameters).sort((a, b) =>
    compareBytes(rowPseudonym(a.row), rowPseudonym(b.row)),
  );
  const rows = joinBytes(published.map(({ row }) => row));
  const header = buildHeader(
    sodiumCrypto,
    {
      kind: 'consumption',
      ledgerId: context.ledgerId,
      parametersVersion: parameters.version,
      registryEpoch: epoch.number,
    },
    rows,
  );
  checkHeader(header, context);
  const index = encodeIndex(rows, parameters.categoriesMilliWattHours);
  const content = consumptionSealContent(sodiumCrypto, context, header, {
    registryRoot: epoch.root.registryRoot.root,
    registeredMeters: epoch.root.registryRoot.meters,
    directoryDigest: epoch.directoryDigest,
    indexDigest: indexDigest(sodiumCrypto, index),
  });
  const seal = chainSeal(sodiumCrypto, content, previous, context);
  return {
    sealed: { header, ...signSeal(sodiumCrypto, seal, key) },
    rows,
    index,
    witnesses: encodeWitnesses(witnessesOf(published, epoch), epoch.registry.depth),
    suppressed: taken.length - published.length,
  };
}

function witnessesOf(rows: readonly AcceptedRow[], epoch: Epoch): RowWitness[] {
  return rows.map(({ meterNumber, k, previous }) => {
    const { identity, linkKey, epochNode } = epoch.secrets.get(meterNumber)!;
    const path = epoch.registry.path(registryLeaf(sodiumCrypto, identity, linkKey, epochNode));
    return { meterNumber, identity, linkKey, epochNode, k, previous, leafIndex: path.index, siblings: path.siblings };
  });
}
