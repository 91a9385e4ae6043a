// SPDX-License-Identifier: Apache-2.0
import { sodiumCrypto } from '../../../protocol/crypto/sodium.js';
import { sharedLinkKey } from '../../../protocol/identity/meter-identity.js';
import { epochOf } from '../../../protocol/schedule/epochs.js';
import type { SealedLedger } from '../../../protocol/ledger/bulletin.js';
import { sealedPrice } from '../../../protocol/rules/check-price.js';
import type { SignedSeal } from '../../../protocol/ledger/seal.js';
import { untilReachable } from '../../runtime/retry.js';
import type { Center } from '../center.js';
import type { Closing } from './closing.js';
import { loadFrozen, thawChanges } from './frozen-store.js';
import { decodeSettling, encodeSettling, nextToSettle, type SettlingProgress } from './progress.js';
import type { Chains } from '../intake/pseudonym-chain.js';
import { settleBilling, settlePricing, type SettlementTools } from './settlement.js';
import { storeKey } from '../store-keys.js';

/** Prices and bills: waits for the service provider's ledgers, interval by interval, and seals them. */
export class Settling {
  #progress: SettlingProgress | undefined;
  readonly #tools: SettlementTools;

  readonly #center: Center;
  readonly #closing: Closing;
  readonly #chains: Chains;

  /** @param serviceProviderKey pk_SP */
  constructor(center: Center, closing: Closing, chains: Chains, serviceProviderKey: Uint8Array) {
    this.#center = center;
    this.#closing = closing;
    this.#chains = chains;

    const { ledger, watch, bulletin, keys } = center;
    const pricePseudonymKey = sharedLinkKey(sodiumCrypto, keys.secretKey, serviceProviderKey);
    this.#tools = { ledger, watch, bulletin, key: keys.signing, pricePseudonymKey };
  }

  /** Puts progress back after a restart. */
  async restore(): Promise<void> {
    const stored = await this.#center.store.get(storeKey.settling);
    if (stored !== undefined) {
      this.#progress = decodeSettling(stored);
    }
  }

  /** Start of the next interval to be settled; undefined before the first epoch was opened. */
  nextStart(): number | undefined {
    const { firstStartSeconds } = this.#closing;
    const { intervalSeconds } = this.#center.versions.first;
    return firstStartSeconds === undefined
      ? undefined
      : nextToSettle({ firstStartSeconds }, this.#progress, intervalSeconds);
  }

  /** Settles one interval after the other, for ever. */
  async run(): Promise<never> {
    for (;;) {
      const start = this.nextStart();
      if (start !== undefined && this.#closing.isCommitted(start)) {
        await this.#settle(start);
      } else {
        await this.#closing.committed.next();
      }
    }
  }

  async #settle(start: number): Promise<void> {
    const { store, epochs, versions, log, report } = this.#center;
    const frozen = (await loadFrozen(store, start))!;
    const context = versions.context(start);
    const consumers = epochs.get(context.registryEpoch)!.consumers?.list;
    const { pricing, billing } = await untilReachable(log, 'ledger', async () => {
      const priced = await settlePricing(this.#tools, context, frozen, this.#progress?.pricing.seal, consumers);
      const billed = await settleBilling(this.#tools, context, frozen, priced, this.#progress?.billing.seal);
      return { pricing: priced, billing: billed };
    });
    const progress = { pricing: signedSeal(pricing), billing: signedSeal(billing) };
    await store.batch([{ key: storeKey.settling, value: encodeSettling(progress) }, ...thawChanges(start)]);
    this.#progress = progress;
    await this.#closeEpochs();
    report('settled', {
      startSeconds: start,
      rows: frozen.sealed.header.count,
      totalMilliWattHours: frozen.sealed.seal.total.toString(),
      priceNanoPerKilowattHour: sealedPrice(context, frozen.sealed.seal).toString(),
      billedNanoCurrency: billing.seal.total.toString(),
    });
    this.#closing.end(start);
  }

  /** An epoch whose last interval is settled needs its keys no more. */
  async #closeEpochs(): Promise<void> {
    const { epochs, versions } = this.#center;
    for (const closed of await epochs.closeBefore(epochOf(versions.first, this.nextStart()!))) {
      this.#chains.forget(closed);
    }
  }
}

function signedSeal({ seal, signature }: SealedLedger): SignedSeal {
  return { seal, signature };
}
