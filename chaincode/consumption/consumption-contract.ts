// SPDX-License-Identifier: Apache-2.0
import { Context, Info, Returns, Transaction } from 'fabric-contract-api';
import { concatBytes, wipe } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { MAXIMUM_REGISTRY_DEPTH } from '../../protocol/identity/registry.js';
import { decodeWitnesses, witnessLength } from '../../protocol/identity/witness.js';
import { encodeIndex, indexDigest } from '../../protocol/ledger/index-file.js';
import { ROWS_PER_PAGE } from '../../protocol/ledger/limits.js';
import { ROW_LENGTH } from '../../protocol/ledger/row.js';
import { directoryDigest } from '../../protocol/onion/directory-format.js';
import { checkHeader } from '../../protocol/rules/check-header.js';
import { checkConsumptionPage } from '../../protocol/rules/check-page.js';
import { consumptionSealContent } from '../../protocol/rules/check-seal.js';
import { intervalContext } from '../../protocol/rules/interval-context.js';
import { ledgerIdArgument, pageArgument, transientField } from '../common/arguments.js';
import { requireControlCenter } from '../common/caller.js';
import { isPageCommitted, putSeal, requireEntry, requirePages, writePage } from '../common/interval.js';
import { LedgerContract } from '../common/ledger-contract.js';
import { getHeader, getLatestSeal, getPage, getPageRows, getSeal } from '../common/queries.js';
import {
  getConsumers,
  getDirectory,
  getRegistryRoot,
  putConsumers,
  putDirectory,
  putRegistryRoot,
  requireDirectory,
  requireRegistryRoot,
} from './epochs.js';
import { headerArgument, isHeaderCommitted, markStarted, requireHeader, writeHeader } from './header.js';
import { getParameters, parametersInForce, putParameters, requireVersion } from './parameters.js';

const MAXIMUM_WITNESSES_BYTES = ROWS_PER_PAGE * witnessLength(MAXIMUM_REGISTRY_DEPTH);

/**
 * The paper's ledger OCD: what the meters of a region used, and what all three ledgers are checked against
 * (parameters, registry roots, relay directories). Only the control center writes.
 */
@Info({ title: 'ConsumptionContract', description: 'Anonymous consumption rows, parameters, registry roots' })
export class ConsumptionContract extends LedgerContract {
  constructor() {
    super('ConsumptionContract', 'consumption');
  }

  /** Enacts the next version of the parameters, signed by the control center, its tariff by the service provider. */
  @Transaction()
  async PutParameters(ctx: Context, parametersJson: string): Promise<void> {
    await putParameters(ctx, parametersJson);
  }

  /** Publishes the root over the meters that are registered in an epoch. */
  @Transaction()
  async PutRegistryRoot(ctx: Context, registryRootJson: string): Promise<void> {
    await putRegistryRoot(ctx, registryRootJson);
  }

  /** Publishes the relays of an epoch. */
  @Transaction()
  async PutDirectory(ctx: Context, directoryJson: string): Promise<void> {
    await putDirectory(ctx, directoryJson);
  }

  /** Publishes the consumers of an epoch to whom the service provider sends prices, where each gets its own. */
  @Transaction()
  async PutConsumers(ctx: Context, consumersJson: string): Promise<void> {
    await putConsumers(ctx, consumersJson);
  }

  /** Announces the pages of an interval; no category below k rows is announced, so none is ever published. */
  @Transaction()
  async PutHeader(ctx: Context, headerJson: string): Promise<void> {
    requireControlCenter(ctx);
    const argument = headerArgument(headerJson);
    const { header } = argument;
    const { region, startSeconds } = header.ledgerId;
    if (await isHeaderCommitted(ctx, argument)) {
      return;
    }
    const parameters = await parametersInForce(ctx, region, startSeconds);
    const context = intervalContext(sodiumCrypto, parameters, startSeconds);
    checkHeader(header, context);
    await requireRegistryRoot(ctx, region, context.registryEpoch);
    await writeHeader(ctx, argument);
  }

