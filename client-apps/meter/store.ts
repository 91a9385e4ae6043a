// SPDX-License-Identifier: Apache-2.0
import { wipe } from '../../protocol/crypto/bytes.js';
import { SealedFile, type FileKey } from '../runtime/sealed-file.js';
import { decodeRecord, encodeRecord, type MeterRecord } from './state-codec.js';

/** Storage of a meter's record. */
export interface MeterStore {
  /** Reads the record last written; undefined if there is none. */
  read(): Promise<MeterRecord | undefined>;
  /** Writes the record; nothing that depends on it may leave the meter before this returns. */
  write(record: MeterRecord): Promise<void>;
}

/** A store in one sealed file, replaced atomically. */
export class SealedMeterStore implements MeterStore {
  readonly #file: SealedFile;

  constructor(path: string, key: FileKey) {
    this.#file = new SealedFile(path, key);
  }

  /** @throws ClientError SEALED_INVALID, WRONG_PARTY; ProtocolError of the record's format */
  async read(): Promise<MeterRecord | undefined> {
    const bytes = await this.#file.read();
    if (bytes === undefined) {
      return undefined;
    }
    const record = decodeRecord(bytes);
    wipe(bytes);
    return record;
  }

  async write(record: MeterRecord): Promise<void> {
    const bytes = encodeRecord(record);
    await this.#file.write(bytes);
    wipe(bytes);
  }
}
