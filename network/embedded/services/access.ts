// SPDX-License-Identifier: Apache-2.0
import { status as GrpcStatus } from '@grpc/grpc-js';
import type { Identity } from '../identity/msp.js';
import type { Channel } from '../ledger/channel.js';
import { memberIdentity } from '../ledger/transaction-check.js';
import { RpcError, type SignedRequest } from './rpc-error.js';

/** Channels that exist, by name. */
export type Channels = ReadonlyMap<string, Channel>;

/** Signed bytes, with the signer's identity. */
export interface SignedData {
  readonly identity: Uint8Array;
  readonly data: Uint8Array;
  readonly signature: Uint8Array;
}

/** Channel policies that requests are checked against: `ANY Readers`, `ANY Writers` of the member organisations. */
export type AccessPolicy = 'Readers' | 'Writers';

/**
 * Checks a request against a channel's policy.
 * @returns undefined if it is allowed, otherwise Fabric's text.
 */
export function accessDenied(
  channels: Channels,
  channelName: string,
  policy: AccessPolicy,
  { identity, data, signature }: SignedData,
): string | undefined {
  const channel = channels.get(channelName);
  if (channel === undefined) {
    return `Failed to get policy manager for channel [${channelName}]`;
  }
  const member = memberIdentity(identity, channel.rules);
  if (member !== undefined && satisfies(member, policy) && member.verify(data, signature)) {
    return undefined;
  }
  return policyFailure(channelName, policy);
}

/**
 * Requires that a reader of the channel signed the request.
 * @throws RpcError PERMISSION_DENIED
 */
export function requireReader(
  channels: Channels,
  request: { getChannelId(): string; getIdentity_asU8(): Uint8Array },
  signed: SignedRequest,
): void {
  const data = signed.getRequest_asU8();
  const signedData = { identity: request.getIdentity_asU8(), data, signature: signed.getSignature_asU8() };
  const denied = accessDenied(channels, request.getChannelId(), 'Readers', signedData);
  if (denied !== undefined) {
    throw new RpcError(GrpcStatus.PERMISSION_DENIED, denied);
  }
}

/** Fabric's text for a request that does not satisfy a channel's policy. */
export function policyFailure(channel: string, policy: AccessPolicy): string {
  const check = `check policy on channel [${channel}] with policy [/Channel/Application/${policy}]`;
  return `Failed evaluating policy on signed data during ${check}: [${implicitPolicyFailure(policy)}]`;
}

/** Fabric's text for an `ANY` policy that no signature satisfied. */
export function implicitPolicyFailure(policy: AccessPolicy): string {
  return `implicit policy evaluation failed - 0 sub-policies were satisfied, but this policy requires 1 of the '${policy}' sub-policies to be satisfied`;
}

/** Policies of the member organisations, the same as in block 0: peers read but do not write. */
export function satisfies(identity: Identity, policy: AccessPolicy): boolean {
  const roles = policy === 'Writers' ? (['client', 'admin'] as const) : (['client', 'admin', 'peer'] as const);
  return roles.some((role) => identity.satisfies(identity.mspId, role));
}