  /**
   * Writes a page. Transient: `rows`, and `witnesses`, from which each row's pseudonym, key and signature are made
   * again and its meter's place in the registry is proven.
   */
  @Transaction()
  async PutPage(ctx: Context, region: string, startSeconds: string, page: string): Promise<void> {
    requireControlCenter(ctx);
    const witnesses = transientField(ctx, 'witnesses', MAXIMUM_WITNESSES_BYTES);
    try {
      const rows = transientField(ctx, 'rows', ROWS_PER_PAGE * ROW_LENGTH);
      const ledgerId = ledgerIdArgument(region, startSeconds);
      const number = pageArgument(page);
      if (await isPageCommitted(ctx, ledgerId, number, rows)) {
        return;
      }
      const header = await requireHeader(ctx, ledgerId);
      const entry = requireEntry(header, number);
      const parameters = await requireVersion(ctx, region, header.parametersVersion);
      const registryRoot = await requireRegistryRoot(ctx, region, header.registryEpoch);
      const context = intervalContext(sodiumCrypto, parameters, ledgerId.startSeconds);
      const decoded = decodeWitnesses(witnesses, entry.count, registryRoot.depth);
      checkConsumptionPage(sodiumCrypto, rows, entry, context, decoded, registryRoot);
      await writePage(ctx, header, number, rows);
      await markStarted(ctx, ledgerId);
    } finally {
      wipe(witnesses);
    }
  }

  /** Seals an interval whose pages are all committed. */
  @Transaction()
  async PutSeal(ctx: Context, sealJson: string): Promise<void> {
    await putSeal(ctx, sealJson, async (sealed) => {
      const header = await requireHeader(ctx, sealed);
      const pages = await requirePages(ctx, header);
      const { ledgerId, parametersVersion, registryEpoch } = header;
      const parameters = await requireVersion(ctx, ledgerId.region, parametersVersion);
      const registryRoot = await requireRegistryRoot(ctx, ledgerId.region, registryEpoch);
      const directory = await requireDirectory(ctx, ledgerId.region, registryEpoch);
      const context = intervalContext(sodiumCrypto, parameters, ledgerId.startSeconds);
      const index = encodeIndex(concatBytes(...pages), parameters.categoriesMilliWattHours);
      const content = consumptionSealContent(sodiumCrypto, context, header, {
        registryRoot: registryRoot.root,
        registeredMeters: registryRoot.meters,
        directoryDigest: directoryDigest(sodiumCrypto, directory),
        indexDigest: indexDigest(sodiumCrypto, index),
      });
      return { context, content };
    });
  }

  /** One version of the parameters, by number or `latest`. */
  @Transaction(false)
  @Returns('string')
  GetParameters(ctx: Context, region: string, version: string): Promise<string> {
    return getParameters(ctx, region, version);
  }

  /** The registry root of an epoch. */
  @Transaction(false)
  @Returns('string')
  GetRegistryRoot(ctx: Context, region: string, epoch: string): Promise<string> {
    return getRegistryRoot(ctx, region, epoch);
  }

  /** The relay directory of an epoch. */
  @Transaction(false)
  @Returns('string')
  GetDirectory(ctx: Context, region: string, epoch: string): Promise<string> {
    return getDirectory(ctx, region, epoch);
  }

  /** The consumer list of an epoch. */
  @Transaction(false)
  @Returns('string')
  GetConsumers(ctx: Context, region: string, epoch: string): Promise<string> {
    return getConsumers(ctx, region, epoch);
  }

  /** The header of an interval. */
  @Transaction(false)
  @Returns('string')
  GetHeader(ctx: Context, region: string, startSeconds: string): Promise<string> {
    return getHeader(ctx, region, startSeconds);
  }

  /** A page, field by field. */
  @Transaction(false)
  @Returns('string')
  GetPage(ctx: Context, region: string, startSeconds: string, page: string): Promise<string> {
    return getPage(ctx, 'consumption', region, startSeconds, page);
  }

  /** A page as raw rows of 177 bytes. */
  @Transaction(false)
  GetPageRows(ctx: Context, region: string, startSeconds: string, page: string): Promise<Uint8Array> {
    return getPageRows(ctx, region, startSeconds, page);
  }

  /** The signed seal of an interval. */
  @Transaction(false)
  @Returns('string')
  GetSeal(ctx: Context, region: string, startSeconds: string): Promise<string> {
    return getSeal(ctx, region, startSeconds);
  }

  /** The signed seal of the newest sealed interval. */
  @Transaction(false)
  @Returns('string')
  GetLatestSeal(ctx: Context, region: string): Promise<string> {
    return getLatestSeal(ctx, region);
  }
}
