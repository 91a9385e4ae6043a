// SPDX-License-Identifier: Apache-2.0
import { FabricNetwork } from '../../../network/fabric/fabric-network.js';
import { EmbeddedUnderTest } from './embedded-under-test.js';
import { FabricUnderTest } from './fabric-under-test.js';
import { consensusUnderTest, fabricEnvironment, ledgerKind, testNetworkUnderTest } from './kind.js';
import { TestNetworkUnderTest } from './test-network-under-test.js';
import type { LedgerUnderTest, OwnLedger } from './ledger.js';

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
    const missing = ledgerKind() === 'embedded' ? [] : FabricNetwork.missingBinaries(fabricEnvironment());
    if (missing.length === 0) {
      return;
    }
    process.stderr.write(`Fabric's ${missing.join(', ')} are neither in FABRIC_BIN nor on PATH: skipped\n`);
    this.skip();
  });
}

/** Declares, in a `describe`, that its tests need a ledger each: on an existing one they are skipped, by their names. */
export function needsLedgersOfItsOwn(): void {
  needsBinaries();
  before(function () {
    if (ledgerKind() === 'test-network') {
      this.skip();
    }
  });
}

/** For a test of what only a network of `network.sh` has; otherwise it is skipped, by its name. */
export function requireFabric(context: Mocha.Context, ledger: LedgerUnderTest): FabricUnderTest {
  return ledger instanceof FabricUnderTest ? ledger : context.skip();
}

/** For a test that ends or starts processes of the ledger, or reads its files; otherwise it is skipped, by its name. */
export function requireOwn(context: Mocha.Context, ledger: LedgerUnderTest): OwnLedger {
  return ledger instanceof TestNetworkUnderTest ? context.skip() : (ledger as OwnLedger);
}

/** For a test that needs several peers of the control center; otherwise it is skipped, by its name. */
export function requireSecondPeer(context: Mocha.Context, { topology }: LedgerUnderTest): void {
  const { organizations, roles } = topology;
  if (organizations.find(({ mspId }) => mspId === roles.controlCenter)!.peers.length < 2) {
    context.skip();
  }
}

function startLedger(): Promise<LedgerUnderTest> {
  const testNetwork = testNetworkUnderTest();
  if (testNetwork !== undefined) {
    return Promise.resolve(new TestNetworkUnderTest(testNetwork));
  }
  const consensus = consensusUnderTest();
  return consensus === undefined ? EmbeddedUnderTest.start() : FabricUnderTest.start(consensus);
}
