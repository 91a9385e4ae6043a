// SPDX-License-Identifier: Apache-2.0
import { getOrMake } from '../../protocol/get-or-make.js';
import type { IntervalFileSource } from '../../protocol/rules/verify-interval.js';
import type { Kind } from './layout.js';
import type { BulletinTree, Entries } from './tree.js';

/** The files of an interval's folder, each read when an audit comes to it, and kept. */
export class FolderFiles implements IntervalFileSource {
  readonly #read = new Map<string, Uint8Array>();

  readonly #tree: BulletinTree;
  readonly #folder: string;
  readonly #entries: Entries;

  constructor(tree: BulletinTree, folder: string, entries: Entries) {
    this.#tree = tree;
    this.#folder = folder;
    this.#entries = entries;
  }

  keys(): Iterable<string> {
    return this.#entries.keys();
  }

  /** Entries with the name of a file that are not regular files. */
  others(): [string, Kind][] {
    return [...this.#entries].filter(([, kind]) => kind !== 'file');
  }

  /** @throws ProtocolError as `BulletinTree.read` */
  get(name: string, length?: number): Uint8Array | undefined {
    const kind = this.#entries.get(name);
    if (kind === undefined) {
      return undefined;
    }
    return getOrMake(this.#read, name, () => this.#tree.read(`${this.#folder}/${name}`, kind, length));
  }
}
