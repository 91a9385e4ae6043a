// SPDX-License-Identifier: Apache-2.0
import type { Context } from 'fabric-contract-api';
import type { ProvidedKind } from '../../protocol/ledger/row.js';
import type { IntervalContext } from '../../protocol/rules/interval-context.js';
import { Refusal } from './refusal.js';

/**
 * The control center is the organisation whose peers run this chaincode: the endorsement policy admits no other peer,
 * so no parameter has to name it before the first parameters are committed.
 *
 * @throws Refusal `WRONG_MSP`
 */
export function requireControlCenter(ctx: Context): void {
  requireCaller(ctx, controlCenterMsp(ctx), 'control center');
}

/** The MSP of the peer that runs this chaincode. @throws Refusal `INTERNAL` when its process was not told */
export function controlCenterMsp(ctx: Context): string {
  try {
    return ctx.stub.getMspID();
  } catch (cause) {
    throw new Refusal('INTERNAL', 'CORE_PEER_LOCALMSPID is not set in the chaincode process', { cause });
  }
}

/** The interval's service provider on this ledger. @throws Refusal `WRONG_MSP` */
export function requireServiceProvider(ctx: Context, kind: ProvidedKind, { serviceProviders }: IntervalContext): void {
  requireCaller(ctx, serviceProviders[kind].mspId, 'service provider');
}

function requireCaller(ctx: Context, mspId: string, party: string): void {
  if (ctx.clientIdentity.getMSPID() !== mspId) {
    throw new Refusal('WRONG_MSP', `only the ${party} may submit this transaction`);
  }
}
