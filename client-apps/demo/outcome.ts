// SPDX-License-Identifier: Apache-2.0
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import type { VerifiedInterval } from '../../protocol/rules/verify-interval.js';
import { ClientError } from '../runtime/errors.js';
import type { Readings } from '../readings/readings.js';
import type { ReportData } from '../runtime/report.js';
import { auditBulletin } from '../bulletin/audit.js';
import type { Child } from './processes/child.js';

/** Last report of a household's meter, mWh. */
interface MeterFigures {
  readonly measured: bigint;
  readonly carried: bigint;
  readonly inFlight: bigint;
}

/** Last report of a household's hub. */
interface HubFigures {
  readonly intervals: number;
  readonly fullChecks: number;
  readonly rows: number;
  readonly disputes: number;
  readonly onLedger: bigint;
  readonly billed: bigint;
}

/** Outcome of a run. Every sum has its own source and was compared with the others. */
export interface Outcome {
  /** Fingerprint of the control center's key. */
  readonly fingerprint: string;
  readonly region: string;
  readonly meters: number;
  /** Intervals of the bulletin. */
  readonly intervals: readonly VerifiedInterval[];
  readonly rows: number;
  /** Sum of the readings. */
  readonly measuredMilliWattHours: bigint;
  /** Sum of the rows that the hubs found in the bulletin. */
  readonly onLedgerMilliWattHours: bigint;
  /** Reported by the meters. */
  readonly carriedMilliWattHours: bigint;
  readonly inFlightMilliWattHours: bigint;
  /** Sum of the bills that the hubs found and checked. */
  readonly billedNanoCurrency: bigint;
  readonly consumers: {
    /** Hubs that verified every interval and dispute nothing. */
    readonly verified: number;
    readonly disputes: number;
    /** Intervals in which a hub checked every signature, summed over hubs. */
    readonly fullChecks: number;
  };
}

/** Collects the reports of meters and hubs, and reconciles them with the readings and the bulletin. */
export class ReportCollector {
  readonly #meters = new Map<number, MeterFigures>();
  readonly #hubs = new Map<number, HubFigures>();

  readonly #readings: Readings;

  constructor(readings: Readings) {
    this.#readings = readings;
  }

  attach(meters: Child, hubs: Child): void {
    meters.onReport = (name, data) => {
      if (name === 'meter') {
        this.#meters.set(data['meter'] as number, meterFigures(data));
      }
    };
    hubs.onReport = (name, data) => {
      if (name === 'consumer') {
        this.#hubs.set(data['consumer'] as number, hubFigures(data));
      }
    };
  }

  /**
   * Audits the bulletin and compares all sums.
   *
   * @throws ClientError UNBALANCED naming the first sum that differs; VERIFICATION_FAILED for the bulletin
   */
  async reconcile(out: string, fingerprint: string): Promise<Outcome> {
    const { households } = this.#readings;
    const intervals: VerifiedInterval[] = [];
    const audit = await auditBulletin(sodiumCrypto, out, fingerprint, {
      onInterval: (interval) => void intervals.push(interval),
    });
    const [fault] = audit.faults;
    if (fault !== undefined) {
      throw new ClientError('VERIFICATION_FAILED', `${fault.file}: ${fault.code}: ${fault.message}`);
    }
    const sums = {
      rows: 0,
      measuredMilliWattHours: 0n,
      onLedgerMilliWattHours: 0n,
      carriedMilliWattHours: 0n,
      inFlightMilliWattHours: 0n,
      billedNanoCurrency: 0n,
    };
    const consumers = { verified: 0, disputes: 0, fullChecks: 0 };
    households.forEach(({ id, milliWattHours }, index) => {
      const meter = this.#meters.get(index);
      const hub = this.#hubs.get(index);
      if (meter === undefined || hub === undefined) {
        throw unbalanced(`${id}: meter or hub sent no report`);
      }
      const measured = milliWattHours.reduce((sum, energy) => sum + energy, 0n);
      expectEqual(`${id}: energy measured by the meter`, measured, meter.measured);
      const accounted = hub.onLedger + meter.carried + meter.inFlight;
      expectEqual(`${id}: energy on the ledger, carried and in flight`, measured, accounted);
      sums.measuredMilliWattHours += measured;
      sums.onLedgerMilliWattHours += hub.onLedger;
      sums.carriedMilliWattHours += meter.carried;
      sums.inFlightMilliWattHours += meter.inFlight;
      sums.billedNanoCurrency += hub.billed;
      sums.rows += hub.rows;
      consumers.verified += hub.intervals === this.#readings.intervals && hub.disputes === 0 ? 1 : 0;
      consumers.disputes += hub.disputes;
      consumers.fullChecks += hub.fullChecks;
    });
    expectEqual('intervals in the bulletin', this.#readings.intervals, intervals.length);
    expectEqual('rows in the bulletin, against those found by the hubs', sums.rows, audit.rows);
    expectEqual(
      'energy in the bulletin, against that found by the hubs',
      sums.onLedgerMilliWattHours,
      audit.totalMilliWattHours,
    );
    expectEqual(
      'bills in the bulletin, against those found by the hubs',
      sums.billedNanoCurrency,
      audit.billedNanoCurrency,
    );
    const accounted = sums.onLedgerMilliWattHours + sums.carriedMilliWattHours + sums.inFlightMilliWattHours;
    expectEqual('energy on the ledger, carried and in flight', sums.measuredMilliWattHours, accounted);
    return {
      fingerprint,
      region: intervals[0]!.ledgerId.region,
      meters: households.length,
      intervals,
      ...sums,
      consumers,
    };
  }
}

function meterFigures(data: ReportData): MeterFigures {
  return {
    measured: BigInt(data['measuredMilliWattHours'] as string),
    carried: BigInt(data['carriedMilliWattHours'] as string),
    inFlight: BigInt(data['inFlightMilliWattHours'] as string),
  };
}

function hubFigures(data: ReportData): HubFigures {
  return {
    intervals: data['intervals'] as number,
    fullChecks: data['fullChecks'] as number,
    rows: data['rows'] as number,
    disputes: data['disputes'] as number,
    onLedger: BigInt(data['onLedgerMilliWattHours'] as string),
    billed: BigInt(data['billedNanoCurrency'] as string),
  };
}

function expectEqual(what: string, expected: bigint | number, actual: bigint | number): void {
  if (actual !== expected) {
    throw unbalanced(`${what}: expected ${expected}, got ${actual}`);
  }
}

function unbalanced(message: string): ClientError {
  return new ClientError('UNBALANCED', message);
}
