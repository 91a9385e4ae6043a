// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { common } from '@hyperledger/fabric-protos';
import { FakeOrganization, registryOf } from '../../../test/support/embedded/organization.js';
import { commitHashOf, completeBlock, headerBytes, headerHash, newBlock, validationCodesOf } from './block.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('block', () => {
  it("hashes a header as Fabric does: block 4 of a channel of Fabric 3.1.5, whose hash is in that channel's block 5", () => {
    const header = new common.BlockHeader();
    header.setNumber(4);
    header.setPreviousHash(Buffer.from('18dfafee1ce6acd30255460f0399075a4341e7cc786446a8e78b20f8f2529885', 'hex'));
    header.setDataHash(Buffer.from('4ba0741a777de9e13d7a946b5b8a80cffc9b92ea69d2cc59ddc1f1aa15a6dae5', 'hex'));
    assert.equal(hex(headerHash(header)), '2b9fec21e7f0e116568ac0c1882dabc2c50c6524a179cf6195843432ebd013b7');
  });

  it('encodes numbers of any size and the empty hash before block 0', () => {
    const header = new common.BlockHeader();
    header.setNumber(0);
    header.setDataHash(Uint8Array.of(1));
    assert.equal(hex(headerBytes(header)), '3008' + '020100' + '0400' + '040101');
    header.setNumber(128);
    assert.equal(hex(headerBytes(header)), '3009' + '02020080' + '0400' + '040101');
  });

  it('carries the hash of its envelopes, an orderer signature that holds, flags and commit hash', async () => {
    const organization = await FakeOrganization.create('OrdererMSP');
    const orderer = await organization.issue('orderer');
    const envelopes = [Buffer.from('one'), Buffer.from('two')];
    const block = newBlock(7, new Uint8Array(32), envelopes, orderer);
    assert.equal(hex(block.getHeader()!.getDataHash_asU8()), createHash('sha256').update('onetwo').digest('hex'));

    const [first] = block.getMetadata()!.getMetadataList_asU8();
    const metadata = common.Metadata.deserializeBinary(first!);
    const [signature] = metadata.getSignaturesList();
    const signatureHeader = common.SignatureHeader.deserializeBinary(signature!.getSignatureHeader_asU8());
    const signer = registryOf(organization).identity(signatureHeader.getCreator_asU8())!;
    const signed = [metadata.getValue_asU8(), signature!.getSignatureHeader_asU8(), headerBytes(block.getHeader()!)];
    assert.ok(signer.verify(Buffer.concat(signed), signature!.getSignature_asU8()));
    assert.equal(
      common.OrdererBlockMetadata.deserializeBinary(metadata.getValue_asU8()).getLastConfig()?.getIndex(),
      0,
    );

    completeBlock(block, Uint8Array.of(0, 11), Uint8Array.of(9, 9));
    const stored = common.Block.deserializeBinary(block.serializeBinary());
    assert.deepEqual([...validationCodesOf(stored)], [0, 11]);
    assert.deepEqual([...commitHashOf(stored)], [9, 9]);
    assert.equal(stored.getMetadata()!.getMetadataList().length, Object.keys(common.BlockMetadataIndex).length);
  });
});
