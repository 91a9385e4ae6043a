// SPDX-License-Identifier: Apache-2.0
/**
 * Loaded by `node --import` into a party's process, unchanged otherwise: kills a process at the first time that each
 * distinct submission is about to be sent (`before`) or has been acknowledged by the orderer (`after`). Over a run with
 * restarts this visits every gap between two submissions once, and since each is visited once, the run comes to its end.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { Client } from '@grpc/grpc-js';
import { common, peer, type gateway } from '@hyperledger/fabric-protos';

const SUBMIT = '/gateway.Gateway/Submit';

/** Positions of the submissions that have had their crash; survives the process. */
const seenFile = process.env['GRIDVEIL_TEST_CRASH_SEEN']!;
const moment = process.env['GRIDVEIL_TEST_CRASH'] as 'before' | 'after';
/** The ledger's file with its process id, when that is the victim; otherwise it is this process. */
const controlFile = process.env['GRIDVEIL_TEST_CRASH_CONTROL_FILE'];

/** Channel and invocation of a submission: the same for the same bytes in another transaction. */
function invocation(request: gateway.SubmitRequest): string {
  const payload = common.Payload.deserializeBinary(request.getPreparedTransaction()!.getPayload_asU8());
  const action = peer.Transaction.deserializeBinary(payload.getData_asU8()).getActionsList()[0]!;
  const proposal = peer.ChaincodeActionPayload.deserializeBinary(action.getPayload_asU8());
  return createHash('sha256')
    .update(request.getChannelId())
    .update('\0')
    .update(proposal.getChaincodeProposalPayload_asU8())
    .digest('hex');
}

function crashOnce(key: string): void {
  const seen = existsSync(seenFile) ? readFileSync(seenFile, 'utf8').split('\n') : [];
  if (seen.includes(key)) {
    return;
  }
  appendFileSync(seenFile, `${key}\n`);
  const { pid } =
    controlFile === undefined ? process : (JSON.parse(readFileSync(controlFile, 'utf8')) as { pid: number });
  process.kill(pid, 'SIGKILL');
}

type Unary = (this: Client, method: string, ...rest: unknown[]) => unknown;
const prototype = Client.prototype as unknown as { makeUnaryRequest: Unary };
const send = prototype.makeUnaryRequest;

prototype.makeUnaryRequest = function (method, ...rest) {
  if (method !== SUBMIT) {
    return send.call(this, method, ...rest);
  }
  const key = invocation(rest[2] as gateway.SubmitRequest);
  if (moment === 'before') {
    crashOnce(key);
  }
  const callback = rest.at(-1) as (...answer: unknown[]) => void;
  const answered = (...answer: unknown[]): void => {
    if (moment === 'after') {
      crashOnce(key);
    }
    callback(...answer);
  };
  return send.call(this, method, ...rest.slice(0, -1), answered);
};
