// SPDX-License-Identifier: Apache-2.0
import type { Crypto } from '../crypto/crypto.js';
import { ProtocolError } from '../errors.js';
import { decodeSealsFile, SEALS_FILE, stageOf } from '../ledger/bulletin.js';
import type { LedgerId } from '../ledger/ledger-id.js';
import type { Parameters } from '../ledger/parameters.js';
import { parametersFor } from '../schedule/versions.js';
import type { LedgerKind } from '../ledger/row.js';
import { sealedPrice } from './check-price.js';
import { type AuditTrust, IntervalAuditor, type IntervalSeals } from './interval-auditor.js';
import { contextIn, type IntervalContext } from './interval-context.js';
import { checkFileNames, type Fault, FaultCollector, type IntervalFileSource, requireFile } from './interval-files.js';

export type { AuditTrust, IntervalSeals, IntervalTrust } from './interval-auditor.js';
export type { Depth, Fault, IntervalFiles, IntervalFileSource } from './interval-files.js';

/** An interval in which everything that the depth covers is right. */
export interface VerifiedInterval {
  readonly ledgerId: LedgerId;
  /** The last ledger that is sealed: an interval without price or bills yet is complete in itself. */
  readonly stage: LedgerKind;
  readonly parameters: Parameters;
  readonly registryEpoch: number;
  readonly registeredMeters: number;
  readonly seals: IntervalSeals;
  /** Rows on each of the three ledgers' consumption pages. */
  readonly count: number;
  /** Rows per category, smallest category first. */
  readonly rowsPerCategory: readonly number[];
  readonly totalMilliWattHours: bigint;
  /** p_j; undefined before the pricing seal. */
  readonly priceNanoPerKilowattHour?: bigint;
  /** Sum of the bills; undefined before the billing seal. */
  readonly billedNanoCurrency?: bigint;
}

/** Result of an audit of one interval. */
export interface IntervalAudit {
  /** In the order found, the first 100; empty when everything is right. */
  readonly faults: readonly Fault[];
  /** All faults, those that are not kept too. */
  readonly faultCount: number;
  /** The seals that were claimed, right or wrong, so that the next interval can be audited; undefined if unreadable. */
  readonly seals: IntervalSeals | undefined;
  /** Only without faults. */
  readonly interval: VerifiedInterval | undefined;
}

/**
 * Checks an interval of the bulletin as SP, hubs, auditors and browsers do; it does not stop at a fault but collects
 * all.
 *
 * @param ledgerId the interval that the folder's name promises
 * @param files all files of the folder; at depth `index` the rows of consumption and bills may be absent
 */
export function auditInterval(
  crypto: Crypto,
  ledgerId: LedgerId,
  files: IntervalFileSource,
  trust: AuditTrust,
): IntervalAudit {
  const collector = new FaultCollector();
  const { faults } = collector;
  const sealed = collector.attempt(SEALS_FILE, () => decodeSealsFile(requireFile(files, SEALS_FILE)));
  if (sealed === undefined) {
    return { faults, faultCount: collector.count, seals: undefined, interval: undefined };
  }
  checkFileNames(files, sealed, collector);
  const seals: IntervalSeals = {
    consumption: sealed.consumption.seal,
    ...(sealed.pricing === undefined ? {} : { pricing: sealed.pricing.seal }),
    ...(sealed.billing === undefined ? {} : { billing: sealed.billing.seal }),
  };
  const context = collector.attempt(SEALS_FILE, () => contextOf(crypto, ledgerId, trust));
  if (context === undefined) {
    return { faults, faultCount: collector.count, seals, interval: undefined };
  }

  const auditor = new IntervalAuditor(crypto, context, { files, trust, collector });
  const rowsPerCategory = auditor.consumption(sealed.consumption);
  if (sealed.pricing !== undefined) {
    auditor.pricing(sealed.pricing, seals.consumption);
  }
  if (sealed.billing !== undefined) {
    auditor.billing(sealed.billing, sealed.consumption, sealed.pricing!.seal);
  }
  if (faults.length > 0 || rowsPerCategory === undefined) {
    return { faults, faultCount: collector.count, seals, interval: undefined };
  }
  const interval: VerifiedInterval = {
    ledgerId,
    stage: stageOf(sealed),
    parameters: context.parameters,
    registryEpoch: context.registryEpoch,
    registeredMeters: seals.consumption.registeredMeters,
    seals,
    count: seals.consumption.count,
    rowsPerCategory,
    totalMilliWattHours: seals.consumption.total,
    ...(seals.pricing === undefined ? {} : { priceNanoPerKilowattHour: sealedPrice(context, seals.consumption) }),
    ...(seals.billing === undefined ? {} : { billedNanoCurrency: seals.billing.total }),
  };
  return { faults, faultCount: 0, seals, interval };
}

/**
 * {@link auditInterval} for those who need a right interval or none.
 *
 * @throws ProtocolError of the first fault, with the file's name in front
 */
export function verifyInterval(
  crypto: Crypto,
  ledgerId: LedgerId,
  files: IntervalFileSource,
  trust: AuditTrust,
): VerifiedInterval {
  const { faults, interval } = auditInterval(crypto, ledgerId, files, trust);
  if (interval !== undefined) {
    return interval;
  }
  const fault = faults[0]!;
  throw new ProtocolError(fault.code, `${fault.file}: ${fault.message}`);
}

function contextOf(crypto: Crypto, ledgerId: LedgerId, trust: AuditTrust): IntervalContext {
  const parameters = parametersFor(trust.parameters, ledgerId.startSeconds);
  if (parameters.region !== ledgerId.region) {
    throw new ProtocolError('WRONG_LEDGER', 'interval is of another region');
  }
  return contextIn(crypto, trust.parameters, ledgerId.startSeconds);
}
