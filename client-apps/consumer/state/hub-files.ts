// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { RandomSource } from '../../../protocol/onion/packet.js';
import { loadSecret } from '../../runtime/party-secret.js';
import { FileKey, nameOfCode, SealedFile } from '../../runtime/sealed-file.js';
import type { ConsumerConfig } from '../config.js';
import { Disputes } from './disputes.js';
import { demoHubSecret } from '../identity.js';
import { IntervalLog } from './interval-log.js';
import type { HubState } from './state.js';
import { decodeHubState, encodeHubState } from './state-codec.js';

/** A hub's directory: `secret.sealed`, `hub.sealed`, `intervals/`, and `disputes/`, which is not encrypted. */
export class HubFiles {
  readonly intervals: IntervalLog;
  readonly disputes: Disputes;
  readonly #secret: SealedFile;
  readonly #state: SealedFile;

  /** @param processKey 32 bytes, see `loadFileKey` */
  constructor(
    { directory, enrolmentCode }: Pick<ConsumerConfig, 'directory' | 'enrolmentCode'>,
    processKey: Uint8Array,
  ) {
    const key = new FileKey(processKey, 'hub', nameOfCode(enrolmentCode));
    this.#secret = new SealedFile(join(directory, 'secret.sealed'), key);
    this.#state = new SealedFile(join(directory, 'hub.sealed'), key);
    this.intervals = new IntervalLog(join(directory, 'intervals'), key);
    this.disputes = new Disputes(join(directory, 'disputes'));
  }

  /**
   * Returns the hub's secret, created on first use, which is before enrolment because its meter must be paired with it.
   *
   * @param seed 32 bytes in a demo; otherwise the secret is random
   * @throws ClientError SEALED_INVALID, WRONG_PARTY; STATE_CONFLICT when the directory holds the secret of another seed
   */
  secret(random: RandomSource, seed: Uint8Array | undefined): Promise<Uint8Array> {
    return loadSecret(this.#secret, random, seed && demoHubSecret(seed));
  }

  /** Reads the state; undefined before the enrolment. @throws ClientError SEALED_INVALID, WRONG_PARTY */
  async state(): Promise<HubState | undefined> {
    const bytes = await this.#state.read();
    return bytes === undefined ? undefined : decodeHubState(bytes);
  }

  /** Writes the state; returns when it is on the disk. */
  write(state: HubState): Promise<void> {
    return this.#state.write(encodeHubState(state));
  }
}
