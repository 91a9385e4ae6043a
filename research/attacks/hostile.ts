// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ClientError } from '../../client-apps/runtime/errors.js';

/** An attack on a running system: a claim that says who attacks, and whose tests are the attack. */
export interface HostileAttack {
  /** The claim's id, `topic/name`. */
  readonly name: string;
  /** Its expected outcome. */
  readonly sentence: string;
  /** The adversary. */
  readonly by: string;
  /** The steps of the attack. */
  readonly tried: string;
  /** The party that detects it, and by which evidence. */
  readonly noticed: string;
  /** The attack succeeds: it is documented, and its remedy comes later. */
  readonly succeeds: boolean;
}

/** Outcome of an attack. */
export interface AttackOutcome {
  /** `ok`: what the sentence says; `FAILED`: something else; `SKIPPED`: it cannot be tried here. */
  readonly status: 'ok' | 'FAILED' | 'SKIPPED';
  readonly seconds: number;
  /** Observations, a line each. */
  readonly seen: readonly string[];
  readonly reason?: string;
}

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const run = promisify(execFile);

interface Claim {
  readonly id: string;
  readonly sentence: string;
  readonly attack?: { readonly by: string; readonly tried: string; readonly noticed: string; readonly open?: true };
}

/** All attacks, by topic. */
export async function hostileAttacks(): Promise<HostileAttack[]> {
  const folder = join(ROOT, 'claims');
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort();
  const topics = await Promise.all(
    files.map(async (file) => {
      const claims = JSON.parse(await readFile(join(folder, file), 'utf8')) as readonly Claim[];
      return claims.flatMap((claim) => attackOf(claim, file.slice(0, -'.json'.length)));
    }),
  );
  return topics.flat();
}

function attackOf({ id, sentence, attack }: Claim, topic: string): HostileAttack[] {
  if (attack === undefined) {
    return [];
  }
  const { open, ...told } = attack;
  return [{ name: `${topic}/${id}`, sentence, ...told, succeeds: open === true }];
}

/**
 * Runs one attack, in a process of its own.
 *
 * @throws ClientError WRONG_USE for a name that is none, PARTY_FAILED when the claim cannot be checked
 */
export async function tryAttack(name: string): Promise<HostileAttack & AttackOutcome> {
  const attacks = await hostileAttacks();
  const attack = attacks.find((candidate) => candidate.name === name);
  if (attack === undefined) {
    const names = attacks.map((candidate) => candidate.name).join(', ');
    throw new ClientError('WRONG_USE', `expected one of ${names}, got ${name}`);
  }
  const scratch = await mkdtemp(join(tmpdir(), 'gridveil-attack-'));
  try {
    const results = join(scratch, 'results.json');
    await checkClaim(name, results);
    const { claims } = JSON.parse(await readFile(results, 'utf8')) as {
      claims: readonly (Omit<AttackOutcome, 'seen'> & { readonly seen?: readonly string[] })[];
    };
    const { status, seconds, seen = [], reason } = claims[0]!;
    return { ...attack, status, seconds, seen, ...(reason === undefined ? {} : { reason }) };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Exit code 1 means that the claim failed, which the results say. */
async function checkClaim(id: string, results: string): Promise<void> {
  const args = [join(ROOT, 'scripts', 'claims.mjs'), '--id', id, '--json', results];
  try {
    await run(process.execPath, args, { cwd: ROOT });
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 1) {
      throw new ClientError('PARTY_FAILED', `the check of claim ${id} did not come to its end`, { cause });
    }
  }
}
