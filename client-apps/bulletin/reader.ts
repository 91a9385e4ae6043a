// SPDX-License-Identifier: Apache-2.0
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { consumersFile, directoryFile, PARAMETERS_FILE } from '../../protocol/ledger/bulletin.js';
import { readIfPresent } from '../runtime/atomic-file.js';
import { intervalPath, maximumFileLength, type IntervalFile } from './layout.js';
import { ClientError } from '../runtime/errors.js';
import { answerReason, PinnedHttps } from '../links/pinned-https.js';

/**
 * Source of bulletin files for meters, hubs and auditors. The bytes are untrusted until they are checked against signed
 * seals. There is no "latest": a reader asks for the next interval and gets undefined until it is sealed.
 */
export interface BulletinSource {
  /** The bytes of `parameters.json`, or undefined. */
  readParameters(): Promise<Uint8Array | undefined>;
  /** The bytes of a registry epoch's relay directory, or undefined. */
  readDirectory(region: string, epoch: number): Promise<Uint8Array | undefined>;
  /** The bytes of a registry epoch's consumer list, or undefined. */
  readConsumers(region: string, epoch: number): Promise<Uint8Array | undefined>;
  /** The bytes of a file of the interval that starts at `startSeconds` (Unix seconds), or undefined. */
  readFile(region: string, startSeconds: number, file: IntervalFile): Promise<Uint8Array | undefined>;
  close(): void;
}

abstract class PathSource implements BulletinSource {
  readParameters(): Promise<Uint8Array | undefined> {
    return this.read(PARAMETERS_FILE);
  }

  readDirectory(region: string, epoch: number): Promise<Uint8Array | undefined> {
    return this.read(directoryFile(region, epoch));
  }

  readConsumers(region: string, epoch: number): Promise<Uint8Array | undefined> {
    return this.read(consumersFile(region, epoch));
  }

  readFile(region: string, startSeconds: number, file: IntervalFile): Promise<Uint8Array | undefined> {
    return this.read(intervalPath(region, startSeconds, file));
  }

  abstract close(): void;
  protected abstract read(path: string): Promise<Uint8Array | undefined>;
}

/** A bulletin in a directory of this machine. */
export class DirectoryBulletin extends PathSource {
  constructor(readonly root: string) {
    super();
  }

  override close(): void {}

  protected override async read(path: string): Promise<Uint8Array | undefined> {
    const full = join(this.root, path);
    const size = await stat(full).then(
      (stats) => stats.size,
      () => 0,
    );
    const maximum = maximumFileLength(path);
    if (size > maximum) {
      throw new ClientError('LIMIT_EXCEEDED', `${path}: expected at most ${maximum} bytes, got ${size}`);
    }
    return readIfPresent(full);
  }
}

/** Addresses at which a household finds the bulletin. */
export interface BulletinServers {
  readonly controlCenter: ServerAddress;
  readonly mirrors: readonly ServerAddress[];
  readonly trustAnchor?: Uint8Array | undefined;
}

interface ServerAddress {
  readonly url: string;
  readonly pin: Uint8Array;
}

/**
 * The servers of a bulletin, the region's own first.
 *
 * @throws ClientError CONFIG_INVALID for mirrors without a trust anchor: the key found first would be one of theirs
 */
export function bulletinServers({ controlCenter, mirrors, trustAnchor }: BulletinServers): HttpsBulletin[] {
  if (mirrors.length > 0 && trustAnchor === undefined) {
    throw new ClientError('CONFIG_INVALID', 'mirrors need a trustAnchor, by which what they give is checked');
  }
  return [controlCenter, ...mirrors].map(({ url, pin }) => new HttpsBulletin(url, pin));
}

/** A bulletin over HTTPS, authenticated by the pin of the server's key. */
export class HttpsBulletin extends PathSource {
  readonly #https: PinnedHttps;

  /** @param url the server's address, @param pin of its key, 32 bytes */
  constructor(url: string, pin: Uint8Array) {
    super();
    this.#https = new PinnedHttps(url, pin);
  }

  override close(): void {
    this.#https.close();
  }

  /** @throws ClientError UNREACHABLE, WRONG_PIN, BAD_ANSWER */
  protected override async read(path: string): Promise<Uint8Array | undefined> {
    const answer = await this.#https.get(`/${path}`, maximumFileLength(path));
    if (answer.status === 200) {
      return answer.body;
    }
    if (answer.status === 404) {
      return undefined;
    }
    throw new ClientError('BAD_ANSWER', `${path}: ${answerReason(answer)}`);
  }
}
