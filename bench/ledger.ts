// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { connectLedger, type LedgerClient } from '../client-apps/ledger/index.js';
import { startChaincodeServer } from '../network/embedded/chaincode-servers.js';
import { startEmbeddedLedger } from '../network/embedded/embedded-ledger.js';
import { freePorts } from '../network/topology/ports.js';
import { NETWORK_FOLDER } from '../network/topology/topology.js';

const CHANNEL = 'consumption';
const FIXTURE = resolve(NETWORK_FOLDER, '..', 'test', 'support', 'embedded', 'contract');

const ROW_LENGTH = 177;
const ROWS_PER_PAGE = 500;
/** Enough in flight to keep ledger and chaincode busy. */
const ROW_CONCURRENCY = 150;
const PAGE_CONCURRENCY = 12;
const WARM_UP_TRANSACTIONS = 600;
const ROW_TRANSACTIONS = 1_500;
const PAGE_TRANSACTIONS = 150;
const EVALUATIONS = 200;
const READS = 5_000;
/** The best of several runs counts: other work on the machine only ever slows one down. */
const RUNS = 3;

/** Measures the development ledger with a contract that only reads and writes, without any check. */
export async function benchLedger(): Promise<Record<string, number>> {
  const directory = mkdtempSync(join(tmpdir(), 'gridveil-bench-ledger-'));
  const started = performance.now();
  const ledger = await startEmbeddedLedger({ directory });
  const { controlCenter } = ledger.topology.roles;
  await ledger.createChannels();
  const startMilliseconds = performance.now() - started;
  const address = `127.0.0.1:${(await freePorts(1))[0]}`;
  const chaincode = startChaincodeServer({ name: CHANNEL, path: FIXTURE, address, mspId: controlCenter });
  await ledger.deployChaincode({ name: CHANNEL, channel: CHANNEL, address });
  const readyMilliseconds = performance.now() - started;
  const client = connectLedger(ledger.connectionProfile(controlCenter), ledger.user(controlCenter));
  try {
    return {
      'ledger process with new certificates, ms from start to channels': Math.round(startMilliseconds),
      'with chaincode deployed, ms from start': Math.round(readyMilliseconds),
      ...(await benchTransactions(client, ledger.process!.pid!)),
      ...(await benchReads(client)),
    };
  } finally {
    client.close();
    await ledger.stop();
    chaincode.kill();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function benchTransactions(client: LedgerClient, pid: number): Promise<Record<string, number>> {
  const row = 'x'.repeat(ROW_LENGTH);
  const page = { value: new Uint8Array(ROWS_PER_PAGE * ROW_LENGTH).fill(1) };
  let next = 0;
  const putRow = (): Promise<unknown> => client.submit(CHANNEL, 'Put', [`row${next++}`, row]);
  const putPage = (): Promise<unknown> => client.submit(CHANNEL, 'PutTransient', [`page${next++}`], page);
  await inParallel(WARM_UP_TRANSACTIONS, ROW_CONCURRENCY, putRow);
  const rows = await bestOf(pid, () => inParallel(ROW_TRANSACTIONS, ROW_CONCURRENCY, putRow));
  const pages = await bestOf(pid, () => inParallel(PAGE_TRANSACTIONS, PAGE_CONCURRENCY, putPage));
  const idle = await medianMilliseconds(20, putRow);
  return {
    'one row a transaction, transactions/s': Math.round(ROW_TRANSACTIONS / rows.seconds),
    'one row a transaction, CPU µs of the ledger process': Math.round((rows.cpuSeconds / ROW_TRANSACTIONS) * 1e6),
    'pages of 500 rows, rows/s': Math.round((PAGE_TRANSACTIONS * ROWS_PER_PAGE) / pages.seconds),
    'pages of 500 rows, CPU µs of the ledger process per page': Math.round(
      (pages.cpuSeconds / PAGE_TRANSACTIONS) * 1e6,
    ),
    'one transaction on an idle ledger, ms from submit to commit': idle,
  };
}

async function benchReads(client: LedgerClient): Promise<Record<string, number>> {
  const evaluation = await medianMilliseconds(EVALUATIONS, () => client.evaluate(CHANNEL, 'Get', ['row0']));
  const one = await medianMilliseconds(5, () => client.evaluate(CHANNEL, 'GetTimes', ['row0', '1']));
  const many = await medianMilliseconds(5, () => client.evaluate(CHANNEL, 'GetTimes', ['row0', String(READS)]));
  return {
    'evaluation of one read, ms': evaluation,
    'getState within a transaction, µs': Math.round(((many - one) / READS) * 10_000) / 10,
  };
}

async function inParallel(count: number, concurrency: number, task: () => Promise<unknown>): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      await task();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

async function bestOf(pid: number, run: () => Promise<void>): Promise<{ seconds: number; cpuSeconds: number }> {
  let best = { seconds: Infinity, cpuSeconds: Infinity };
  for (let i = 0; i < RUNS; i++) {
    const cpu = cpuSecondsOf(pid);
    const start = performance.now();
    await run();
    best = {
      seconds: Math.min(best.seconds, (performance.now() - start) / 1000),
      cpuSeconds: Math.min(best.cpuSeconds, cpuSecondsOf(pid) - cpu),
    };
  }
  return best;
}

async function medianMilliseconds(count: number, task: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await task();
    times.push(performance.now() - start);
  }
  const middle = times.sort((a, b) => a - b)[Math.floor(count / 2)]!;
  return Math.round(middle * 100) / 100;
}

/** CPU time of a process, from Linux' /proc; NaN elsewhere. */
function cpuSecondsOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100; // utime and stime, in ticks of 10 ms
  } catch {
    return NaN;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [name, value] of Object.entries(await benchLedger())) {
    console.log(`${name}: ${value}`);
  }
}
