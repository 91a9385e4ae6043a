// SPDX-License-Identifier: Apache-2.0
import type { LedgerIdentity } from './connection-profile.js';
import { connectLedger } from './fabric-client.js';
import { LedgerError } from './ledger-error.js';
import { DEFAULT_PATIENCE } from './patience.js';

/** One organisation's way to the ledger: its own gateway peer, with an identity of its own. */
export interface Organization {
  readonly profile: string;
  readonly identity: LedgerIdentity;
}

/** The answer of one chaincode through one organisation's gateway. */
export interface ChaincodeAnswer {
  readonly chaincode: string;
  readonly mspId: string;
  /** Absent when it answered as expected. */
  readonly fault?: { readonly code: string; readonly message: string };
}

/** The transaction with which every contract of Fabric's contract API describes itself. */
const METADATA = 'org.hyperledger.fabric:GetMetadata';

/** Longer than a peer's dial time-out for a chaincode server (10 s) and than the first round of discovery. */
const PATIENCE = { ...DEFAULT_PATIENCE, totalMilliseconds: 20_000 };

/**
 * Asks every chaincode for its metadata through the gateway of every organisation. A committed definition shows neither
 * that its server can be reached nor that another organisation's gateway finds a peer which runs it (anchor peers).
 *
 * @param chaincodes names, each also that of its channel, with the contract that is expected there
 * @param controlCenterMspId whose peers run the chaincodes
 */
export async function askChaincodes(
  organizations: readonly Organization[],
  chaincodes: readonly { readonly name: string; readonly contract: string }[],
  controlCenterMspId: string,
): Promise<ChaincodeAnswer[]> {
  const answers = organizations.map(async ({ profile, identity }) => {
    const client = connectLedger(profile, identity, { controlCenterMspId, patience: PATIENCE });
    const ask = async ({ name, contract }: { name: string; contract: string }): Promise<ChaincodeAnswer> => {
      const answer = { chaincode: name, mspId: identity.mspId };
      try {
        const found = contractsOf(await client.evaluate(name, METADATA));
        if (found.includes(contract)) {
          return answer;
        }
        const message = `channel ${name}: expected contract ${contract}, found ${found.join(', ') || 'none'}`;
        return { ...answer, fault: { code: 'OTHER_CHAINCODE', message } };
      } catch (error) {
        if (!(error instanceof LedgerError)) {
          throw error;
        }
        return { ...answer, fault: { code: error.code, message: error.message } };
      }
    };
    try {
      return await Promise.all(chaincodes.map(ask));
    } finally {
      client.close();
    }
  });
  return (await Promise.all(answers)).flat();
}

function contractsOf(metadata: Uint8Array): string[] {
  try {
    const { contracts } = JSON.parse(new TextDecoder().decode(metadata)) as { contracts?: object };
    return Object.keys(contracts ?? {});
  } catch {
    return [];
  }
}
