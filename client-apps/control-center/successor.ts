// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { meterIdentity, sharedLinkKey } from '../../protocol/identity/meter-identity.js';
import { pricePseudonymCommitment } from '../../protocol/identity/pseudonym.js';
import { fingerprint } from '../../protocol/ledger/parameters.js';
import { parametersDigest } from '../../protocol/ledger/parameters-json.js';
import type { ProvidedKind } from '../../protocol/ledger/row.js';
import { type Successor, signSuccessor } from '../../protocol/ledger/successor.js';
import { checkSuccessor } from '../../protocol/rules/check-successor.js';
import { parametersFor, successorFor } from '../../protocol/schedule/versions.js';
import { readParameters } from '../ledger/read-parameters.js';
import type { RegionLedger } from '../ledger/region-ledger.js';
import { ClientError } from '../runtime/errors.js';
import type { ControlCenterKeys } from './keys.js';

/** A service provider as the operator names it. */
export interface NamedServiceProvider {
  readonly mspId: string;
  /** pk_SP, X25519. */
  readonly publicKey: Uint8Array;
  /** sigPk_SP, Ed25519. */
  readonly signaturePublicKey: Uint8Array;
}

/**
 * Names the successor of a service provider that has vanished, on both ledgers from the oldest interval that is open
 * there. A repetition after an interruption names it where it is not named yet.
 *
 * @returns start of the first interval of each ledger
 * @throws LedgerError `NOT_EFFECTIVE` when it is too early, `ALREADY_CHOSEN`, `CONFLICT` when another one is named;
 *   ProtocolError as `checkSuccessor`; ClientError UNREACHABLE, WRONG_STATE when no consumption is sealed
 */
export async function nameSuccessor(
  ledger: RegionLedger,
  keys: Pick<ControlCenterKeys, 'secretKey' | 'signing'>,
  named: NamedServiceProvider,
): Promise<Readonly<Record<ProvidedKind, number>>> {
  const pricing = await successorOn('pricing', ledger, keys, named);
  const billing = await successorOn('billing', ledger, keys, named);
  return { pricing: pricing.fromSeconds, billing: billing.fromSeconds };
}

async function successorOn(
  kind: ProvidedKind,
  ledger: RegionLedger,
  keys: Pick<ControlCenterKeys, 'secretKey' | 'signing'>,
  { mspId, publicKey, signaturePublicKey }: NamedServiceProvider,
): Promise<Successor> {
  const list = await readParameters(ledger, fingerprint(sodiumCrypto, keys.signing.publicKey));
  const fromSeconds = list && (await ledger.oldestOpen(kind, list[0]!.parameters));
  if (list === undefined || fromSeconds === undefined) {
    throw new ClientError('WRONG_STATE', 'no interval is sealed yet, so no service provider can have vanished');
  }
  const committed = successorFor(list, kind, fromSeconds);
  if (committed !== undefined && equalBytes(committed.serviceProvider.signaturePublicKey, signaturePublicKey)) {
    return committed;
  }
  const parameters = parametersFor(list, fromSeconds);
  const identity = meterIdentity(sodiumCrypto, publicKey);
  const pseudonymKey = sharedLinkKey(sodiumCrypto, keys.secretKey, publicKey);
  const successor: Successor = {
    kind,
    region: parameters.region,
    fromSeconds,
    parametersVersion: parameters.version,
    parametersDigest: parametersDigest(sodiumCrypto, parameters),
    serviceProvider: {
      mspId,
      identity,
      signaturePublicKey,
      pricePseudonymCommitment: pricePseudonymCommitment(sodiumCrypto, identity, pseudonymKey),
    },
    serviceProviderKey: publicKey,
  };
  const signed = signSuccessor(sodiumCrypto, successor, keys.signing);
  checkSuccessor(sodiumCrypto, signed, parameters);
  await ledger.putSuccessor(signed);
  return successor;
}
