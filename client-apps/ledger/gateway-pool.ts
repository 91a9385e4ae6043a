// SPDX-License-Identifier: Apache-2.0
import { Client, credentials } from '@grpc/grpc-js';
import { connect, hash, type Gateway } from '@hyperledger/fabric-gateway';
import type { Credentials, GatewayEndpoint } from './connection-profile.js';
import { diagnose } from './ledger-error.js';
import { lowSSigner } from './signer.js';

/** A block of pages can exceed grpc-js's 4 MB; Fabric itself allows messages of 100 MiB. */
const MAXIMUM_MESSAGE_BYTES = 100 * 1024 * 1024;

/** Time for one answer, in milliseconds. Endorsing includes the chaincode's run, committing a block's time-out. */
export const DEADLINE_MILLISECONDS = {
  evaluate: 30_000,
  endorse: 30_000,
  submit: 10_000,
  commitStatus: 60_000,
} as const;

interface Connection {
  readonly address: string;
  readonly client: Client;
  readonly gateway: Gateway;
}

/**
 * The gateways of an organisation's peers, for one identity. All requests go to one of them, and after a failure to
 * the next. There is no return to the first: all peers of the organisation are equivalent.
 */
export class GatewayPool {
  readonly #connections: readonly Connection[];
  #index = 0;

  /** @param endpoints at least one */
  constructor(endpoints: readonly GatewayEndpoint[], identity: Credentials) {
    this.#connections = endpoints.map((endpoint) => openConnection(endpoint, identity));
  }

  /** The gateway that requests go to now. */
  get current(): Gateway {
    return this.#connections[this.#index]!.gateway;
  }

  /** `host:port` of that peer. */
  get address(): string {
    return this.#connections[this.#index]!.address;
  }

  /** Runs one attempt on the current gateway, and leaves that one if it was not reached or gave no answer. */
  async use<T>(attempt: (gateway: Gateway) => Promise<T>): Promise<T> {
    const gateway = this.current;
    try {
      return await attempt(gateway);
    } catch (thrown) {
      this.leave(gateway, thrown);
      throw thrown;
    }
  }

  /** Selects the next gateway if `thrown` can be this one's fault; concurrent failures advance by one only. */
  leave(gateway: Gateway, thrown: unknown): void {
    if (gateway === this.current && diagnose(thrown).error.code === 'UNAVAILABLE') {
      this.#index = (this.#index + 1) % this.#connections.length;
    }
  }

  close(): void {
    for (const { client, gateway } of this.#connections) {
      gateway.close();
      client.close();
    }
  }
}

function openConnection(endpoint: GatewayEndpoint, { mspId, certificate, privateKeyPem }: Credentials): Connection {
  const client = newGrpcClient(endpoint);
  const gateway = connect({
    client,
    identity: { mspId, credentials: certificate },
    signer: lowSSigner(privateKeyPem),
    hash: hash.none,
    evaluateOptions: () => ({ deadline: deadlineIn(DEADLINE_MILLISECONDS.evaluate) }),
    endorseOptions: () => ({ deadline: deadlineIn(DEADLINE_MILLISECONDS.endorse) }),
    submitOptions: () => ({ deadline: deadlineIn(DEADLINE_MILLISECONDS.submit) }),
    commitStatusOptions: () => ({ deadline: deadlineIn(DEADLINE_MILLISECONDS.commitStatus) }),
  });
  return { address: endpoint.address, client, gateway };
}

function newGrpcClient({ address, hostAlias, tlsRootCertificates }: GatewayEndpoint): Client {
  const channelCredentials =
    tlsRootCertificates === undefined
      ? credentials.createInsecure()
      : credentials.createSsl(Buffer.from(tlsRootCertificates));
  return new Client(address, channelCredentials, {
    'grpc.max_receive_message_length': MAXIMUM_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAXIMUM_MESSAGE_BYTES,
    // A ledger on the same machine is back in less than grpc-js's first pause of a second.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2_000,
    ...(hostAlias !== undefined && { 'grpc.ssl_target_name_override': hostAlias }),
  });
}

/** gRPC wants an instant of the machine's clock, not a duration. */
function deadlineIn(milliseconds: number): number {
  // eslint-disable-next-line no-restricted-properties -- a transport deadline, no party's time
  return Date.now() + milliseconds;
}
