// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { msp } from '@hyperledger/fabric-protos';
import { EmbeddedLedgerError } from '../errors.js';
import { message } from '../message.js';
import { signLowS } from './ecdsa.js';

/** A peer's or orderer's own identity, which endorses or signs blocks. */
export class SigningIdentity {
  readonly mspId: string;
  /** msp.SerializedIdentity, as used in endorsements and signature headers. */
  readonly serialized: Uint8Array;
  readonly #key: KeyObject;

  constructor(mspId: string, certificatePem: string, privateKeyPem: string) {
    const fields = { mspid: mspId, idBytes: Buffer.from(certificatePem) };
    this.mspId = mspId;
    this.serialized = message(msp.SerializedIdentity, fields).serializeBinary();
    this.#key = createPrivateKey(privateKeyPem);
  }

  /**
   * Reads a node's `msp/` directory.
   * @throws EmbeddedLedgerError `CONFIG_INVALID`
   */
  static read(mspId: string, directory: string): SigningIdentity {
    try {
      return new SigningIdentity(mspId, soleFile(join(directory, 'signcerts')), soleFile(join(directory, 'keystore')));
    } catch (cause) {
      throw new EmbeddedLedgerError('CONFIG_INVALID', `${directory} does not contain a readable identity`, { cause });
    }
  }

  /** ECDSA P-256, SHA-256, DER, low s. */
  sign(message: Uint8Array): Uint8Array {
    return signLowS(this.#key, message);
  }
}

function soleFile(directory: string): string {
  const [name, ...others] = readdirSync(directory);
  if (name === undefined || others.length > 0) {
    throw new EmbeddedLedgerError('CONFIG_INVALID', `${directory}: expected exactly one file`);
  }
  return readFileSync(join(directory, name), 'utf8');
}
