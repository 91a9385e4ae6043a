// SPDX-License-Identifier: Apache-2.0
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { ProtocolError } from '../../protocol/errors.js';
import { sharedLinkKey } from '../../protocol/identity/meter-identity.js';
import { consumerListDigest } from '../../protocol/ledger/consumer-list.js';
import { encodeSignedHeader, type SignedHeader } from '../../protocol/ledger/signed-header.js';
import { equalBytes } from '../../protocol/crypto/bytes.js';
import type { SignedParameters } from '../../protocol/ledger/parameters.js';
import { LEDGER_KINDS, type ProvidedKind } from '../../protocol/ledger/row.js';
import type { SignedSeal } from '../../protocol/ledger/seal.js';
import { sealedPrice } from '../../protocol/rules/check-price.js';
import { checkSeal, followingSealContent } from '../../protocol/rules/check-seal.js';
import { contextIn, type IntervalContext } from '../../protocol/rules/interval-context.js';
import { nextStart } from '../../protocol/schedule/intervals.js';
import { ClientError } from '../runtime/errors.js';
import { LedgerError, type LedgerClient } from '../ledger/index.js';
import { LedgerWatch } from '../ledger/ledger-watch.js';
import { readParameters } from '../ledger/read-parameters.js';
import type { PartyContext, RunningParty } from '../runtime/party.js';
import { RegionLedger, type CommittedLedger, type ProvidedWrite } from '../ledger/region-ledger.js';
import { untilReachable } from '../runtime/retry.js';
import type { FileKey } from '../runtime/sealed-file.js';
import type { ServiceProviderConfig } from './config.js';
import { loadServiceProviderKeys, type ServiceProviderKeys } from './keys.js';
import { previousSeal, readConsumers, readConsumption } from './ledger-check.js';
import { makeBills, makeDirectPrices, makePrice } from './price-and-bills.js';
import { TagKeys } from './tag-keys.js';

/**
 * Starts the service provider. It keeps no state but its keys: its work follows from the ledger, and everything it
 * writes is deterministic. It is ready when all three channels have answered.
 *
 * @param fileKey seals its keys
 * @param client of the ledger, with the service provider's identity; closed by the party's `stop`
 * @throws ClientError SEALED_INVALID, STATE_CONFLICT; LedgerError
 */
export async function openServiceProvider(
  config: ServiceProviderConfig,
  context: PartyContext,
  fileKey: FileKey,
  client: LedgerClient,
): Promise<RunningParty> {
  let fail: (error: unknown) => void = () => undefined;
  let finish: () => void = () => undefined;
  const ended = new Promise<void>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  const { directory, enrolmentSeed } = config;
  const keys = await loadServiceProviderKeys({ directory, fileKey, random: context.random, seed: enrolmentSeed });
  const ledger = new RegionLedger(client, config.region);
  await ledger.untilAnswering(context.log);
  const watch = await LedgerWatch.start(client, LEDGER_KINDS, fail);
  const provider = new ServiceProvider(config, context, { keys, ledger, watch });
  provider.run().catch(fail);
  context.report('ready', {});
  return {
    ended,
    stop() {
      finish();
      client.close();
      return Promise.resolve();
    },
  };
}

/** An interval that this service provider bills. */
interface OwnInterval {
  readonly context: IntervalContext;
  /** All versions, of which the context has the one in force. */
  readonly parameters: readonly SignedParameters[];
}

/** An interval whose price is on the ledger. */
interface PricedInterval {
  readonly context: IntervalContext;
  readonly sealed: SignedSeal;
  readonly consumption: CommittedLedger;
  /** Header of the price ledger: its own, or the one that the control center chose before. */
  readonly signed: SignedHeader;
  /** Digest of the list of consumers, which the seal of the prices must contain; undefined with one price for all. */
  readonly consumersDigest: Uint8Array | undefined;
}

/** Parts of the service provider. */
interface ServiceProviderParts {
  readonly keys: ServiceProviderKeys;
  readonly ledger: RegionLedger;
  readonly watch: LedgerWatch;
}

/** Prices and bills one sealed interval after the other. */
class ServiceProvider {
  readonly #tagKeys: TagKeys;

  readonly #config: ServiceProviderConfig;
  readonly #context: PartyContext;
  readonly #keys: ServiceProviderKeys;
  readonly #ledger: RegionLedger;
  readonly #watch: LedgerWatch;

  constructor(config: ServiceProviderConfig, context: PartyContext, { keys, ledger, watch }: ServiceProviderParts) {
    this.#config = config;
    this.#context = context;
    this.#keys = keys;
    this.#ledger = ledger;
    this.#watch = watch;

    this.#tagKeys = new TagKeys(keys.secretKey);
  }

