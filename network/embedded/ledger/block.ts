// SPDX-License-Identifier: Apache-2.0
import { createHash, randomBytes } from 'node:crypto';
import { common } from '@hyperledger/fabric-protos';
import { derInteger } from '../../../protocol/crypto/p256-signature.js';
import type { SigningIdentity } from '../identity/signing-identity.js';
import { message } from '../message.js';

/** Bytes of a nonce; Fabric's too. */
const NONCE_BYTES = 24;
/** The configuration never changes here, so every block refers to block 0. */
const LAST_CONFIG = message(common.LastConfig, { index: 0 });

/**
 * Makes the block that follows `previousHash`, signed as an orderer signs. What committing adds, validation flags and
 * commit hash, is not there yet.
 * @param previousHash hash of the previous header, 32 bytes; empty for block 0.
 */
export function newBlock(
  number: number,
  previousHash: Uint8Array,
  envelopes: readonly Uint8Array[],
  orderer: SigningIdentity,
): common.Block {
  const hash = createHash('sha256');
  envelopes.forEach((envelope) => hash.update(envelope));
  const header = message(common.BlockHeader, { number, previousHash, dataHash: hash.digest() });
  const empty = new Uint8Array();
  const metadataList = [signatures(header, orderer), metadataOf(LAST_CONFIG.serializeBinary()), empty, empty, empty];
  const data = message(common.BlockData, { dataList: [...envelopes] });
  return message(common.Block, { header, data, metadata: message(common.BlockMetadata, { metadataList }) });
}

/** Adds what the committing peer adds: a validation code per transaction, and the commit hash (none in block 0). */
export function completeBlock(block: common.Block, codes: Uint8Array, commitHash: Uint8Array): void {
  const metadata = block.getMetadata()!;
  const list = metadata.getMetadataList_asU8();
  list[common.BlockMetadataIndex.TRANSACTIONS_FILTER] = codes;
  list[common.BlockMetadataIndex.COMMIT_HASH] = commitHash.length === 0 ? commitHash : metadataOf(commitHash);
  metadata.setMetadataList(list);
}

/** Commit hash that a block carries; empty in block 0. */
export function commitHashOf(block: common.Block): Uint8Array {
  const bytes = block.getMetadata()?.getMetadataList_asU8()[common.BlockMetadataIndex.COMMIT_HASH] ?? new Uint8Array();
  return common.Metadata.deserializeBinary(bytes).getValue_asU8();
}

/** Validation code of each transaction of a committed block. */
export function validationCodesOf(block: common.Block): Uint8Array {
  const list = block.getMetadata()?.getMetadataList_asU8() ?? [];
  return list[common.BlockMetadataIndex.TRANSACTIONS_FILTER] ?? new Uint8Array();
}

/** SHA-256 of the header's DER, which the next block repeats. */
export function headerHash(header: common.BlockHeader): Uint8Array {
  return createHash('sha256').update(headerBytes(header)).digest();
}

/** DER SEQUENCE { INTEGER number, OCTET STRING previousHash, OCTET STRING dataHash }. */
export function headerBytes(header: common.BlockHeader): Uint8Array {
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(BigInt(header.getNumber()));
  const octets = (bytes: Uint8Array): Uint8Array => Buffer.concat([Uint8Array.of(0x04, bytes.length), bytes]);
  const content = Buffer.concat([
    derInteger(number),
    octets(header.getPreviousHash_asU8()),
    octets(header.getDataHash_asU8()),
  ]);
  return Buffer.concat([Uint8Array.of(0x30, content.length), content]);
}

/** Creator and a new nonce. */
export function newSignatureHeader(creator: Uint8Array): common.SignatureHeader {
  return message(common.SignatureHeader, { creator, nonce: randomBytes(NONCE_BYTES) });
}

function signatures(header: common.BlockHeader, orderer: SigningIdentity): Uint8Array {
  const consenterMetadata = metadataOf(new Uint8Array());
  const value = message(common.OrdererBlockMetadata, { lastConfig: LAST_CONFIG, consenterMetadata }).serializeBinary();
  const signatureHeader = newSignatureHeader(orderer.serialized).serializeBinary();
  const signature = orderer.sign(Buffer.concat([value, signatureHeader, headerBytes(header)]));
  const signaturesList = [message(common.MetadataSignature, { signatureHeader, signature })];
  return message(common.Metadata, { value, signaturesList }).serializeBinary();
}

function metadataOf(value: Uint8Array): Uint8Array {
  return message(common.Metadata, { value }).serializeBinary();
}
