// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, type Dirent, fstatSync, openSync, readSync } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { MAXIMUM_EPOCH } from '../../protocol/crypto/ggm.js';
import { ProtocolError } from '../../protocol/errors.js';
import { PARAMETERS_FILE } from '../../protocol/ledger/bulletin.js';
import { MAXIMUM_SECONDS } from '../../protocol/ledger/limits.js';
import { isIntervalFile, isLeftover, type Kind, maximumFileLength, printable, REGION_NAME } from './layout.js';

/** Entries of one folder that are looked at: the intervals of 9 years of 5 minutes. */
export const MAXIMUM_FOLDER_ENTRIES = 1_000_000;

/** Foreign entries of one folder that are named; the others are counted. */
const MAXIMUM_NAMED = 10_000;

/** Entries by name or number, ascending. */
export type Entries<Name = string> = ReadonlyMap<Name, Kind>;

/** Receives what is found beside the parts of a bulletin. Paths are printable. */
export interface TreeListener {
  onFault(path: string, code: 'UNKNOWN_FILE' | 'UNREADABLE' | 'LIMIT_EXCEEDED' | 'MALFORMED', message: string): void;
  /** Faults that are counted and not named. */
  onUnnamed(faults: number): void;
  /** Files that a file manager left, or a publisher added; see `isLeftover`. */
  onLeftover(path: string): void;
}

/** Entries of one region. */
export interface RegionTree {
  /** By registry epoch. */
  readonly directories: Entries<number>;
  /** By registry epoch. */
  readonly consumers: Entries<number>;
  /** By start. */
  readonly intervals: Entries<number>;
}

/** Lists the folders of a bulletin one by one and reads its files, whatever the directory holds. */
export class BulletinTree {
  readonly #root: string;
  readonly #listener: TreeListener;

  constructor(root: string, listener: TreeListener) {
    this.#root = root;
    this.#listener = listener;
  }

  /** `parameters.json` and the folder `bulletin`. */
  top(): Promise<Entries> {
    return this.#list('', (name) => name === PARAMETERS_FILE || name === 'bulletin');
  }

  /**
   * The folders of regions.
   *
   * @param kind of the folder `bulletin`
   * @param own the only region that may be there; undefined for any
   */
  async regions(kind: Kind | undefined, own: string | undefined): Promise<string[]> {
    if (!this.#isFolder('bulletin', kind)) {
      return [];
    }
    const found = await this.#list('bulletin', (name) => (own === undefined ? REGION_NAME.test(name) : name === own));
    return [...found].flatMap(([name, kindOfRegion]) =>
      this.#isFolder(`bulletin/${name}`, kindOfRegion) ? [name] : [],
    );
  }

  async region(region: string): Promise<RegionTree> {
    const folder = `bulletin/${region}`;
    const isNumbered = new Set(['directory', 'consumers']);
    const found = await this.#list(
      folder,
      (name) => isNumbered.has(name) || numberIn(name, MAXIMUM_SECONDS) !== undefined,
    );
    const epochs = async (name: string): Promise<Entries<number>> => {
      const path = `${folder}/${name}`;
      return this.#isFolder(path, found.get(name))
        ? numbered(await this.#list(path, (file) => epochIn(file) !== undefined), epochIn)
        : new Map();
    };
    return {
      directories: await epochs('directory'),
      consumers: await epochs('consumers'),
      intervals: numbered(found, (name) => numberIn(name, MAXIMUM_SECONDS)),
    };
  }

  /** The files of an interval. @param kind of its folder */
  async interval(folder: string, kind: Kind | undefined): Promise<Entries> {
    return this.#isFolder(folder, kind) ? this.#list(folder, isIntervalFile) : new Map();
  }