  /**
   * Runs until stopped.
   *
   * @throws ClientError VERIFICATION_FAILED when the ledger does not verify; nothing is priced or billed then
   */
  async run(): Promise<never> {
    const { log, report } = this.#context;
    let start: number | undefined;
    try {
      start = await untilReachable(log, 'ledger', () => this.#watch.until(() => this.#firstUnbilled()));
      for (;;) {
        start = await this.#settleWhenReachable(start);
      }
    } catch (cause) {
      if (!(cause instanceof ProtocolError)) {
        throw cause;
      }
      const where = start === undefined ? 'the ledger' : `interval ${start}`;
      report('refused', { ...(start !== undefined && { startSeconds: start }), code: cause.code });
      const message = `${where} is not valid: ${cause.code}: ${cause.message}`;
      throw new ClientError('VERIFICATION_FAILED', message, { cause });
    }
  }

  #settleWhenReachable(startSeconds: number): Promise<number> {
    return untilReachable(this.#context.log, 'ledger', () => this.#settle(startSeconds));
  }

  /** Start of the oldest interval that is not billed; undefined while nothing is sealed. */
  async #firstUnbilled(): Promise<number | undefined> {
    const list = await readParameters(this.#ledger, this.#config.trustAnchor);
    return list && this.#ledger.oldestOpen('billing', list[0]!.parameters);
  }

  /** Waits for an interval's seal, prices it, waits for the price's seal, bills it. @returns start of the next */
  async #settle(startSeconds: number): Promise<number> {
    const { clock, report } = this.#context;
    const sealed = await this.#watch.until(() => this.#ledger.seal('consumption', startSeconds));
    const ours = await this.#untilOurs(startSeconds);
    const priced = await clock.activity.track('price', this.#price(ours, sealed));
    const pricing = await this.#watch.until(() => this.#ledger.seal('pricing', startSeconds));
    const billed = await clock.activity.track('bills', this.#bill(priced, pricing));
    report('billed', {
      startSeconds,
      bills: priced.consumption.header.count,
      priceNanoPerKilowattHour: sealedPrice(priced.context, sealed.seal).toString(),
      billedNanoCurrency: billed.toString(),
    });
    return nextStart(priced.context.parameters, startSeconds);
  }

  async #price({ parameters, context }: OwnInterval, sealed: SignedSeal): Promise<PricedInterval> {
    const consumption = await readConsumption(this.#ledger, context, parameters, sealed);
    const priced = { context, sealed, consumption };
    const basis = { basis: sealed.seal, keys: this.#keys };
    if (context.parameters.priceMode === 'direct') {
      const list = await readConsumers(this.#ledger, context, parameters);
      const signed = await this.#put('pricing', makeDirectPrices(sodiumCrypto, context, basis, this.#tagKeys.of(list)));
      return { ...priced, signed, consumersDigest: consumerListDigest(sodiumCrypto, list) };
    }
    if (!this.#isOurs(context, 'pricing')) {
      // Priced by the service provider before; what is left are its bills.
      const signed = await this.#watch.until(() => this.#ledger.provided('pricing', context.ledgerId.startSeconds));
      return { ...priced, signed, consumersDigest: undefined };
    }
    const pseudonymKey = sharedLinkKey(sodiumCrypto, this.#keys.secretKey, context.parameters.controlCenter.publicKey);
    const price = makePrice(sodiumCrypto, context, basis, pseudonymKey);
    // A fresh copy for each use: the client may wipe it after sending.
    const signed = await this.#put('pricing', {
      ...price,
      transientOf: () => ({ pricePseudonymKey: pseudonymKey.slice() }),
    });
    return { ...priced, signed, consumersDigest: undefined };
  }

  /**
   * Waits until this service provider is the one that bills an interval: a successor can be started before it is named,
   * and one that was replaced has nothing more to do.
   */
  async #untilOurs(startSeconds: number): Promise<OwnInterval> {
    let waits = false;
    return this.#watch.until(async () => {
      const parameters = (await readParameters(this.#ledger, this.#config.trustAnchor))!;
      const context = contextIn(sodiumCrypto, parameters, startSeconds);
      if (this.#isOurs(context, 'billing')) {
        return { parameters, context };
      }
      if (!waits) {
        waits = true;
        const message =
          'the parameters name another service provider for this interval; waiting to be named its successor';
        this.#context.log.warn({ startSeconds }, message);
      }
      return undefined;
    });
  }

  #isOurs({ serviceProviders }: IntervalContext, kind: ProvidedKind): boolean {
    return equalBytes(serviceProviders[kind].signaturePublicKey, this.#keys.signing.publicKey);
  }

  /** @returns the sum of the bills, nano-currency */
  async #bill(priced: PricedInterval, pricing: SignedSeal): Promise<bigint> {
    const { context, sealed, consumption, signed, consumersDigest } = priced;
    const content = followingSealContent(sodiumCrypto, context, { signed, basis: sealed.seal, consumersDigest });
    checkSeal(sodiumCrypto, pricing, context, {
      content,
      previous: await previousSeal(this.#ledger, context, 'pricing'),
    });
    const basis = { basis: pricing.seal, keys: this.#keys };
    const priceNanoPerKilowattHour = sealedPrice(context, sealed.seal);
    const bills = makeBills(sodiumCrypto, context, basis, { rows: consumption.rows, priceNanoPerKilowattHour });
    return (await this.#put('billing', bills)).header.total;
  }

  /**
   * Writes a ledger. Another header of its own, from a fault or from another state, is replaced; one that the control
   * center has chosen is kept. Where it was replaced too often, it waits until the control center reopens it.
   *
   * @returns the header that is committed
   */
  async #put(kind: ProvidedKind, ledger: ProvidedWrite): Promise<SignedHeader> {
    const { startSeconds } = ledger.signed.header.ledgerId;
    const about = { ledger: kind, startSeconds };
    let waits = false;
    return this.#watch.until(async () => {
      try {
        await this.#ledger.putProvided(ledger);
        return ledger.signed;
      } catch (error) {
        if (!(error instanceof LedgerError)) {
          throw error;
        }
        if (error.code === 'TOO_MANY_REPLACEMENTS') {
          if (!waits) {
            waits = true;
            this.#context.log.warn(about, `${error.message}; waiting for it`);
          }
          return undefined;
        }
        if (error.code !== 'ALREADY_CHOSEN' && error.code !== 'ALREADY_SEALED') {
          throw error;
        }
        const chosen = await this.#ledger.provided(kind, startSeconds);
        if (chosen !== undefined && !equalBytes(encodeSignedHeader(chosen), encodeSignedHeader(ledger.signed))) {
          this.#context.log.warn(about, 'the control center has chosen an earlier header of ours, which is kept');
        }
        return chosen;
      }
    });
  }
}
