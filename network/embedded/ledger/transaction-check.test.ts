// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { common, peer } from '@hyperledger/fabric-protos';
import { SignaturePolicy } from '../identity/policy.js';
import type { SigningIdentity } from '../identity/signing-identity.js';
import { FakeOrganization, registryOf } from '../../../test/support/embedded/organization.js';
import {
  newTransaction,
  writesOf,
  type EnvelopeParts,
  type TransactionParts,
} from '../../../test/support/embedded/transaction.js';
import { checkTransaction, type ValidationRules } from './transaction-check.js';

const codes = peer.TxValidationCode;

describe('transaction check', () => {
  let rules: ValidationRules;
  let client: SigningIdentity;
  let peer0: SigningIdentity;
  let stranger: SigningIdentity;
  let outsider: SigningIdentity;
  const known = new Set<string>();

  before(async () => {
    const [cc, sp, foreign] = await Promise.all(['CC', 'SP', 'Foreign'].map((id) => FakeOrganization.create(id)));
    client = await sp!.issue('client');
    peer0 = await cc!.issue('peer');
    stranger = await sp!.issue('peer');
    outsider = await foreign!.issue('client');
    const policy = new SignaturePolicy("OR('CC.peer')");
    rules = {
      channel: 'consumption',
      members: new Set(['CC', 'SP']),
      msps: registryOf(cc!, sp!, foreign!),
      endorsementPolicy: (chaincode) => (chaincode === 'consumption' ? policy : undefined),
      isKnown: (id) => known.has(id),
    };
  });

  const results = (namespace = 'consumption') => writesOf(namespace, { key: 'value' });

  const codeOf = (parts: TransactionParts & EnvelopeParts): number =>
    checkTransaction(newTransaction(client, [peer0], results(), parts).envelope, rules).code;

  /** Changes the inside of a transaction: what the client cannot forge, though it signs the envelope. */
  const inside =
    (change: (payload: peer.ChaincodeActionPayload, transaction: peer.Transaction) => void) =>
    (payload: common.Payload): void => {
      const transaction = peer.Transaction.deserializeBinary(payload.getData_asU8());
      const action = transaction.getActionsList()[0]!;
      const content = peer.ChaincodeActionPayload.deserializeBinary(action.getPayload_asU8());
      change(content, transaction);
      action.setPayload(content.serializeBinary());
      payload.setData(transaction.serializeBinary());
    };

  it('passes what is signed and endorsed as it should be, and gives its writes', () => {
    const { id, envelope } = newTransaction(client, [peer0], results());
    const checked = checkTransaction(envelope, rules);
    assert.equal(checked.code, codes.VALID);
    assert.equal(checked.transactionId, id);
    assert.deepEqual(
      checked.readWriteSets[0]?.writes.map(({ key }) => key),
      ['key'],
    );
  });

  it('wants the endorsement policy satisfied, by signatures over this very result', () => {
    const endorsed = (...endorsers: SigningIdentity[]): number =>
      checkTransaction(newTransaction(client, endorsers, results()).envelope, rules).code;
    assert.equal(endorsed(), codes.ENDORSEMENT_POLICY_FAILURE);
    assert.equal(endorsed(stranger), codes.ENDORSEMENT_POLICY_FAILURE);
    assert.equal(endorsed(client), codes.ENDORSEMENT_POLICY_FAILURE);
    assert.equal(endorsed(stranger, peer0), codes.VALID);
    const otherResult = inside((content) => {
      const action = content.getAction()!;
      const response = peer.ProposalResponsePayload.deserializeBinary(action.getProposalResponsePayload_asU8());
      const result = peer.ChaincodeAction.deserializeBinary(response.getExtension_asU8());
      result.setResults(writesOf('consumption', { key: 'forged' }));
      response.setExtension$(result.serializeBinary());
      action.setProposalResponsePayload(response.serializeBinary());
    });
    assert.equal(codeOf({ falsify: otherResult }), codes.ENDORSEMENT_POLICY_FAILURE);
  });

  it('requires a policy for every namespace that is written', () => {
    const { envelope } = newTransaction(client, [peer0], results('unknown'));
    assert.equal(checkTransaction(envelope, rules).code, codes.INVALID_CHAINCODE);
    assert.equal(codeOf({ chaincode: 'unknown' }), codes.INVALID_CHAINCODE);
  });

  it('refuses creators that are not members, and signatures that are not the creator’s', () => {
    const { envelope } = newTransaction(outsider, [peer0], results());
    assert.equal(checkTransaction(envelope, rules).code, codes.BAD_CREATOR_SIGNATURE);
    const parsed = common.Envelope.deserializeBinary(newTransaction(client, [peer0], results()).envelope);
    parsed.setSignature(peer0.sign(parsed.getPayload_asU8()));
    assert.equal(checkTransaction(parsed.serializeBinary(), rules).code, codes.BAD_CREATOR_SIGNATURE);
  });

  it('refuses ids that are not made from the nonce, and gives such a transaction no id', () => {
    const { envelope } = newTransaction(client, [peer0], results(), { transactionId: 'ab'.repeat(32) });
    const checked = checkTransaction(envelope, rules);
    assert.equal(checked.code, codes.BAD_PROPOSAL_TXID);
    assert.equal(checked.transactionId, undefined);
  });

  it('refuses a replay, without touching the status of the first', () => {
    const { id, envelope } = newTransaction(client, [peer0], results());
    known.add(id);
    const checked = checkTransaction(envelope, rules);
    assert.equal(checked.code, codes.DUPLICATE_TXID);
    assert.equal(checked.transactionId, undefined);
  });

  it('refuses another channel, another epoch and another kind of message', () => {
    assert.equal(codeOf({ channel: 'pricing' }), codes.TARGET_CHAIN_NOT_FOUND);
    assert.equal(codeOf({ epoch: 1 }), codes.BAD_COMMON_HEADER);
    assert.equal(codeOf({ type: common.HeaderType.MESSAGE }), codes.BAD_COMMON_HEADER);
  });

  it('refuses a transaction whose parts do not belong together', () => {
    const { INVALID_ENDORSER_TRANSACTION } = codes;
    const otherArguments = inside((content) => content.setChaincodeProposalPayload(Uint8Array.of(10, 0)));
    const twoActions = inside((_, transaction) =>
      transaction.addActions(transaction.getActionsList()[0]!.cloneMessage()),
    );
    assert.equal(codeOf({ falsify: otherArguments }), INVALID_ENDORSER_TRANSACTION);
    assert.equal(codeOf({ falsify: twoActions }), INVALID_ENDORSER_TRANSACTION);
    assert.equal(
      codeOf({ falsify: (payload) => payload.setData(Uint8Array.of(255, 255)) }),
      INVALID_ENDORSER_TRANSACTION,
    );
  });

  it('survives any bytes', () => {
    for (const bytes of [new Uint8Array(), Uint8Array.of(255), Buffer.from('0a03ffffff', 'hex')]) {
      assert.notEqual(checkTransaction(bytes, rules).code, codes.VALID);
    }
  });
});
