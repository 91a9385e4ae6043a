// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sharedPath } from './shared-data.js';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const STAND_IN = 'tools/test-network-native.sh';
/** The stand-in builds Fabric's own external builder once, with Go. */
const COMMAND_MILLISECONDS = 300_000;
const TOOLS = ['peer', 'osnadmin', 'cryptogen', 'configtxgen', 'configtxlator'];

/** Outcome of a command. */
export interface Ended {
  /** Exit code; a signal's name when one ended it. */
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** fabric-samples' own test-network with native processes in the place of Docker's containers. */
export class NativeTestNetwork {
  readonly directory: string;
  readonly scratch = mkdtempSync(join(tmpdir(), 'gridveil-test-network-'));
  /** Commands that `network.sh` and the deploy script find first in PATH. */
  readonly path: string;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(
    readonly script: string,
    samples: string,
    native: string,
  ) {
    this.directory = join(samples, 'test-network');
    const folder = join(dirname(script), 'native-docker');
    this.path = this.#dockerFolder(folder);
    this.#environment = {
      ...process.env,
      FABRIC_NATIVE: native,
      FABRIC_SAMPLES: samples,
      WORK: join(this.scratch, 'work'),
      NATIVE_DOCKER_STATE: join(this.scratch, 'work', 'native-docker'),
      CCAAS_BUILDER: join(this.scratch, 'work', 'ccaas_builder'),
      PATH: [this.path, folder, '/usr/sbin', process.env['PATH']].join(':'),
    };
    delete this.#environment['FABRIC_BIN'];
    delete this.#environment['FABRIC_CFG_PATH'];
    mkdirSync(join(this.scratch, 'work'));
  }

  /**
   * Declares, in a `describe`, that its tests need the stand-in: the script in `GRIDVEIL_SHARED`, `FABRIC_NATIVE` (Fabric's
   * binaries, configuration and external builder) and `FABRIC_SAMPLES`. Where one is absent, all are skipped, by name.
   */
  static use(): () => NativeTestNetwork {
    let standIn: NativeTestNetwork | undefined;
    before(function () {
      this.timeout(COMMAND_MILLISECONDS);
      const script = sharedPath(STAND_IN);
      const { FABRIC_NATIVE: native, FABRIC_SAMPLES: samples } = process.env;
      if (script === undefined || !native || !samples || !existsSync(join(samples, 'test-network'))) {
        this.skip();
      }
      standIn = new NativeTestNetwork(script, samples, native);
    });
    after(async function () {
      this.timeout(COMMAND_MILLISECONDS);
      if (standIn === undefined) {
        return;
      }
      await standIn.deploy(['-down']);
      await standIn.down();
      rmSync(standIn.scratch, { recursive: true, force: true });
    });
    return () => standIn!;
  }

  get state(): string {
    return join(this.directory, 'gridveil');
  }

  /** `network.sh up` from nothing. */
  async up(...flags: string[]): Promise<void> {
    await this.down();
    const { code, stdout, stderr } = await this.run(this.script, ['up', ...flags]);
    if (code !== 0) {
      throw new Error(`network.sh up: ${stdout}${stderr}`);
    }
  }

  /** `network.sh down`. */
  async down(): Promise<void> {
    await this.run(this.script, ['down']);
  }

  /** The deploy script, as on a machine where Org1's peer reaches this host at 127.0.0.1. */
  deploy(flags: readonly string[] = [], environment: NodeJS.ProcessEnv = {}): Promise<Ended> {
    return this.run(join(ROOT, 'scripts', 'deploy-to-test-network.sh'), [this.directory, ...flags], environment);
  }

  /** Any command with the stand-in in Docker's place, in a process group of its own. */
  run(command: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Ended> {
    return new Promise((done) => {
      const options = {
        cwd: ROOT,
        env: { ...this.#environment, ...environment },
        timeout: COMMAND_MILLISECONDS,
        maxBuffer: 64 * 1024 * 1024,
      };
      execFile('setsid', ['--wait', command, ...args], options, (error, stdout, stderr) =>
        done({ code: error === null ? 0 : (error.signal ?? Number(error.code)), stdout, stderr }),
      );
    });
  }

  /**
   * Fabric's tools, of which the n-th call is the last: when it has ended, the whole process group that called it is
   * killed, as by a closed terminal.
   *
   * @returns the environment for {@link deploy}, and how many calls there were
   */
  interruptedAfter(n: number): { environment: NodeJS.ProcessEnv; calls: () => number } {
    const folder = mkdtempSync(join(this.scratch, 'bin-'));
    const counter = join(folder, 'calls');
    mkdirSync(counter);
    const binaries = join(this.#environment['FABRIC_NATIVE']!, 'bin');
    for (const tool of TOOLS) {
      // A folder is made once, however many try: that counts the calls of parallel jobs too.
      const text = `#!/usr/bin/env bash
n=1
until mkdir "${counter}/$n" 2>/dev/null; do n=$((n + 1)); done
"${binaries}/${tool}" "$@"
status=$?
if [ "$n" = ${n} ]; then kill -9 -- "-$(ps -o pgid= -p $$ | tr -d ' ')"; fi
exit "$status"
`;
      writeFileSync(join(folder, tool), text);
      chmodSync(join(folder, tool), 0o755);
    }
    const FABRIC_CFG_PATH = join(this.#environment['FABRIC_NATIVE']!, 'config');
    return { environment: { FABRIC_BIN: folder, FABRIC_CFG_PATH }, calls: () => readdirSync(counter).length };
  }

  /** Process ids of the chaincode servers by name, such as `chaincode-pricing-2-peer0.org1.example.com`. */
  servers(): ReadonlyMap<string, number> {
    const folder = join(this.state, 'pids');
    const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.pid')) : [];
    return new Map(
      names.map((name) => [name.slice(0, -4), Number(readFileSync(join(folder, name), 'utf8').split('\n')[0])]),
    );
  }

  /** `docker network inspect fabric_test` answers with loopback; everything else is the stand-in's. */
  #dockerFolder(standIn: string): string {
    const folder = join(this.scratch, 'docker');
    mkdirSync(folder);
    const text = `#!/usr/bin/env bash
if [ "$1 $2 $3" = "network inspect fabric_test" ]; then echo 127.0.0.1; else exec "${join(standIn, 'docker')}" "$@"; fi
`;
    writeFileSync(join(folder, 'docker'), text);
    chmodSync(join(folder, 'docker'), 0o755);
    return folder;
  }
}
