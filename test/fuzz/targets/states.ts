// SPDX-License-Identifier: Apache-2.0
import { decodeHubState, encodeHubState } from '../../../client-apps/consumer/state/state-codec.js';
import { NO_SUMS } from '../../../client-apps/consumer/state/state.js';
import {
  decodeAcceptedPacket,
  encodeAcceptedPacket,
} from '../../../client-apps/control-center/intake/accepted-packet.js';
import {
  decodeClosing,
  decodeSettling,
  encodeClosing,
  encodeSettling,
} from '../../../client-apps/control-center/intervals/progress.js';
import { parseChaincodeRefusal } from '../../../client-apps/ledger/ledger-error.js';
import { decodeRecord, encodeRecord } from '../../../client-apps/meter/state-codec.js';
import { FileKey } from '../../../client-apps/runtime/sealed-file.js';
import { IntervalMaker } from '../../support/interval.js';
import { fixedSecret } from '../../support/onion.js';
import { FakeRegion } from '../../support/region.js';
import { textOf, utf8, type FuzzTarget } from '../input.js';
import { attempt, codec, jsonCodec } from '../target.js';

const region = new FakeRegion();
const interval = new IntervalMaker(region).next(new Array<number>(6).fill(0));
const secret = fixedSecret('fuzz');
const fileKey = new FileKey(secret.slice(), 'test', 'fuzz');
const pseudonym = fixedSecret('pseudonym');
const start = region.startOf(0);

const hubState = {
  certificate: 'PEM',
  trustAnchor: secret,
  nextSeconds: start,
  previousSeals: { consumption: interval.consumption.seal.seal, pricing: interval.pricing.seal.seal },
  suspectSeconds: start,
  open: [{ epoch: 0, k: 1, pseudonym, ledgerSeconds: start }],
  seen: [{ epoch: 0, k: 1, pseudonym }],
  totals: [{ ledgerSeconds: start, slotSeconds: start, measured: 5n, carried: 1n }],
  offset: -5n,
  unpublishedSeconds: undefined,
  sums: NO_SUMS,
};
const pendingRecord = { pending: { secretKey: secret, meterKey: secret, linkSeed: secret, request: secret } };
const packet = {
  meterNumber: 5,
  slotStartSeconds: start,
  rows: [{ meterNumber: 5, k: 1, previous: secret, row: new Uint8Array(177) }],
};

const sealedFile: FuzzTarget = {
  name: 'sealed-file',
  seeds: () => [fileKey.seal('name', utf8('content')), fileKey.seal('name', new Uint8Array())],
  run: (bytes) => attempt(() => fileKey.open('name', bytes)) !== undefined,
};

/** The text of an error of a chaincode, as a peer passes it on. */
const refusal: FuzzTarget = {
  name: 'chaincode-refusal',
  seeds: () => [utf8('chaincode response 500, BAD_LENGTH: row: expected 177 bytes, got 3')],
  run: (bytes) => attempt(() => parseChaincodeRefusal(textOf(bytes)))?.value !== undefined,
};

/** What parties keep for themselves, and the text of refusals. */
export const targets: readonly FuzzTarget[] = [
  jsonCodec('meter-record', { decode: decodeRecord, encode: encodeRecord, seeds: () => [encodeRecord(pendingRecord)] }),
  jsonCodec('hub-state', { decode: decodeHubState, encode: encodeHubState, seeds: () => [encodeHubState(hubState)] }),
  codec('accepted-packet', {
    decode: decodeAcceptedPacket,
    encode: encodeAcceptedPacket,
    seeds: () => [encodeAcceptedPacket(packet), encodeAcceptedPacket({ ...packet, rows: [] })],
  }),
  jsonCodec('closing-progress', {
    decode: decodeClosing,
    encode: encodeClosing,
    seeds: () => [
      encodeClosing({ firstStartSeconds: start }),
      encodeClosing({ firstStartSeconds: start, consumption: interval.consumption.seal }),
    ],
  }),
  jsonCodec('settling-progress', {
    decode: decodeSettling,
    encode: encodeSettling,
    seeds: () => [encodeSettling({ pricing: interval.pricing.seal, billing: interval.billing.seal })],
  }),
  sealedFile,
  refusal,
];
