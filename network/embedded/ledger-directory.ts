// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { EmbeddedLedgerError } from './errors.js';
import { NetworkDirectory } from '../topology/network-directory.js';

const controlSchema = z.object({ pid: z.number().int(), port: z.number().int(), token: z.string() });

/** All that a ledger puts into its directory; the logs are its own and its chaincode servers'. */
const OWN_NAME =
  /^(organizations(\.partial)?|ledger|(ports|control|chaincode-servers)\.json(\.partial)?|[a-z-]+\.log)$/;

/** How to reach the process that serves a directory. */
export type ControlAddress = z.infer<typeof controlSchema>;

/** The files of one development ledger: certificates, database, ports, and the way to its process. */
export class LedgerDirectory extends NetworkDirectory {
  readonly database: string;
  readonly log: string;
  readonly #ports: string;
  readonly #control: string;

  constructor(path: string) {
    super(path);
    this.database = join(path, 'ledger');
    this.log = join(path, 'ledger.log');
    this.#ports = join(path, 'ports.json');
    this.#control = join(path, 'control.json');
  }

  /** @throws EmbeddedLedgerError NOT_OURS, of a directory that holds no ledger but something else */
  create(): void {
    if (!this.hasOrganizations()) {
      this.#requireOurs();
    }
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
  }

  /** @throws EmbeddedLedgerError NOT_OURS, and removes nothing, when it holds anything else than a ledger */
  remove(): void {
    this.#requireOurs();
    rmSync(this.path, { recursive: true, force: true });
  }

  #requireOurs(): void {
    if (!existsSync(this.path)) {
      return;
    }
    const refuse = (reason: string): never => {
      throw new EmbeddedLedgerError('NOT_OURS', `${this.path} ${reason}; nothing was changed`);
    };
    if (!statSync(this.path).isDirectory()) {
      refuse('is no directory');
    }
    const foreign = readdirSync(this.path).find((name) => !OWN_NAME.test(name));
    if (foreign !== undefined) {
      refuse(`holds ${foreign}, which is no ledger's`);
    }
  }

  /** Ports of an earlier run: clients keep the addresses that they have read. */
  readPorts(): ReadonlyMap<string, number> | undefined {
    return existsSync(this.#ports)
      ? new Map(Object.entries(z.record(z.string(), z.number().int()).parse(readJson(this.#ports))))
      : undefined;
  }

  writePorts(ports: ReadonlyMap<string, number>): void {
    writeJson(this.#ports, Object.fromEntries(ports));
  }

  /** @returns undefined if no process serves the directory */
  readControl(): ControlAddress | undefined {
    if (!existsSync(this.#control)) {
      return undefined;
    }
    const control = controlSchema.parse(readJson(this.#control));
    return isRunning(control.pid) ? control : undefined;
  }

  writeControl(control: ControlAddress): void {
    writeJson(this.#control, control);
  }

  removeControl(): void {
    rmSync(this.#control, { force: true });
  }
}

/** Whether a process of ours with this id runs. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

function writeJson(path: string, value: unknown): void {
  writeFileSync(`${path}.partial`, `${JSON.stringify(value)}\n`, { mode: 0o600 });
  renameSync(`${path}.partial`, path);
}
