// SPDX-License-Identifier: Apache-2.0
// Checks of blocks by node:crypto and Fabric's protos alone: they share no code, and so no mistake, with the ledger.
import assert from 'node:assert/strict';
import { createHash, verify, X509Certificate } from 'node:crypto';
import { common, ledger as ledgerProtos, msp, peer } from '@hyperledger/fabric-protos';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Checks a whole chain: numbers, hashes, orderer signatures, transaction ids, creators' and endorsers' signatures. */
export function checkChain(blocks: readonly common.Block[]): void {
  let previous = Buffer.alloc(0);
  for (const [number, block] of blocks.entries()) {
    const header = block.getHeader()!;
    assert.equal(header.getNumber(), number);
    assert.equal(hex(header.getPreviousHash_asU8()), hex(previous));
    const envelopes = block.getData()!.getDataList_asU8();
    const data = createHash('sha256').update(Buffer.concat(envelopes)).digest();
    assert.equal(hex(header.getDataHash_asU8()), hex(data));
    const der = derHeader(number, previous, data);
    checkBlockSignature(block, der);
    if (number > 0) {
      envelopes.forEach(checkEndorsedEnvelope);
      assert.equal(block.getMetadata()!.getMetadataList_asU8()[2]!.length, envelopes.length);
    }
    previous = createHash('sha256').update(der).digest();
  }
}

/** SEQUENCE { INTEGER, OCTET STRING, OCTET STRING }. */
function derHeader(number: number, previous: Buffer, data: Buffer): Buffer {
  const digits = number.toString(16);
  let integer = Buffer.from(digits.length % 2 ? `0${digits}` : digits, 'hex');
  if (integer[0]! & 0x80) {
    integer = Buffer.concat([Buffer.of(0), integer]);
  }
  const field = (tag: number, content: Buffer): Buffer => Buffer.concat([Buffer.of(tag, content.length), content]);
  return field(0x30, Buffer.concat([field(2, integer), field(4, previous), field(4, data)]));
}

function checkBlockSignature(block: common.Block, header: Buffer): void {
  const metadata = common.Metadata.deserializeBinary(block.getMetadata()!.getMetadataList_asU8()[0]!);
  const [signature] = metadata.getSignaturesList();
  const signatureHeader = signature!.getSignatureHeader_asU8();
  const signed = Buffer.concat([metadata.getValue_asU8(), signatureHeader, header]);
  const creator = common.SignatureHeader.deserializeBinary(signatureHeader).getCreator_asU8();
  assert.ok(verify('sha256', signed, certificateOf(creator).publicKey, signature!.getSignature_asU8()));
  assert.match(certificateOf(creator).subject, /OU=orderer/);
}

function checkEndorsedEnvelope(bytes: Uint8Array): void {
  const envelope = common.Envelope.deserializeBinary(bytes);
  const payload = common.Payload.deserializeBinary(envelope.getPayload_asU8());
  const header = payload.getHeader()!;
  const { creator, nonce } = common.SignatureHeader.deserializeBinary(header.getSignatureHeader_asU8()).toObject();
  const creatorBytes = Buffer.from(creator as string, 'base64');
  assert.ok(
    verify('sha256', envelope.getPayload_asU8(), certificateOf(creatorBytes).publicKey, envelope.getSignature_asU8()),
  );
  const channelHeader = common.ChannelHeader.deserializeBinary(header.getChannelHeader_asU8());
  const id = createHash('sha256')
    .update(Buffer.from(nonce as string, 'base64'))
    .update(creatorBytes)
    .digest('hex');
  assert.equal(channelHeader.getTxId(), id);

  const [action] = peer.Transaction.deserializeBinary(payload.getData_asU8()).getActionsList();
  const content = peer.ChaincodeActionPayload.deserializeBinary(action!.getPayload_asU8());
  const endorsed = content.getAction()!;
  const response = endorsed.getProposalResponsePayload_asU8();
  assert.ok(endorsed.getEndorsementsList().length > 0);
  for (const endorsement of endorsed.getEndorsementsList()) {
    const endorser = endorsement.getEndorser_asU8();
    const signed = Buffer.concat([response, endorser]);
    assert.ok(verify('sha256', signed, certificateOf(endorser).publicKey, endorsement.getSignature_asU8()));
  }
  const proposal = createHash('sha256')
    .update(header.getChannelHeader_asU8())
    .update(action!.getHeader_asU8())
    .update(content.getChaincodeProposalPayload_asU8())
    .digest();
  const parsed = peer.ProposalResponsePayload.deserializeBinary(response);
  assert.equal(hex(parsed.getProposalHash_asU8()), hex(proposal));
  const result = peer.ChaincodeAction.deserializeBinary(parsed.getExtension_asU8());
  assert.ok(ledgerProtos.rwset.TxReadWriteSet.deserializeBinary(result.getResults_asU8()));
  assert.equal(result.getChaincodeId()!.getVersion(), '1.0');
}

function certificateOf(serialized: Uint8Array): X509Certificate {
  return new X509Certificate(msp.SerializedIdentity.deserializeBinary(serialized).getIdBytes_asU8());
}
