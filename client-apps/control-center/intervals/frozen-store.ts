// SPDX-License-Identifier: Apache-2.0
import { decodeSealsFile, encodeSealsFile, type SealedLedger } from '../../../protocol/ledger/bulletin.js';
import type { SealedStore, StoreChange } from '../../runtime/sealed-store.js';
import type { Cut } from './cut.js';
import { storeKey } from '../store-keys.js';

/** A frozen interval: the bytes that a restart submits again. */
export type Frozen = Omit<Cut, 'suppressed'>;

/** The changes that freeze a cut. */
export function freezeChanges(startSeconds: number, cut: Frozen): StoreChange[] {
  const key = (part: string): string => storeKey.frozen(startSeconds, part);
  return [
    { key: key('consumption'), value: encodeSealsFile({ consumption: cut.sealed }) },
    { key: key('rows'), value: cut.rows },
    { key: key('index'), value: cut.index },
    { key: key('witnesses'), value: cut.witnesses },
  ];
}

/** A frozen interval that is not settled, or undefined. */
export async function loadFrozen(store: SealedStore, startSeconds: number): Promise<Frozen | undefined> {
  const sealed = await loadSealed(store, startSeconds);
  if (sealed === undefined) {
    return undefined;
  }
  const part = async (name: string): Promise<Uint8Array> => (await store.get(storeKey.frozen(startSeconds, name)))!;
  return { sealed, rows: await part('rows'), index: await part('index'), witnesses: await part('witnesses') };
}

async function loadSealed(store: SealedStore, startSeconds: number): Promise<SealedLedger | undefined> {
  const bytes = await store.get(storeKey.frozen(startSeconds, 'consumption'));
  return bytes === undefined ? undefined : decodeSealsFile(bytes).consumption;
}

/** The changes that delete a settled interval. */
export function thawChanges(startSeconds: number): StoreChange[] {
  return ['consumption', 'rows', 'index', 'witnesses'].map((part) => ({ key: storeKey.frozen(startSeconds, part) }));
}
