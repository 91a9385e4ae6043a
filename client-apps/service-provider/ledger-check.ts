// SPDX-License-Identifier: Apache-2.0
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { ProtocolError } from '../../protocol/errors.js';
import { encodeSealsFile, INDEX_FILE, ROWS_FILE, SEALS_FILE } from '../../protocol/ledger/bulletin.js';
import { encodeIndex } from '../../protocol/ledger/index-file.js';
import { type ConsumerList, decodeConsumerList } from '../../protocol/ledger/consumer-list.js';
import { previousStart } from '../../protocol/schedule/intervals.js';
import { parametersOfEpoch } from '../../protocol/schedule/versions.js';
import type { SignedParameters } from '../../protocol/ledger/parameters.js';
import type { LedgerKind } from '../../protocol/ledger/row.js';
import type { Seal, SignedSeal } from '../../protocol/ledger/seal.js';
import { decodeSignedDirectory, directoryDigest } from '../../protocol/onion/directory-format.js';
import { checkConsumerList } from '../../protocol/rules/check-consumers.js';
import type { IntervalContext } from '../../protocol/rules/interval-context.js';
import { verifyInterval } from '../../protocol/rules/verify-interval.js';
import type { RegionLedger, CommittedLedger } from '../ledger/region-ledger.js';

/** Reading of the ledger without trust in its peers: each function checks what it reads. */

/**
 * A sealed consumption ledger, checked in full: seal, chain, header, pages, categories, every row's signature.
 *
 * @param sealed the committed seal
 * @throws ProtocolError of the first fault
 */
export async function readConsumption(
  ledger: RegionLedger,
  context: IntervalContext,
  parameters: readonly SignedParameters[],
  sealed: SignedSeal,
): Promise<CommittedLedger> {
  const { ledgerId, registryEpoch } = context;
  const committed = await ledger.committed(ledgerId.startSeconds);
  if (committed === undefined) {
    throw new ProtocolError('PAGE_MISMATCH', 'a sealed interval lacks its header or a page');
  }
  const directory = await ledger.directory(registryEpoch);
  if (directory === undefined) {
    throw new ProtocolError('DIRECTORY_INVALID', 'the epoch has no directory');
  }
  const files = new Map([
    [SEALS_FILE, encodeSealsFile({ consumption: { header: committed.header, ...sealed } })],
    [INDEX_FILE, encodeIndex(committed.rows, context.parameters.categoriesMilliWattHours)],
    [ROWS_FILE.consumption, committed.rows],
  ]);
  const previous = await previousSeal(ledger, context, 'consumption');
  const trust = {
    parameters,
    previous: previous === undefined ? ('first' as const) : { consumption: previous },
    directoryDigest: directoryDigest(sodiumCrypto, decodeSignedDirectory(directory).directory),
  };
  verifyInterval(sodiumCrypto, ledgerId, files, { ...trust, depth: 'full' });
  return committed;
}

/**
 * The consumers that an epoch's prices go to, in price mode `direct`.
 *
 * @throws ProtocolError `CONSUMERS_INVALID` when there is no list, and as `checkConsumerList`
 */
export async function readConsumers(
  ledger: RegionLedger,
  { registryEpoch }: IntervalContext,
  list: readonly SignedParameters[],
): Promise<ConsumerList> {
  const bytes = await ledger.consumers(registryEpoch);
  if (bytes === undefined) {
    throw new ProtocolError('CONSUMERS_INVALID', 'the epoch has no consumer list');
  }
  const signed = decodeConsumerList(bytes);
  checkConsumerList(sodiumCrypto, signed, registryEpoch, parametersOfEpoch(list, registryEpoch));
  return signed.list;
}

/** The seal of the interval before; undefined for the first. */
export async function previousSeal(
  ledger: RegionLedger,
  { ledgerId, parameters }: IntervalContext,
  kind: LedgerKind,
): Promise<Seal | undefined> {
  return (await ledger.seal(kind, previousStart(parameters, ledgerId.startSeconds)))?.seal;
}
