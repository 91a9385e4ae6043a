// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { Metadata, status as GrpcStatus, type ServiceError } from '@grpc/grpc-js';
import { CommitError, GatewayError, StatusCode } from '@hyperledger/fabric-gateway';
import { diagnose, LedgerError, parseChaincodeRefusal } from './ledger-error.js';

function gatewayError(code: GrpcStatus, message: string, ...details: string[]): GatewayError {
  const cause: ServiceError = Object.assign(new Error(message), { code, details: message, metadata: new Metadata() });
  return new GatewayError({
    code,
    message,
    cause,
    details: details.map((text) => ({ address: 'peer:1', mspId: 'ControlCenterMSP', message: text })),
  });
}

const outcome = (thrown: unknown): [code: string, retryable: boolean] => {
  const { error, retryable } = diagnose(thrown);
  assert.equal(error.cause, thrown);
  return [error.code, retryable];
};

describe('ledger errors', () => {
  it("carry the chaincode's code and sentence apart", () => {
    assert.deepEqual(parseChaincodeRefusal('chaincode response 500, K_ANONYMITY: too few: 3'), {
      code: 'K_ANONYMITY',
      message: 'too few: 3',
    });
    assert.deepEqual(parseChaincodeRefusal('x: chaincode response 500, no such function'), {
      code: 'CHAINCODE_ERROR',
      message: 'no such function',
    });
    assert.equal(parseChaincodeRefusal('channel not found'), undefined);
  });

  it('find the refusal in the message of an evaluation and in the details of an endorsement', () => {
    const text = 'chaincode response 500, WRONG_PRICE: not the tariff';
    const evaluated = gatewayError(GrpcStatus.UNKNOWN, `2 UNKNOWN: evaluate call to endorser returned error: ${text}`);
    assert.deepEqual(outcome(evaluated), ['WRONG_PRICE', false]);
    const advice = '10 ABORTED: failed to endorse transaction, see attached details for more info';
    assert.deepEqual(outcome(gatewayError(GrpcStatus.ABORTED, advice, text)), ['WRONG_PRICE', false]);
  });

  it('are worth another attempt where time, or a new simulation, can help', () => {
    const endorse = '10 ABORTED: failed to endorse transaction, see attached details for more info';
    const retryable: [unknown, string][] = [
      [gatewayError(GrpcStatus.ABORTED, endorse, 'chaincode response 500, NOT_YET_SEALED: wait'), 'NOT_YET_SEALED'],
      [gatewayError(GrpcStatus.ABORTED, endorse, 'error sending: chaincode stream terminated'), 'UNAVAILABLE'],
      [gatewayError(GrpcStatus.UNAVAILABLE, '14 UNAVAILABLE: No connection established'), 'UNAVAILABLE'],
      [gatewayError(GrpcStatus.DEADLINE_EXCEEDED, '4 DEADLINE_EXCEEDED'), 'UNAVAILABLE'],
      [gatewayError(GrpcStatus.CANCELLED, '1 CANCELLED'), 'UNAVAILABLE'],
      [gatewayError(GrpcStatus.FAILED_PRECONDITION, '9: no peers available to evaluate chaincode'), 'UNAVAILABLE'],
      [gatewayError(GrpcStatus.ABORTED, '10: from orderer: status=SERVICE_UNAVAILABLE, info=no leader'), 'UNAVAILABLE'],
      [new CommitError({ code: StatusCode.MVCC_READ_CONFLICT, transactionId: 'x' }), 'CONFLICT_PERSISTS'],
      [new CommitError({ code: StatusCode.PHANTOM_READ_CONFLICT, transactionId: 'x' }), 'CONFLICT_PERSISTS'],
    ];
    for (const [thrown, code] of retryable) {
      assert.deepEqual(outcome(thrown), [code, true]);
    }
  });

  it('name the endorsers and their words, and what is likely to be the cause', () => {
    const message = (thrown: unknown): string => diagnose(thrown).error.message;
    const advice = '10 ABORTED: failed to endorse transaction, see attached details for more info';
    const dead = 'could not launch chaincode consumption:12: connection to consumption:12 failed';
    assert.equal(
      message(gatewayError(GrpcStatus.ABORTED, advice, dead)),
      `${advice}; ControlCenterMSP peer:1: ${dead} (likely cause: the chaincode server is not running, or the peer cannot reach it)`,
    );
    const causes: [text: string, cause: RegExp][] = [
      ['9 FAILED_PRECONDITION: no peers available to evaluate chaincode pricing in channel pricing', /no anchor peers/],
      ['9 FAILED_PRECONDITION: failed to find any endorsing peers for org(s): Org1MSP', /no anchor peers/],
      ['14 UNAVAILABLE: failed to get config for channel [pricing]: access', /has not joined the channel/],
      ['2 UNKNOWN: make sure the chaincode pricing has been defined: namespace pricing is not defined', /not deployed/],
      ['10 ABORTED: status=SERVICE_UNAVAILABLE, info=no Raft leader', /no leader yet/],
      ['14 UNAVAILABLE: No connection established. Last error: self-signed certificate in chain', /TLS certificate/],
      ['14 UNAVAILABLE: No connection established. Last error: connect ECONNREFUSED 127.0.0.1:9051', /no peer listens/],
    ];
    for (const [text, cause] of causes) {
      const told = message(gatewayError(GrpcStatus.UNAVAILABLE, text));
      assert.ok(told.startsWith(`${text} (likely cause: `), told);
      assert.match(told, cause);
    }
    assert.equal(message(gatewayError(GrpcStatus.CANCELLED, '1 CANCELLED: bye')), '1 CANCELLED: bye');
  });

  it('are final where the caller or the request is at fault', () => {
    const denied = 'error validating proposal: access denied: channel [consumption] creator org [X]';
    const policy = 'Failed evaluating policy on signed data during check policy on channel [consumption]';
    const final: [unknown, string][] = [
      [
        gatewayError(GrpcStatus.FAILED_PRECONDITION, `9: evaluate call to endorser returned error: ${denied}`),
        'DENIED',
      ],
      [gatewayError(GrpcStatus.ABORTED, '10: failed to endorse transaction', denied), 'DENIED'],
      [gatewayError(GrpcStatus.ABORTED, '10: failed to endorse transaction', policy), 'DENIED'],
      [gatewayError(GrpcStatus.PERMISSION_DENIED, `7: ${policy}`), 'DENIED'],
      [gatewayError(GrpcStatus.ABORTED, '10: from orderer: status=FORBIDDEN, info=permission denied'), 'DENIED'],
      [gatewayError(GrpcStatus.ABORTED, '10: from orderer: status=BAD_REQUEST, info=too large'), 'DENIED'],
      [gatewayError(GrpcStatus.INVALID_ARGUMENT, '3: no channel id provided'), 'DENIED'],
      [new CommitError({ code: StatusCode.ENDORSEMENT_POLICY_FAILURE, transactionId: 'x' }), 'INVALID_TRANSACTION'],
      [new TypeError('a bug'), 'UNAVAILABLE'],
    ];
    for (const [thrown, code] of final) {
      assert.deepEqual(outcome(thrown), [code, false]);
    }
    const own = new LedgerError('CLOSED', 'closed');
    assert.deepEqual(diagnose(own), { error: own, retryable: false });
  });
});
