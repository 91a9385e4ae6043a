// SPDX-License-Identifier: Apache-2.0
import type { Parameters } from '../../protocol/ledger/parameters.js';
import { parametersAt } from '../../protocol/schedule/versions.js';
import type { SignedDescriptor } from '../../protocol/onion/directory-format.js';
import { checkSeed } from '../bulletin/open-bulletin.js';
import type { PartyContext } from '../runtime/party.js';
import type { TrustedBulletin } from '../bulletin/trusted-bulletin.js';
import { describedEpochs, Epochs, servedEpochs, type EpochRange } from './epochs.js';
import { secondsOf, type RelayParts } from './parts.js';

/**
 * Keeps a relay's epochs in step with time and bulletin: ends the old ones, describes the coming ones, takes their
 * directories into use.
 */
export class TierFollower {
  readonly #context: PartyContext;
  readonly #bulletin: TrustedBulletin;

  private constructor(
    context: PartyContext,
    bulletin: TrustedBulletin,
    readonly epochs: Epochs,
  ) {
    this.#context = context;
    this.#bulletin = bulletin;
  }

  /**
   * @throws ClientError UNREACHABLE, VERIFICATION_FAILED, SEALED_INVALID; CONFIG_INVALID as {@link checkSeed}
   */
  static async open(parts: RelayParts, bulletin: TrustedBulletin): Promise<TierFollower> {
    const { config, context } = parts;
    await bulletin.refresh();
    const parameters = parametersAt(bulletin.versions, secondsOf(context));
    checkSeed(parameters, config.enrolmentSeed);
    return new TierFollower(context, bulletin, await Epochs.open(parts, parameters));
  }

  /** The parameters in force. */
  get parameters(): Parameters {
    return parametersAt(this.#bulletin.versions, secondsOf(this.#context));
  }

  /** The epochs of this time that it has keys for; none while the first is after the last. */
  get served(): EpochRange {
    const { first, last } = servedEpochs(this.parameters, secondsOf(this.#context));
    return { first: Math.max(first, this.epochs.oldestKey), last };
  }

  /** Descriptors of the relay for the present epochs and those to come. */
  descriptors(): SignedDescriptor[] {
    const { first, last } = describedEpochs(this.served);
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) =>
      this.epochs.descriptor(this.parameters, first + index),
    );
  }

  /**
   * One step; safe to repeat at any time, and to be done every slot.
   * @throws ClientError UNREACHABLE, VERIFICATION_FAILED
   */
  async step(): Promise<void> {
    const { first, last } = this.served;
    await this.epochs.endBefore(first);
    await this.#bulletin.refresh();
    for (let epoch = first; epoch <= last; epoch++) {
      if (this.epochs.get(epoch) !== undefined) {
        continue;
      }
      const directory = await this.#bulletin.directory(epoch);
      if (directory === undefined) {
        continue;
      }
      if (!(await this.epochs.begin(directory, this.parameters))) {
        this.#context.log.warn({ epoch }, 'this relay is not in the relay directory of the epoch');
      }
    }
  }
}
