// SPDX-License-Identifier: Apache-2.0
import type { Context } from 'fabric-contract-api';
import { toHex } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { type ConsumerList, decodeConsumerList } from '../../protocol/ledger/consumer-list.js';
import { decodeHeader, type Header } from '../../protocol/ledger/header.js';
import type { LedgerId } from '../../protocol/ledger/ledger-id.js';
import type { Parameters } from '../../protocol/ledger/parameters.js';
import { decodeSignedParameters } from '../../protocol/ledger/parameters-json.js';
import type { LedgerKind } from '../../protocol/ledger/row.js';
import { decodeSignedSeal, type Seal } from '../../protocol/ledger/seal.js';
import type { ServiceProviderParameters } from '../../protocol/ledger/service-provider.js';
import { decodeSignedSuccessor } from '../../protocol/ledger/successor.js';
import { sealedPrice } from '../../protocol/rules/check-price.js';
import { intervalContext, type IntervalContext } from '../../protocol/rules/interval-context.js';
import { Refusal } from './refusal.js';
import { readState } from './state.js';
import { stateKey } from './state-keys.js';

// Reads of other channels. The peer does not validate them at commit, so they name only what never changes once it
// is committed: seals, versions of the parameters, consumer lists, and headers and pages of sealed intervals; and the
// newest seal, where an older one refuses more.

/** The sealed ledger that another one is based on. */
export interface Basis {
  readonly seal: Seal;
  readonly context: IntervalContext;
}

/**
 * The seal of an interval on another channel, and the interval under the parameters that it binds.
 *
 * @param kind consumption for pricing, pricing for billing
 * @throws Refusal `NOT_YET_SEALED`: ask again later
 */
export async function readBasis(ctx: Context, kind: LedgerKind, ledgerId: LedgerId): Promise<Basis> {
  const { region, startSeconds } = ledgerId;
  const bytes = await query(ctx, kind, 'GetSeal', region, String(startSeconds));
  if (bytes === undefined) {
    throw new Refusal('NOT_YET_SEALED', `the interval is not sealed on ${kind}`);
  }
  const { seal } = decodeSignedSeal(bytes);
  const parameters = await readParameters(ctx, region, seal.parametersVersion);
  const serviceProvider = await serviceProviderInForce(ctx, parameters, startSeconds);
  // Each contract checks the signatures of its own ledger only.
  const serviceProviders = { pricing: serviceProvider, billing: serviceProvider };
  return { seal, context: intervalContext(sodiumCrypto, parameters, startSeconds, serviceProviders) };
}

/** The seal of the newest interval whose consumption is sealed. @throws Refusal `NOT_FOUND` */
export async function readNewestConsumption(ctx: Context, region: string): Promise<Seal> {
  return decodeSignedSeal(await requireQuery(ctx, 'GetLatestSeal', region)).seal;
}

/** The service provider that writes this ledger in an interval: the one of the parameters, or its successor here. */
async function serviceProviderInForce(
  ctx: Context,
  { region, serviceProvider }: Parameters,
  startSeconds: number,
): Promise<ServiceProviderParameters> {
  const bytes = await readState(ctx, stateKey.successor(region, toHex(serviceProvider.signaturePublicKey)));
  const successor = bytes && decodeSignedSuccessor(bytes).successor;
  return successor !== undefined && successor.fromSeconds <= startSeconds ? successor.serviceProvider : serviceProvider;
}

/** The consumption header of a sealed interval. @throws Refusal `NOT_FOUND` */
export async function readConsumptionHeader(ctx: Context, { region, startSeconds }: LedgerId): Promise<Header> {
  return decodeHeader(await requireQuery(ctx, 'GetHeader', region, String(startSeconds)));
}

/** A consumption page of a sealed interval. @throws Refusal `NOT_FOUND` */
export function readConsumptionPage(ctx: Context, ledgerId: LedgerId, page: number): Promise<Uint8Array> {
  return requireQuery(ctx, 'GetPageRows', ledgerId.region, String(ledgerId.startSeconds), String(page));
}

/** The consumer list of an epoch, in price mode `direct`. @throws Refusal `NOT_FOUND` */
export async function readConsumers(ctx: Context, region: string, epoch: number): Promise<ConsumerList> {
  return decodeConsumerList(await requireQuery(ctx, 'GetConsumers', region, String(epoch))).list;
}

/**
 * p_j of an interval whose prices are sealed: the sealed price, or where the ledger does not judge prices the one that
 * the tariff gives for the sealed consumption.
 *
 * @throws Refusal `NOT_YET_SEALED`
 */
export async function readPrice(ctx: Context, { seal: pricing, context }: Basis): Promise<bigint> {
  if (context.parameters.priceMode === 'ledger') {
    return pricing.total;
  }
  const consumption = await readBasis(ctx, 'consumption', context.ledgerId);
  return sealedPrice(context, consumption.seal);
}

async function readParameters(ctx: Context, region: string, version: number): Promise<Parameters> {
  return decodeSignedParameters(await requireQuery(ctx, 'GetParameters', region, String(version))).parameters;
}

async function requireQuery(ctx: Context, transaction: string, ...args: string[]): Promise<Uint8Array> {
  const bytes = await query(ctx, 'consumption', transaction, ...args);
  if (bytes === undefined) {
    throw new Refusal('NOT_FOUND', `consumption has nothing for ${transaction}`);
  }
  return bytes;
}

/**
 * Evaluates a query on another channel, where the contract has the channel's name; undefined for `NOT_FOUND`.
 *
 * @throws Refusal `INTERNAL` when this peer or the caller cannot read that channel
 */
async function query(
  ctx: Context,
  channel: LedgerKind,
  transaction: string,
  ...args: string[]
): Promise<Uint8Array | undefined> {
  const failed = (cause?: unknown): Refusal =>
    new Refusal('INTERNAL', `${transaction} on ${channel} failed`, { cause });
  const response = await ctx.stub.invokeChaincode(channel, [transaction, ...args], channel).catch((cause: unknown) => {
    throw failed(cause);
  });
  if (response.status === 200) {
    return response.payload;
  }
  if (response.message?.startsWith('NOT_FOUND:')) {
    return undefined;
  }
  throw failed();
}
