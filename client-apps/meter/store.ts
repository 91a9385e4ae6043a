// SPDX-License-Identifier: Apache-2.0
import { wipe } from '../../protocol/crypto/bytes.js';
import { SealedFile } from '../runtime/sealed-file.js';
import { decodeRecord, encodeRecord, type MeterRecord } from './state-codec.js';

/** Where a meter keeps its record. */
export interface MeterStore {
  /** The record last written, or undefined for a meter that has none. */
  read(): Promise<MeterRecord | undefined>;
  /** Returns when the record is on the disk; before that nothing that rests on it may leave the meter. */
  write(record: MeterRecord): Promise<void>;
}

/** One sealed file a meter, replaced as a whole: a crash leaves the record before or the record after. */
export class SealedMeterStore implements MeterStore {
  readonly #file: SealedFile;

  /** @param key 32 bytes, see `loadFileKey` */
  constructor(path: string, key: Uint8Array) {
    this.#file = new SealedFile(path, key);
  }

  /** @throws ClientError SEALED_INVALID; ProtocolError of the record's format */
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
