// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import type { Transaction } from '@hyperledger/fabric-gateway';
import { common, gateway, msp, peer } from '@hyperledger/fabric-protos';
import { readCredentials, readGatewayEndpoints } from '../../../client-apps/ledger/connection-profile.js';
import type { TransientData } from '../../../client-apps/ledger/index.js';
import { GatewayPool } from '../../../client-apps/ledger/gateway-pool.js';
import { LedgerError, parseChaincodeRefusal } from '../../../client-apps/ledger/ledger-error.js';
import { DEFAULT_PATIENCE, persist } from '../../../client-apps/ledger/patience.js';
import { lowSSigner } from '../../../client-apps/ledger/signer.js';
import { ROLES } from './kind.js';
import type { LedgerUnderTest } from './ledger.js';

const PROCESS_PROPOSAL = '/protos.Endorser/ProcessProposal';

/** Invocation of the chaincode that has its channel's name. */
export interface Invocation {
  readonly channel: string;
  readonly transaction: string;
  readonly args: readonly string[];
  readonly transient?: TransientData;
}

/** Fabric's own client, which asks once: for what the project's client hides, such as conflicts and single steps. */
export function openGateway(ledger: LedgerUnderTest, mspId: string): GatewayPool {
  return new GatewayPool(readGatewayEndpoints(ledger.connectionProfile(mspId)), readCredentials(ledger.user(mspId)));
}

/** Has a transaction endorsed by one of the control center's peers, and submits nothing. */
export function endorse({ current }: GatewayPool, invocation: Invocation): Promise<Transaction> {
  const { channel, transaction, args, transient } = invocation;
  const options = {
    arguments: [...args],
    endorsingOrganizations: [ROLES.controlCenter],
    ...(transient !== undefined && { transientData: { ...transient } }),
  };
  return caughtUp(() => current.getNetwork(channel).getContract(channel).newProposal(transaction, options).endorse());
}

/** Asks again where a peer may be behind the one that reported the last commit. */
export function caughtUp<T>(attempt: () => Promise<T>): Promise<T> {
  return persist(attempt, DEFAULT_PATIENCE, new AbortController().signal);
}

/** Submits an endorsed transaction. @returns its validation code */
export async function commit(transaction: Transaction): Promise<number> {
  return (await (await transaction.submit()).getStatus()).code;
}

/** The certificate and key of a peer. @param peerName such as `peer0.sp.example.com` */
export interface PeerIdentity {
  readonly mspId: string;
  readonly certificate: Uint8Array;
  readonly privateKeyPem: string;
}

/** Reads a peer's own identity, which its operator holds. */
export function peerIdentity(ledger: LedgerUnderTest, mspId: string): PeerIdentity {
  const { domain, peers } = ledger.topology.organizations.find((candidate) => candidate.mspId === mspId)!;
  const folder = join(ledger.organizations, 'peerOrganizations', domain, 'peers', `${peers[0]!.name}.${domain}`, 'msp');
  const only = (name: string): Buffer => readFileSync(join(folder, name, readdirSync(join(folder, name))[0]!));
  return { mspId, certificate: only('signcerts'), privateKeyPem: only('keystore').toString() };
}

/** The same transaction, with the endorsement of another peer in place of its own. */
export async function endorsedInstead(
  { current }: GatewayPool,
  transaction: Transaction,
  { mspId, certificate, privateKeyPem }: PeerIdentity,
): Promise<Transaction> {
  const prepared = gateway.PreparedTransaction.deserializeBinary(transaction.getBytes());
  const envelope = prepared.getEnvelope()!;
  const payload = common.Payload.deserializeBinary(envelope.getPayload_asU8());
  const content = peer.Transaction.deserializeBinary(payload.getData_asU8());
  const [action] = content.getActionsList();
  const actionPayload = peer.ChaincodeActionPayload.deserializeBinary(action!.getPayload_asU8());
  const endorsed = actionPayload.getAction()!;

  const identity = new msp.SerializedIdentity();
  identity.setMspid(mspId);
  identity.setIdBytes(certificate);
  const endorsement = new peer.Endorsement();
  endorsement.setEndorser(identity.serializeBinary());
  const signed = Buffer.concat([endorsed.getProposalResponsePayload_asU8(), identity.serializeBinary()]);
  endorsement.setSignature(await lowSSigner(privateKeyPem)(signed));

  endorsed.setEndorsementsList([endorsement]);
  action!.setPayload(actionPayload.serializeBinary());
  payload.setData(content.serializeBinary());
  envelope.setPayload(payload.serializeBinary());
  return current.newTransaction(prepared.serializeBinary());
}

/**
 * Sends one proposal to each of the control center's peers by itself, without a gateway.
 * @returns the payloads that they endorse
 */
export function endorsedPayloads(ledger: LedgerUnderTest, invocation: Invocation): Promise<Uint8Array[]> {
  return caughtUp(async () => {
    const signed = await signedProposal(ledger, invocation);
    const payloads: Uint8Array[] = [];
    // One after the other: the embedded ledger's peers share a chaincode process, which knows a transaction only once.
    for (const endpoint of readGatewayEndpoints(ledger.connectionProfile(ROLES.controlCenter))) {
      const { address, hostAlias, tlsRootCertificates } = endpoint;
      const client = new Client(address, credentials.createSsl(Buffer.from(tlsRootCertificates!)), {
        'grpc.ssl_target_name_override': hostAlias!,
      });
      const response = await processProposal(client, signed);
      client.close();
      const text = response.getResponse()?.getMessage() ?? '';
      if (response.getPayload_asU8().length === 0 || text !== '') {
        const refusal = parseChaincodeRefusal(`chaincode response 500, ${text}`)!;
        throw new LedgerError(refusal.code, refusal.message);
      }
      payloads.push(response.getPayload_asU8());
    }
    return payloads;
  });
}

async function signedProposal(ledger: LedgerUnderTest, invocation: Invocation): Promise<peer.SignedProposal> {
  const { channel, transaction, args, transient } = invocation;
  const ring = openGateway(ledger, ROLES.controlCenter);
  const options = { arguments: [...args], ...(transient !== undefined && { transientData: { ...transient } }) };
  const proposal = ring.current.getNetwork(channel).getContract(channel).newProposal(transaction, options);
  ring.close();
  const signed = gateway.ProposedTransaction.deserializeBinary(proposal.getBytes()).getProposal()!;
  const { privateKeyPem } = readCredentials(ledger.user(ROLES.controlCenter));
  signed.setSignature(await lowSSigner(privateKeyPem)(signed.getProposalBytes_asU8()));
  return signed;
}

function processProposal(client: Client, signed: peer.SignedProposal): Promise<peer.ProposalResponse> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      PROCESS_PROPOSAL,
      (message: peer.SignedProposal) => Buffer.from(message.serializeBinary()),
      (bytes) => peer.ProposalResponse.deserializeBinary(bytes),
      signed,
      (error, response) => {
        if (error === null) {
          resolve(response!);
        } else {
          reject(error);
        }
      },
    );
  });
}
