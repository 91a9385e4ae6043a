// SPDX-License-Identifier: Apache-2.0
import type { IdentityMode } from '../../protocol/identity/pseudonym-scheme.js';
import type { PriceMode } from '../../protocol/ledger/parameters.js';
import type { TestNetwork } from '../../network/fabric/test-network.js';
import { ClientError } from '../runtime/errors.js';
import type { Readings } from '../readings/readings.js';
import { ProcessGroup, type ProcessHooks } from './processes/process-group.js';
import { startEmbeddedLedger, type DemoLedger } from './ledgers/demo-ledger.js';
import { startFabricLedger } from './ledgers/fabric-ledger.js';
import { ReportCollector, type Outcome } from './outcome.js';
import { provisionParties, startParties, type RunContext } from './parties.js';
import { planRun } from './plan.js';
import { RunDirectory } from './run-directory.js';
import { FIRST_REGION, regionOn } from './region.js';
import { allocateAddresses } from './addresses.js';
import { Stepper } from './processes/stepper.js';

/** Kinds of ledger a run can use. */
export const LEDGER_KINDS = ['embedded', 'fabric'] as const;
export type LedgerKind = (typeof LEDGER_KINDS)[number];

/** What ends a run early: Ctrl-C, a supervisor, a closed terminal. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What a run is made of. */
export interface RunSettings {
  readonly readings: Readings;
  readonly ledger: LedgerKind;
  /** The network of kind `fabric` that is used; by default see {@link startFabricLedger}. */
  readonly testNetwork?: TestNetwork | undefined;
  /** From which every party's keys come. */
  readonly seed: string;
  /** By default see {@link regionOn}. */
  readonly region?: string | undefined;
  /** An empty directory for the bulletin. */
  readonly out: string;
  /** k of k-anonymity. */
  readonly kAnonymity: number;
  readonly identityMode: IdentityMode;
  readonly priceMode: PriceMode;
  readonly layers: number;
  readonly relaysPerLayer: number;
  /** The relays are meters and hubs, as in the paper, and not processes of their own. */
  readonly householdRelays: boolean;
  /** Absolute path of a directory into which the relays write which packet became which. */
  readonly unsafeTrace?: string | undefined;
  /** Keep the parties' directories and logs. */
  readonly keep: boolean;
  readonly hooks?: TestHooks;
}

/** What the system tests change about a run: a demo has none of it. */
export interface TestHooks extends ProcessHooks {
  /** Called when all is added up and everybody still runs. */
  readonly beforeEnd?: (run: {
    readonly ledger: DemoLedger;
    readonly region: string;
    readonly runDirectory: RunDirectory;
    readonly processes: ProcessGroup;
  }) => Promise<void>;
}

/** Told to whoever watches. */
export interface RunListener {
  /** Something begins. */
  readonly onPhase: (what: string) => void;
  /** Simulated time has moved: the share of it that is over, 0 to 1, and where it stands, Unix seconds. */
  readonly onProgress: (share: number, nowSeconds: number) => void;
  /** It is over, well or not, and this directory holds what the parties had. */
  readonly onKept: (directory: string) => void;
}

/**
 * Runs the whole system over all intervals of the readings: every party a process of its own, on simulated time.
 *
 * @throws ClientError PARTY_FAILED, UNBALANCED, VERIFICATION_FAILED, READINGS_INVALID, REGION_TAKEN, INTERRUPTED;
 *   LedgerError when a ledger that was there before does not answer
 */
export async function runDemo(settings: RunSettings, listener: RunListener): Promise<Outcome> {
  const { readings, out, layers, relaysPerLayer, householdRelays, unsafeTrace } = settings;
  const plan = planRun(readings, settings);
  const runDirectory = await RunDirectory.create();
  const stepper = new Stepper(plan.startSeconds * 1000);
  const processes = new ProcessGroup(stepper, runDirectory.logs, settings.hooks);
  const reports = new ReportCollector(readings);

  let ledger: Promise<DemoLedger> | undefined;

  const runParties = async (): Promise<Outcome> => {
    const addresses = await allocateAddresses(layers, relaysPerLayer, householdRelays);
    listener.onPhase('starting the ledger, making keys and configurations');
    ledger =
      settings.ledger === 'fabric'
        ? startFabricLedger(runDirectory, settings.testNetwork)
        : startEmbeddedLedger(processes, runDirectory);
    ledger.catch(() => {});
    // The embedded one is the run's own, so nothing waits for it before the keys are made.
    const region =
      settings.ledger === 'embedded'
        ? (settings.region ?? FIRST_REGION)
        : await regionOn(await ledger, settings.region);
    const context: RunContext = {
      facts: { ...settings, region, plan, addresses },
      readings,
      out,
      runDirectory,
      processes,
      householdRelays,
      unsafeTrace,
    };
    const parties = await provisionParties(context, ledger);
    listener.onPhase('starting the control center, the service provider, relays, meters and hubs');
    const { meters, hubs } = await startParties(context, parties);
    reports.attach(meters, hubs);
    listener.onPhase('running');
    const length = plan.endSeconds - plan.startSeconds;
    stepper.onStep = (now) => {
      listener.onProgress((now / 1000 - plan.startSeconds) / length, now / 1000);
    };
    await stepper.advanceTo(plan.endSeconds * 1000);
    listener.onPhase('checking and adding up');
    const outcome = await reports.reconcile(out, parties.center.fingerprint);
    await settings.hooks?.beforeEnd?.({ ledger: await ledger, region, runDirectory, processes });
    return outcome;
  };
  let interrupt: () => void = () => {};
  const interrupted = new Promise<never>((_, reject) => {
    interrupt = () => {
      reject(new ClientError('INTERRUPTED', 'everything is being stopped'));
    };
  });
  // A second one changes nothing: who pressed twice would otherwise leave keys of the parties behind.
  for (const signal of SIGNALS) {
    process.on(signal, interrupt);
  }
  const running = runParties();
  try {
    return await Promise.race([running, processes.failed, interrupted]);
  } finally {
    await processes.stop();
    // What was going on meets ended processes and fails; only then is nobody left who writes.
    await running.catch(() => {});
    await ledger?.then(({ stop }) => stop()).catch(() => {});
    if (settings.keep) {
      listener.onKept(runDirectory.root);
    } else {
      await runDirectory.remove();
    }
    for (const signal of SIGNALS) {
      process.off(signal, interrupt);
    }
  }
}
