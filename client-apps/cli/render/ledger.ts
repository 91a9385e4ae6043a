// SPDX-License-Identifier: Apache-2.0
import type { LedgerStatus } from '../../../network/embedded/ledger-node.js';
import { pairs, type Result } from '../output.js';

/** Endpoints, channels and chaincodes; a chaincode whose server has not registered is a failure. */
export function statusResult(status: LedgerStatus): Result {
  const { endpoints, channels, chaincodes } = status;
  return {
    ok: chaincodes.every(({ chaincodeId }) => chaincodeId !== undefined),
    data: { ...status },
    text: pairs([
      ...Object.entries(endpoints),
      ...channels.map(({ name, height }) => [`channel ${name}`, `height ${height}`] as const),
      ...chaincodes.map(({ name, channel, version, address, chaincodeId }) => {
        const state = chaincodeId === undefined ? 'DOES NOT ANSWER' : 'running';
        return [`chaincode ${name}`, `${version} on ${channel}, server ${address}, ${state}`] as const;
      }),
    ]),
  };
}
