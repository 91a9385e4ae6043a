// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { EmbeddedLedgerError } from './errors.js';
import { organizationsPath } from '../topology/network-directory.js';

const controlSchema = z.object({ pid: z.number().int(), port: z.number().int(), token: z.string() });

/** Everything that a ledger writes into its directory; the logs are those of the ledger and of its chaincode servers. */
const OWN_NAME =
  /^(organizations(\.partial)?|ledger|(ports|control|chaincode-servers)\.json(\.partial)?|[A-Za-z0-9_-]+\.log)$/;

/** Address of the process that serves a directory. Its id says nothing until the process has answered to the token. */
export type ControlAddress = z.infer<typeof controlSchema>;

/** The files of one development ledger: certificates, database, ports, and the address of its process. */
export class LedgerDirectory {
  readonly organizations: string;
  readonly database: string;
  readonly log: string;
  readonly #ports: string;
  readonly #control: string;

  constructor(readonly path: string) {
    this.organizations = organizationsPath(path);
    this.database = join(path, 'ledger');
    this.log = join(path, 'ledger.log');
    this.#ports = join(path, 'ports.json');
    this.#control = join(path, 'control.json');
  }

  hasOrganizations(): boolean {
    return existsSync(this.organizations);
  }

  /** @throws EmbeddedLedgerError NOT_OURS if the path holds no ledger and something else */
  create(): void {
    // A ledger is continued beside whatever else is in its directory; only a new one must not mix with other files.
    if (!this.hasOrganizations() || !existsSync(this.#ports)) {
      this.#requireOurs();
    }
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
  }

  /** @throws EmbeddedLedgerError NOT_OURS, with nothing removed, if the path holds anything else than a ledger */
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
      refuse('is not a directory');
    }
    const foreign = readdirSync(this.path).find((name) => !OWN_NAME.test(name));
    if (foreign !== undefined) {
      refuse(`holds ${foreign}, which is not a ledger's`);
    }
  }

  /** Ports of an earlier start. */
  readPorts(): ReadonlyMap<string, number> | undefined {
    return existsSync(this.#ports)
      ? new Map(Object.entries(z.record(z.string(), z.number().int()).parse(readJson(this.#ports))))
      : undefined;
  }

  writePorts(ports: ReadonlyMap<string, number>): void {
    writeJson(this.#ports, Object.fromEntries(ports));
  }

  /** @returns where the process that serves the directory answered last; undefined if it has ended, or the file is damaged */
  readControl(): ControlAddress | undefined {
    try {
      return controlSchema.parse(readJson(this.#control));
    } catch {
      return undefined;
    }
  }

  writeControl(control: ControlAddress): void {
    writeJson(this.#control, control);
  }

  removeControl(): void {
    rmSync(this.#control, { force: true });
  }
}

/** Whether a process with this id runs, of this user. */
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
