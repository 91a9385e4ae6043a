// SPDX-License-Identifier: Apache-2.0
import { type Context, Contract } from 'fabric-contract-api';
import type { LedgerKind } from '../../protocol/ledger/row.js';
import { asRefusal, Refusal } from './refusal.js';

/**
 * Base of the three contracts: before every transaction the channel is checked, and every error is returned as
 * `CODE: sentence`.
 *
 * It holds no transaction and no decorator, on purpose: decorators write to the prototype of their class, so
 * those of a common base class would merge into one list for all three contracts.
 */
export abstract class LedgerContract extends Contract {
  /** A private field, because the contract API copies the public ones into the metadata. */
  readonly #kind: LedgerKind;

  /**
   * @param name the contract's name, written out: a bundler may rename the class
   * @param kind the ledger, which is also the name of the only channel that the contract serves
   */
  protected constructor(name: string, kind: LedgerKind) {
    super(name);
    this.#kind = kind;
  }

  /** @throws Refusal */
  override async aroundTransaction(ctx: Context, transaction: unknown, parameters: unknown): Promise<void> {
    try {
      if (ctx.stub.getChannelID() !== this.#kind) {
        throw new Refusal('WRONG_CHANNEL', `this contract serves the channel ${this.#kind} only`);
      }
      // eslint-disable-next-line @typescript-eslint/no-confusing-void-expression -- declared void, carries the result
      return await super.aroundTransaction(ctx, transaction as () => void, parameters);
    } catch (error) {
      throw asRefusal(error);
    }
  }

  /** @throws Refusal always; the name that was asked for is not repeated */
  override unknownTransaction(): Promise<void> {
    return Promise.reject(new Refusal('BAD_ARGUMENT', 'there is no such transaction'));
  }
}
