// SPDX-License-Identifier: Apache-2.0
import type { Figures } from './figures.js';

interface Benchmark {
  readonly title: string;
  readonly run: () => Promise<Figures>;
}

/**
 * All benchmarks, in the order in which they run. Each module is loaded when it runs, so that none warms up another's
 * code.
 */
export const BENCHMARKS = {
  crypto: {
    title: 'Cryptographic primitives, both back ends, µs on one core',
    run: async () => (await import('./crypto.js')).benchCrypto(),
  },
  pages: {
    title: 'Page checks, pure functions on one core',
    run: async () => (await import('./page-check.js')).benchPageCheck(),
  },
  modes: {
    title: 'Identity modes and price modes on one core',
    run: async () => (await import('./modes.js')).benchModes(),
  },
  verify: {
    title: 'The offline audit of 100,000 rows and 100,000 bills, against the bare signatures',
    run: async () => (await import('./verify.js')).benchVerify(),
  },
  meter: {
    title: "A meter's messages on one core",
    run: async () => (await import('./meter.js')).benchMeter(),
  },
  relay: {
    title: 'One relay process',
    run: async () => (await import('./relay.js')).benchRelay(),
  },
  ledger: {
    title: 'The development ledger, with a contract that only reads and writes',
    run: async () => (await import('./ledger.js')).benchLedger(),
  },
  contract: {
    title: 'The chaincodes on the development ledger',
    run: async () => (await import('./contract.js')).benchContract(),
  },
  fabric: {
    title: 'The chaincodes on Hyperledger Fabric, if its binaries are installed',
    run: async () => (await import('./fabric.js')).benchFabric(),
  },
  demo: {
    title: 'The demo: 100 households, 4 intervals',
    run: async () => (await import('./demo.js')).benchDemo(),
  },
} satisfies Record<string, Benchmark>;

export type BenchmarkName = keyof typeof BENCHMARKS;
export const BENCHMARK_NAMES = Object.keys(BENCHMARKS) as BenchmarkName[];
