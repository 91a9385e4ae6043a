// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ClientError } from '../runtime/errors.js';
import { createFileKey } from '../runtime/sealed-file.js';
import type { ChildSpec } from './processes/child.js';

/** The program that runs every party: `gridveil` itself. */
const PROGRAM = fileURLToPath(new URL('../cli/main.js', import.meta.url));

const CONFIG_NAME = 'config.json';

/** Time limit of a party's command that only computes something, which needs a second. */
const COMMAND_MILLISECONDS = 60_000;
/** Output limit, enough for the codes of a full region. */
const COMMAND_OUTPUT_BYTES = 16 * 1024 * 1024;

/** Temporary directory of a run, with one directory per party. */
export class RunDirectory {
  readonly logs: string;

  private constructor(readonly root: string) {
    this.logs = join(root, 'logs');
  }

  static async create(): Promise<RunDirectory> {
    // Node resolves a script's path; on some systems the temporary directory is a symbolic link.
    const runDirectory = new RunDirectory(await realpath(await mkdtemp(join(tmpdir(), 'gridveil-demo-'))));
    await mkdir(runDirectory.logs, { mode: 0o700 });
    return runDirectory;
  }

  /** Creates a party's directory with its own file key. */
  async createPartyDirectory(name: string): Promise<PartyDirectory> {
    const root = join(this.root, name);
    await mkdir(root, { mode: 0o700 });
    const partyDirectory = new PartyDirectory(name, root);
    await createFileKey(partyDirectory.keyFile);
    return partyDirectory;
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}

/** Directory of one party: its file key, configuration and state. */
export class PartyDirectory {
  readonly keyFile: string;
  readonly configFile: string;
  /** The `directory` of the party's configuration. */
  readonly stateDirectory: string;

  constructor(
    readonly name: string,
    readonly root: string,
  ) {
    this.keyFile = join(root, 'file-key');
    this.configFile = join(root, CONFIG_NAME);
    this.stateDirectory = join(root, 'state');
  }

  /** Writes the party's configuration. */
  configure(config: object): Promise<string> {
    return this.write(CONFIG_NAME, config);
  }

  /** Writes a JSON file for the party, readable by its owner only; amounts become decimal strings. */
  async write(name: string, content: object): Promise<string> {
    const path = join(this.root, name);
    const plain = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value);
    await writeFile(path, `${JSON.stringify(content, plain, 2)}\n`, { mode: 0o600 });
    return path;
  }

  /** Specification of the party's process on the stepped clock, for a command such as `meter host`. */
  spec(...command: readonly string[]): ChildSpec {
    return {
      name: this.name,
      script: PROGRAM,
      args: [...command, '--config', this.configFile, '--log-level', 'warn', '--stepped-clock'],
      environment: { GRIDVEIL_KEY_FILE: this.keyFile },
      directory: this.root,
      stepped: true,
      reports: true,
    };
  }

  /**
   * Runs a command of the party and waits for its end.
   *
   * @returns its `--json` result
   * @throws ClientError PARTY_FAILED with its stderr
   */
  ask(...command: readonly string[]): Promise<unknown> {
    const args = [PROGRAM, ...command, '--config', this.configFile, '--json'];
    return new Promise((resolve, reject) => {
      execFile(
        process.execPath,
        args,
        {
          cwd: this.root,
          env: { PATH: process.env['PATH'], GRIDVEIL_KEY_FILE: this.keyFile },
          timeout: COMMAND_MILLISECONDS,
          maxBuffer: COMMAND_OUTPUT_BYTES,
        },
        (error, stdout, stderr) => {
          if (error === null) {
            resolve(JSON.parse(stdout));
          } else {
            reject(new ClientError('PARTY_FAILED', `${this.name}: ${command.join(' ')}: ${stderr || error.message}`));
          }
        },
      );
    });
  }
}
