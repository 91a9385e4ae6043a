// SPDX-License-Identifier: Apache-2.0
import type { Identity } from '../identity/msp.js';
import { smallestSubset, type SignaturePolicy } from '../identity/policy.js';
import type { SigningIdentity } from '../identity/signing-identity.js';
import type { Channels } from './access.js';
import { SYSTEM_CHAINCODE } from './system-chaincode.js';

/** A peer of the topology. All of them are this process; each has its own key, port and TLS certificate. */
export interface LedgerPeer {
  /** Such as `peer0.cc.example.com`. */
  readonly name: string;
  readonly mspId: string;
  /** `host:port`; set when the peer listens. */
  address: string;
  readonly identity: Identity;
  readonly signer: SigningIdentity;
}

/** Which peers can run a chaincode, and which of them are to endorse: what discovery tells a gateway. */
export class PeerDirectory {
  readonly #peers: readonly LedgerPeer[];
  readonly #channels: Channels;

  constructor(peers: readonly LedgerPeer[], channels: Channels) {
    this.#peers = peers;
    this.#channels = channels;
  }

  /**
   * Peers with the chaincode: those that its endorsement policy counts on. The gateway's own peer comes first, then its
   * organisation's, then the others.
   */
  holders(channelName: string, chaincode: string, gateway: LedgerPeer): LedgerPeer[] {
    const channel = this.#channels.get(channelName);
    if (channel === undefined) {
      return [];
    }
    const policy = channel.rules.endorsementPolicy(chaincode);
    const distance = (peer: LedgerPeer): number => (peer === gateway ? 0 : peer.mspId === gateway.mspId ? 1 : 2);
    return this.#peers
      .filter(({ mspId }) => channel.rules.members.has(mspId))
      .filter(({ mspId }) => chaincode === SYSTEM_CHAINCODE || policy?.mentionsPeersOf(mspId) === true)
      .sort((a, b) => distance(a) - distance(b));
  }

  /** The fewest holders whose endorsements satisfy the policies of all chaincodes that a transaction touched. */
  endorsers(
    channelName: string,
    namespaces: readonly string[],
    holders: readonly LedgerPeer[],
  ): readonly LedgerPeer[] | undefined {
    const rules = this.#channels.get(channelName)?.rules;
    const policies = namespaces.map((namespace) => rules?.endorsementPolicy(namespace));
    return smallestSubset(holders, (subset) =>
      policies.every((policy: SignaturePolicy | undefined) =>
        policy?.isSatisfiedBy(subset.map(({ identity }) => identity)),
      ),
    );
  }
}
