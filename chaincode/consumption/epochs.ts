// SPDX-License-Identifier: Apache-2.0
import type { Context } from 'fabric-contract-api';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { decodeConsumerList } from '../../protocol/ledger/consumer-list.js';
import { epochStartSeconds } from '../../protocol/schedule/epochs.js';
import { MAXIMUM_CONSUMER_LIST_BYTES, MAXIMUM_REGISTRY_ROOT_BYTES } from '../../protocol/ledger/limits.js';
import type { Parameters } from '../../protocol/ledger/parameters.js';
import { decodeRegistryRoot, type RegistryRoot } from '../../protocol/ledger/registry-root.js';
import { checkDirectory } from '../../protocol/onion/directory.js';
import {
  decodeSignedDirectory,
  type Directory,
  MAXIMUM_DIRECTORY_BYTES,
} from '../../protocol/onion/directory-format.js';
import { checkConsumerList } from '../../protocol/rules/check-consumers.js';
import { checkRegistryRoot } from '../../protocol/rules/check-parameters.js';
import { epochArgument, jsonArgument, regionArgument } from '../common/arguments.js';
import { requireControlCenter } from '../common/caller.js';
import { Refusal } from '../common/refusal.js';
import { anyKey, asText, emit, readState, requireState, isCommitted } from '../common/state.js';
import { endOfKeys, stateKey } from '../common/state-keys.js';
import { parametersInForce, requireVersion } from './parameters.js';

/**
 * The transaction `PutRegistryRoot`: one root per epoch, epoch after epoch, whether anything changed or not.
 *
 * @throws Refusal `WRONG_MSP`, `BAD_ARGUMENT`, `CONFLICT`, `NOT_FOUND` without parameters,
 *   `REGISTRY_INVALID` when an epoch is skipped; ProtocolError as `checkRegistryRoot`
 */
export async function putRegistryRoot(ctx: Context, json: string): Promise<void> {
  requireControlCenter(ctx);
  const bytes = jsonArgument(json, MAXIMUM_REGISTRY_ROOT_BYTES);
  const signed = decodeRegistryRoot(bytes);
  const { region, epoch, effectiveFromSeconds } = signed.registryRoot;
  const key = stateKey.registryRoot(region, epoch);
  if (await isCommitted(ctx, key, bytes, 'registry root of this epoch')) {
    return;
  }
  checkRegistryRoot(sodiumCrypto, signed, await parametersInForce(ctx, region, effectiveFromSeconds));
  await requireEpochBefore(ctx, region, epoch);
  await ctx.stub.putState(key, bytes);
  emit(ctx, 'PutRegistryRoot', { region, epoch });
}

/**
 * The transaction `PutDirectory`: the relays of an epoch.
 *
 * @throws Refusal `WRONG_MSP`, `BAD_ARGUMENT`, `CONFLICT`, `NOT_FOUND` without parameters; ProtocolError as
 *   `checkDirectory`
 */
export async function putDirectory(ctx: Context, json: string): Promise<void> {
  requireControlCenter(ctx);
  const bytes = jsonArgument(json, MAXIMUM_DIRECTORY_BYTES);
  const signed = decodeSignedDirectory(bytes);
  const { region, epoch } = signed.directory;
  const key = stateKey.directory(region, epoch);
  if (await isCommitted(ctx, key, bytes, 'directory of this epoch')) {
    return;
  }
  const parameters = await parametersOfEpoch(ctx, region, epoch);
  checkDirectory(sodiumCrypto, signed, {
    region,
    epoch,
    layers: parameters.onion.layers,
    timing: parameters,
    signaturePublicKey: parameters.controlCenter.signaturePublicKey,
  });
  await ctx.stub.putState(key, bytes);
  emit(ctx, 'PutDirectory', { region, epoch });
}

/**
 * The transaction `PutConsumers`, in price mode `direct`: the consumers to whom the service provider sends an epoch's
 * prices.
 *
 * @throws Refusal `WRONG_MSP`, `BAD_ARGUMENT`, `CONFLICT`, `NOT_FOUND` without parameters; ProtocolError as
 *   `checkConsumerList`
 */
export async function putConsumers(ctx: Context, json: string): Promise<void> {
  requireControlCenter(ctx);
  const bytes = jsonArgument(json, MAXIMUM_CONSUMER_LIST_BYTES);
  const signed = decodeConsumerList(bytes);
  const { region, epoch } = signed.list;
  const key = stateKey.consumers(region, epoch);
  if (await isCommitted(ctx, key, bytes, 'consumer list of this epoch')) {
    return;
  }
  checkConsumerList(sodiumCrypto, signed, epoch, await parametersOfEpoch(ctx, region, epoch));
  await ctx.stub.putState(key, bytes);
  emit(ctx, 'PutConsumers', { region, epoch });
}

/** The query `GetRegistryRoot`. @throws Refusal `BAD_ARGUMENT`, `NOT_FOUND` */
export async function getRegistryRoot(ctx: Context, region: string, epoch: string): Promise<string> {
  const key = stateKey.registryRoot(regionArgument(region), epochArgument(epoch));
  return asText(await requireState(ctx, key, 'registry root of this epoch'));
}

/** The query `GetDirectory`. @throws Refusal `BAD_ARGUMENT`, `NOT_FOUND` */
export async function getDirectory(ctx: Context, region: string, epoch: string): Promise<string> {
  const key = stateKey.directory(regionArgument(region), epochArgument(epoch));
  return asText(await requireState(ctx, key, 'directory of this epoch'));
}

/** The query `GetConsumers`. @throws Refusal `BAD_ARGUMENT`, `NOT_FOUND` */
export async function getConsumers(ctx: Context, region: string, epoch: string): Promise<string> {
  const key = stateKey.consumers(regionArgument(region), epochArgument(epoch));
  return asText(await requireState(ctx, key, 'consumer list of this epoch'));
}

/** @throws Refusal `NOT_FOUND` */
export async function requireRegistryRoot(ctx: Context, region: string, epoch: number): Promise<RegistryRoot> {
  const bytes = await requireState(ctx, stateKey.registryRoot(region, epoch), `registry root of epoch ${epoch}`);
  return decodeRegistryRoot(bytes).registryRoot;
}

/** @throws Refusal `NOT_FOUND` */
export async function requireDirectory(ctx: Context, region: string, epoch: number): Promise<Directory> {
  const bytes = await requireState(ctx, stateKey.directory(region, epoch), `directory of epoch ${epoch}`);
  return decodeSignedDirectory(bytes).directory;
}

/** The version in force when an epoch begins. @throws Refusal `NOT_FOUND` */
async function parametersOfEpoch(ctx: Context, region: string, epoch: number): Promise<Parameters> {
  const first = await requireVersion(ctx, region, 1);
  return parametersInForce(ctx, region, epochStartSeconds(first, epoch));
}

/**
 * A region begins with any epoch and then skips none. As a header needs the root of its epoch, no header can exist in
 * an epoch whose root is still to come: a root never applies retroactively.
 */
async function requireEpochBefore(ctx: Context, region: string, epoch: number): Promise<void> {
  if (epoch > 0 && (await readState(ctx, stateKey.registryRoot(region, epoch - 1))) !== undefined) {
    return;
  }
  if (await anyKey(ctx, stateKey.registryRoot(region, 0), endOfKeys.registryRoots(region))) {
    throw new Refusal('REGISTRY_INVALID', 'the epoch before has no registry root');
  }
}
