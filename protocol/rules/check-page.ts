// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../crypto/bytes.js';
import type { Crypto } from '../crypto/crypto.js';
import { ProtocolError } from '../errors.js';
import { pseudonymScheme } from '../identity/pseudonym.js';
import { registryLeaf, RegistryPathChecker } from '../identity/registry.js';
import type { RowWitness } from '../identity/witness.js';
import { type PageEntry, pageEntry, sameHistogram, splitRows } from '../ledger/page.js';
import type { RegistryRoot } from '../ledger/registry-root.js';
import { checkConsumptionRow, checkRowSecrets } from './check-row.js';
import { atPlace, type IntervalContext } from './interval-context.js';

/**
 * A page of any kind against its entry in the header: size, order, borders, sum, histogram and root.
 *
 * @throws ProtocolError `BAD_LENGTH`, `PAGE_SIZE`, `ROW_ORDER`, `DUPLICATE_ROW`, `PAGE_MISMATCH`
 */
export function checkPageEntry(crypto: Crypto, page: Uint8Array, entry: PageEntry): void {
  const found = pageEntry(crypto, page);
  const matches =
    found.count === entry.count &&
    found.sum === entry.sum &&
    sameHistogram(found.histogram, entry.histogram) &&
    equalBytes(found.first, entry.first) &&
    equalBytes(found.last, entry.last) &&
    equalBytes(found.root, entry.root);
  if (!matches) {
    throw new ProtocolError('PAGE_MISMATCH', 'page is not the one that the header announced');
  }
}

/** What a consumption page is checked against. */
export interface PageBasis {
  /** Of the header. */
  readonly entry: PageEntry;
  /** One per row, in row order. */
  readonly witnesses: readonly RowWitness[];
  /** Of the interval's epoch. */
  readonly registryRoot: RegistryRoot;
}

/**
 * All that CC's peers check of a consumption page: its entry, and for every row type, ledger, T, category, pseudonym,
 * one-time key, signature, and that its meter is registered in the epoch.
 *
 * @param page at most 500 rows of 177 bytes
 * @throws ProtocolError as {@link checkPageEntry} and the row checks; `BAD_LENGTH` when rows and witnesses differ in
 *   number, `REGISTRY_INVALID` for another epoch's root, `UNREGISTERED`
 */
export function checkConsumptionPage(
  crypto: Crypto,
  page: Uint8Array,
  context: IntervalContext,
  { entry, witnesses, registryRoot }: PageBasis,
): void {
  if (registryRoot.epoch !== context.registryEpoch || registryRoot.region !== context.ledgerId.region) {
    throw new ProtocolError('REGISTRY_INVALID', 'registry root is of another epoch or region');
  }
  checkPageEntry(crypto, page, entry);
  const rows = splitRows(page);
  if (witnesses.length !== rows.length) {
    throw new ProtocolError('BAD_LENGTH', 'expected one witness for each row');
  }
  const scheme = pseudonymScheme(context.parameters.identityMode);
  const registry = new RegistryPathChecker(crypto, registryRoot.root, registryRoot.depth);
  rows.forEach((row, i) => {
    atPlace(`row ${i}`, () => {
      const witness = witnesses[i]!;
      checkConsumptionRow(row, context);
      const leaf = registryLeaf(crypto, witness.identity, witness.linkKey, witness.epochNode);
      if (!registry.check(leaf, witness.leafIndex, witness.siblings)) {
        throw new ProtocolError('UNREGISTERED', 'meter is not in the registry of the epoch');
      }
      checkRowSecrets(crypto, scheme, row, witness);
    });
  });
}
