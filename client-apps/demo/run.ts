// SPDX-License-Identifier: Apache-2.0
import type { IdentityMode } from '../../protocol/identity/pseudonym-scheme.js';
import type { PriceMode } from '../../protocol/ledger/parameters.js';
import type { DeployedTestNetwork } from '../../network/fabric/deployed-test-network.js';
import { MINIMUM_OPEN_FILES } from '../bulletin/serve/server.js';
import { ClientError } from '../runtime/errors.js';
import { BASE_OPEN_FILES, requireOpenFiles } from '../runtime/open-files.js';
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

/** Kinds of ledger. */
export const LEDGER_KINDS = ['embedded', 'fabric'] as const;
export type LedgerKind = (typeof LEDGER_KINDS)[number];

/** Signals that interrupt a run. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Settings of a run. */
export interface RunSettings {
  readonly readings: Readings;
  readonly ledger: LedgerKind;
  /** An existing test-network, for kind `fabric`; the default is in {@link startFabricLedger}. */
  readonly testNetwork?: DeployedTestNetwork | undefined;
  /** Seed of every party's keys. */
  readonly seed: string;
  /** The default is in {@link regionOn}. */
  readonly region?: string | undefined;
  /** An empty directory for the bulletin. */
  readonly out: string;
  /** k of k-anonymity. */
  readonly kAnonymity: number;
  readonly identityMode: IdentityMode;
  readonly priceMode: PriceMode;
  readonly layers: number;
  readonly relaysPerLayer: number;
  /** Whether the relays run inside meters and hubs, as in the paper, instead of as separate processes. */
  readonly householdRelays: boolean;
  /** Absolute path of a directory in which the relays record which packet became which. */
  readonly unsafeTrace?: string | undefined;
  /** Whether to keep the parties' directories and logs. */
  readonly keep: boolean;
  readonly hooks?: TestHooks;
}

/** Hooks of the system tests; a demo sets none. */
export interface TestHooks extends ProcessHooks {
  /** Called after the reconciliation, while all processes still run. */
  readonly beforeEnd?: (run: {
    readonly ledger: DemoLedger;
    readonly region: string;
    readonly runDirectory: RunDirectory;
    readonly processes: ProcessGroup;
  }) => Promise<void>;
}

/** Receives the progress of a run. */
export interface RunListener {
  /** A phase begins. */
  readonly onPhase: (name: string) => void;
  /** Simulated time has advanced: the share that has passed, 0 to 1, and the time, Unix seconds. */
  readonly onProgress: (share: number, nowSeconds: number) => void;
  /** The run has ended and the parties' directories were kept here. */
  readonly onKept: (directory: string) => void;
}

/** Open files of the process of a run that needs most: a host of meters, each with its file and a link to every entry relay. */
function openFilesOf({ readings, relaysPerLayer, householdRelays }: RunSettings): number {
  const meters = readings.households.length;
  // Households' relays hold the other ends of those links in the same process, and mailboxes.
  const links = meters * relaysPerLayer * (householdRelays ? 2 : 1) + (householdRelays ? meters : 0);
  return Math.max(MINIMUM_OPEN_FILES, BASE_OPEN_FILES + links + meters);
}

/**
 * Runs the whole system over all intervals of the readings, every party in a process of its own, on simulated time.
 *
 * @throws ClientError PARTY_FAILED, UNBALANCED, VERIFICATION_FAILED, READINGS_INVALID, REGION_TAKEN, INTERRUPTED;
 *   LIMIT_EXCEEDED when a process may have too few open files; LedgerError when an existing ledger does not answer
 */
export async function runDemo(settings: RunSettings, listener: RunListener): Promise<Outcome> {
  const { readings, out, layers, relaysPerLayer, householdRelays, unsafeTrace } = settings;
  requireOpenFiles(openFilesOf(settings), `a demo of ${readings.households.length} meters`);
  const plan = planRun(readings, settings);
  const runDirectory = await RunDirectory.create();
  const stepper = new Stepper(plan.startSeconds * 1000);
  const processes = new ProcessGroup(stepper, runDirectory.logs, settings.hooks);
  const reports = new ReportCollector(readings);

  let ledger: Promise<DemoLedger> | undefined;

  const runParties = async (): Promise<Outcome> => {
    const addresses = await allocateAddresses(layers, relaysPerLayer, householdRelays);
    listener.onPhase('starting the ledger, creating keys and configurations');
    ledger =
      settings.ledger === 'fabric'
        ? startFabricLedger(runDirectory, settings.testNetwork)
        : startEmbeddedLedger(processes, runDirectory);
    ledger.catch(() => {});
    // The run starts an embedded ledger itself, so creating keys need not wait for it.
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
    listener.onPhase('starting control center, service provider, relays, meters and hubs');
    const { meters, hubs } = await startParties(context, parties);
    reports.attach(meters, hubs);
    listener.onPhase('running the intervals');
    const length = plan.endSeconds - plan.startSeconds;
    stepper.onStep = (now) => listener.onProgress((now / 1000 - plan.startSeconds) / length, now / 1000);
    await stepper.advanceTo(plan.endSeconds * 1000);
    listener.onPhase('auditing the bulletin and comparing totals');
    const outcome = await reports.reconcile(out, parties.center.fingerprint);
    await settings.hooks?.beforeEnd?.({ ledger: await ledger, region, runDirectory, processes });
    return outcome;
  };
  let interrupt: (signal: string) => void = () => {};
  const interrupted = new Promise<never>((_, reject) => {
    interrupt = (signal) => reject(new ClientError('INTERRUPTED', `interrupted by ${signal}`));
  });
  // A second signal is ignored: ending at once would leave the parties' keys on the disk.
  for (const signal of SIGNALS) {
    process.on(signal, interrupt);
  }
  const running = runParties();
  try {
    return await Promise.race([running, processes.failed, interrupted]);
  } finally {
    await processes.stop();
    // Work under way fails on the stopped processes; after that nothing writes to the directories.
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
