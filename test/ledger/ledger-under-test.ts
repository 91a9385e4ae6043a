// SPDX-License-Identifier: Apache-2.0
import type { UserIdentity } from '../../network/embedded/ledger-directory.js';
import type { Topology } from '../../network/embedded/topology.js';
import { FabricNetwork } from '../../network/fabric/fabric-network.js';
import { EmbeddedUnderTest } from './embedded-under-test.js';
import { FabricUnderTest, type Consensus } from './fabric-under-test.js';

/** Ledgers that the suite runs against: `npm run test:system -- --ledger KIND`. */
export const LEDGER_KINDS = ['embedded', 'fabric', 'fabric-bft'] as const;
export type LedgerKind = (typeof LEDGER_KINDS)[number];

/** A ledger with the three channels and their chaincodes, and what a test may do to it. */
export interface LedgerUnderTest {
  readonly topology: Topology;
  /** Everything that the ledger's processes keep lies below it. */
  readonly directory: string;
  /** `organizations/`, in cryptogen's layout. */
  readonly organizations: string;
  /** Path of `connection-<org>.json`. */
  connectionProfile(mspId: string): string;
  /** @param user `User1` (the default) or `Admin` */
  user(mspId: string, user?: string): UserIdentity;
  /** Name of the process that puts a channel's transactions in order. */
  orderingLeader(channel: string): Promise<string>;
  /** Ends a process as a power cut would. */
  kill(name: string): Promise<void>;
  /** Starts every process that does not run. */
  revive(): Promise<void>;
  /** Stops everything and starts it again with its data. */
  restart(): Promise<void>;
  /** Deploys one of the chaincodes on a channel that is not its own. */
  deployOn(channel: string, chaincode: string): Promise<void>;
  /** Brings all three chaincodes to a new version. */
  upgrade(version: string): Promise<void>;
  /** Ends everything and removes its files. */
  stop(): Promise<void>;
}

/** From nothing to three channels with chaincode, on a machine that has other things to do. */
const START_MILLISECONDS = 180_000;

let shared: Promise<LedgerUnderTest> | undefined;

// All test files use one ledger, each its own regions, so this runs after the last of them.
after(async function () {
  this.timeout(START_MILLISECONDS);
  await (await shared?.catch(() => undefined))?.stop();
});

/**
 * Declares, in a `describe`, that its tests need the ledger; starts it for the first one. See {@link needsBinaries}.
 *
 * @returns the ledger, inside a test or a later hook
 */
export function useLedger(): () => LedgerUnderTest {
  let ledger: LedgerUnderTest | undefined;
  needsBinaries();
  before(async function () {
    this.timeout(START_MILLISECONDS);
    shared ??= startLedger();
    ledger = await shared;
  });
  return () => ledger!;
}

/**
 * Declares, in a `describe`, that its tests make ledgers of the kind that the suite runs against. Where Fabric's binaries
 * are missing, all of them are skipped, each by its name.
 */
export function needsBinaries(): void {
  before(function () {
    const missing = ledgerKind() === 'embedded' ? [] : FabricNetwork.missingBinaries();
    if (missing.length === 0) return;
    process.stderr.write(`Fabric's ${missing.join(', ')} are neither in FABRIC_BIN nor on PATH: skipped\n`);
    this.skip();
  });
}

/** How the suite's Fabric orders; undefined when it runs against the embedded ledger. */
export function consensusUnderTest(): Consensus | undefined {
  const consensus = { embedded: undefined, fabric: 'raft', 'fabric-bft': 'bft' } as const;
  return consensus[ledgerKind()];
}

/** For a test of what only real Fabric has; on the embedded ledger it is skipped, by its name. */
export function requireFabric(context: Mocha.Context, ledger: LedgerUnderTest): FabricUnderTest {
  return ledger instanceof FabricUnderTest ? ledger : context.skip();
}

function ledgerKind(): LedgerKind {
  const kind = process.env['GRIDVEIL_LEDGER'] ?? 'embedded';
  const known = LEDGER_KINDS.find((candidate) => candidate === kind);
  if (known === undefined) throw new Error(`GRIDVEIL_LEDGER is one of ${LEDGER_KINDS.join(', ')}, not ${kind}`);
  return known;
}

function startLedger(): Promise<LedgerUnderTest> {
  const consensus = consensusUnderTest();
  return consensus === undefined ? EmbeddedUnderTest.start() : FabricUnderTest.start(consensus);
}
