// SPDX-License-Identifier: Apache-2.0
import type { Context } from 'fabric-contract-api';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { parseInteger } from '../../protocol/ledger/canonical-json.js';
import { MAXIMUM_PARAMETER_VERSIONS, MAXIMUM_PARAMETERS_BYTES } from '../../protocol/ledger/limits.js';
import type { Parameters } from '../../protocol/ledger/parameters.js';
import { decodeSignedParameters } from '../../protocol/ledger/parameters-json.js';
import { checkParameters } from '../../protocol/rules/check-parameters.js';
import { isInForce } from '../../protocol/schedule/versions.js';
import { jsonArgument, regionArgument, versionArgument } from '../common/arguments.js';
import { controlCenterMsp, requireControlCenter } from '../common/caller.js';
import { Refusal } from '../common/refusal.js';
import { anyKey, asText, emit, readState, requireState, isCommitted } from '../common/state.js';
import { endOfKeys, stateKey } from '../common/state-keys.js';

/**
 * The transaction `PutParameters`: the next version of a region's parameters.
 *
 * @throws Refusal `WRONG_MSP`, `BAD_ARGUMENT`, `CONFLICT`, `NOT_EFFECTIVE`; ProtocolError as `checkParameters`
 */
export async function putParameters(ctx: Context, json: string): Promise<void> {
  requireControlCenter(ctx);
  const bytes = jsonArgument(json, MAXIMUM_PARAMETERS_BYTES);
  const signed = decodeSignedParameters(bytes);
  const { region, version, effectiveFromSeconds, controlCenter } = signed.parameters;
  const key = stateKey.parameters(region, version);
  if (await isCommitted(ctx, key, bytes, 'version with this number')) {
    return;
  }
  checkParameters(sodiumCrypto, signed, await readVersion(ctx, region, version - 1));
  if (controlCenter.mspId !== controlCenterMsp(ctx)) {
    throw new Refusal('WRONG_MSP', "the parameters name another organisation than this peer's as control center");
  }
  await requireNoHeaderFrom(ctx, region, effectiveFromSeconds);
  await ctx.stub.putState(key, bytes);
  await ctx.stub.putState(stateKey.latestParameters(region), new TextEncoder().encode(String(version)));
  emit(ctx, 'PutParameters', { region, version });
}

/** The query `GetParameters` of one version or of `latest`. @throws Refusal `BAD_ARGUMENT`, `NOT_FOUND` */
export async function getParameters(ctx: Context, region: string, version: string): Promise<string> {
  const checked = regionArgument(region);
  const number = version === 'latest' ? await requireLatest(ctx, checked) : versionArgument(version);
  return asText(await requireState(ctx, stateKey.parameters(checked, number), 'such version of the parameters'));
}

/**
 * The version that is in force at a second; the first one for what is before it, such as the start of the epoch in
 * which a region begins.
 *
 * @throws Refusal `NOT_FOUND` when the region has no parameters
 */
export async function parametersInForce(ctx: Context, region: string, atSeconds: number): Promise<Parameters> {
  let version = await requireLatest(ctx, region);
  for (;;) {
    const parameters = await requireVersion(ctx, region, version);
    if (isInForce(parameters, atSeconds)) {
      return parameters;
    }
    version--;
  }
}

/** A version that is known to exist. @throws Refusal `NOT_FOUND` */
export async function requireVersion(ctx: Context, region: string, version: number): Promise<Parameters> {
  const parameters = await readVersion(ctx, region, version);
  if (parameters === undefined) {
    throw new Refusal('NOT_FOUND', `there is no version ${version} of the parameters`);
  }
  return parameters;
}

/**
 * New parameters must not apply to an interval that has a header, sealed or not: it was checked under those in force
 * then.
 */
async function requireNoHeaderFrom(ctx: Context, region: string, seconds: number): Promise<void> {
  if (await anyKey(ctx, stateKey.header(region, seconds), endOfKeys.headers(region))) {
    throw new Refusal('NOT_EFFECTIVE', 'effective only from an interval that has no header yet');
  }
}

async function readVersion(ctx: Context, region: string, version: number): Promise<Parameters | undefined> {
  const bytes = await readState(ctx, stateKey.parameters(region, version));
  return bytes && decodeSignedParameters(bytes).parameters;
}

async function requireLatest(ctx: Context, region: string): Promise<number> {
  const latest = await requireState(ctx, stateKey.latestParameters(region), 'version of the parameters');
  return parseInteger(asText(latest), 1, MAXIMUM_PARAMETER_VERSIONS);
}