  /**
   * Reads a file, which is opened only if it is a regular file, and read only if its size is possible.
   *
   * @param length that it must have; undefined for any up to the maximum of its name
   * @throws ProtocolError MALFORMED, LIMIT_EXCEEDED, BAD_LENGTH, UNREADABLE
   */
  read(path: string, kind: Kind | undefined, length?: number): Uint8Array {
    if (kind !== 'file') {
      throw new ProtocolError('MALFORMED', kind === undefined ? 'file is missing' : `expected a file, found a ${kind}`);
    }
    try {
      return readRegularFile(join(this.#root, path), maximumFileLength(path), length);
    } catch (cause) {
      if (cause instanceof ProtocolError) {
        throw cause;
      }
      throw new ProtocolError('UNREADABLE', `cannot be read: ${codeOf(cause)}`, { cause });
    }
  }

  /** Whether an entry is a folder; a fault if it is something else. */
  #isFolder(path: string, kind: Kind | undefined): boolean {
    if (kind !== undefined && kind !== 'folder') {
      this.#listener.onFault(path, 'MALFORMED', `expected a folder, found a ${kind}`);
    }
    return kind === 'folder';
  }

  /** The parts of a bulletin in a folder, sorted; all else goes to the listener. */
  async #list(folder: string, isPart: (name: string) => boolean): Promise<Map<string, Kind>> {
    const parts: [string, Kind][] = [];
    const foreign: [string, Kind][] = [];
    let count = 0;
    try {
      for await (const entry of await opendir(join(this.#root, folder), { bufferSize: 1_000 })) {
        if (++count > MAXIMUM_FOLDER_ENTRIES) {
          const message = `more than ${MAXIMUM_FOLDER_ENTRIES} entries; the others are not looked at`;
          this.#listener.onFault(folder || '.', 'LIMIT_EXCEEDED', message);
          break;
        }
        const kind = kindOf(entry);
        if (isPart(entry.name)) {
          parts.push([entry.name, kind]);
        } else if (isLeftover(entry.name, kind)) {
          this.#listener.onLeftover(printable(pathOf(folder, entry.name)));
        } else if (foreign.length < MAXIMUM_NAMED) {
          foreign.push([entry.name, kind]);
        } else {
          this.#listener.onUnnamed(1);
        }
      }
    } catch (error) {
      this.#listener.onFault(folder || '.', 'UNREADABLE', `cannot be listed: ${codeOf(error)}`);
    }
    for (const [name, kind] of foreign.sort(byName)) {
      const message = `a ${kind} that is not part of this bulletin`;
      this.#listener.onFault(printable(pathOf(folder, name)), 'UNKNOWN_FILE', message);
    }
    return new Map(parts.sort(byName));
  }
}

/** @throws ProtocolError MALFORMED, LIMIT_EXCEEDED, BAD_LENGTH, UNREADABLE; an error of the file system */
function readRegularFile(path: string, maximumLength: number, length: number | undefined): Uint8Array {
  // The entry may have been replaced since it was listed: no link is followed, and a FIFO does not block.
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) {
      throw new ProtocolError('MALFORMED', 'expected a file, found something else');
    }
    if (length !== undefined && stats.size !== length) {
      throw new ProtocolError('BAD_LENGTH', `expected ${length} bytes, got ${stats.size}`);
    }
    if (stats.size > maximumLength) {
      throw new ProtocolError('LIMIT_EXCEEDED', `expected at most ${maximumLength} bytes, got ${stats.size}`);
    }
    const bytes = new Uint8Array(stats.size);
    for (let offset = 0; offset < bytes.length;) {
      const read = readSync(file, bytes, offset, bytes.length - offset, offset);
      if (read === 0) {
        throw new ProtocolError('UNREADABLE', 'shortened while it was read');
      }
      offset += read;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}

/** Kind of an entry of a folder. */
export function kindOf(entry: Dirent): Kind {
  if (entry.isFile()) {
    return 'file';
  }
  if (entry.isDirectory()) {
    return 'folder';
  }
  if (entry.isSymbolicLink()) {
    return 'symbolic link';
  }
  if (entry.isFIFO()) {
    return 'FIFO';
  }
  if (entry.isSocket()) {
    return 'socket';
  }
  return entry.isBlockDevice() || entry.isCharacterDevice() ? 'device' : 'entry of an unknown kind';
}

/** A number in a file name: no sign, no leading zeros. */
function numberIn(name: string, maximum: number): number | undefined {
  const value = /^(?:0|[1-9][0-9]{0,11})$/.test(name) ? Number(name) : Number.NaN;
  return value <= maximum ? value : undefined;
}

function epochIn(name: string): number | undefined {
  return name.endsWith('.json') ? numberIn(name.slice(0, -'.json'.length), MAXIMUM_EPOCH) : undefined;
}

function numbered(entries: Entries, numberOf: (name: string) => number | undefined): Map<number, Kind> {
  const found: [number, Kind][] = [];
  for (const [name, kind] of entries) {
    const number = numberOf(name);
    if (number !== undefined) {
      found.push([number, kind]);
    }
  }
  return new Map(found.sort(([a], [b]) => a - b));
}

function byName([a]: readonly [string, Kind], [b]: readonly [string, Kind]): number {
  return a < b ? -1 : 1;
}

function pathOf(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/** The code of a file-system error; its message would contain the path unescaped. */
function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}
