// SPDX-License-Identifier: Apache-2.0
import { concatBytes, equalBytes, joinBytes } from '../../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../../protocol/crypto/sodium.js';
import { hpkeSeal } from '../../../protocol/crypto/hpke.js';
import { asciiBytes } from '../../../protocol/crypto/bytes.js';
import { mac } from '../../../protocol/crypto/hash.js';
import {
  authenticateControlCenterPayload,
  encodeControlCenterPayload,
  openControlCenterPacket,
} from '../../../protocol/onion/control-center-payload.js';
import { HEADER_LENGTH, PACKET_MAC_LENGTH, packetLength, PAYLOAD_LENGTH } from '../../../protocol/onion/geometry.js';
import { encodeHubPayload, openHubPacket } from '../../../protocol/onion/hub-payload.js';
import { peelPacket, sealInner, wrapPacket, type PeeledPacket } from '../../../protocol/onion/packet.js';
import { certifiedRole, issueLinkCertificate, linkKeyFromSeed } from '../../../client-apps/links/link-identity.js';
import { FRAME, FrameReader, MAXIMUM_BODY_LENGTH } from '../../../client-apps/links/frames.js';
import {
  decodeDrain,
  decodeMailboxPackets,
  encodeDrain,
  encodeMailboxPackets,
} from '../../../client-apps/links/mailbox-frames.js';
import { ALWAYS, seedOf } from '../../support/links.js';
import { fixedKey, fixedRandom, fixedSecret, layersTo } from '../../support/onion.js';
import { type FuzzTarget } from '../input.js';
import { attempt, codec } from '../target.js';

const EPOCH = 7;
const crypto = sodiumCrypto;
const key = fixedKey('relay', EPOCH);
const secret = fixedSecret('fuzz');
const random = fixedRandom('fuzz');
const pairing = { ...fixedKey('hub', EPOCH), pairingKey: secret };

/** Bytes cut or filled with zeros to a length. */
function fit(bytes: Uint8Array, length: number): Uint8Array {
  const fitted = new Uint8Array(length);
  fitted.set(bytes.subarray(0, length));
  return fitted;
}

const payload = {
  slotStartSeconds: 1_384_128_000,
  measuredMilliWattHours: 12_345n,
  carriedMilliWattHours: 5n,
  handles: [{ epoch: EPOCH, k: 1, pseudonym: secret }],
};
const toControlCenter = {
  meterNumber: 5,
  epoch: EPOCH,
  slotStartSeconds: 1_384_128_000,
  rows: [{ k: 3, row: new Uint8Array(177).fill(1) }],
};

/** A layer whose plaintext somebody chose who knows the relay's public key, as everybody does. */
const layerPlaintext: FuzzTarget = {
  name: 'onion-layer',
  seeds: () => [
    Uint8Array.from([0, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    Uint8Array.from([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    Uint8Array.from([2, 0, 0, 0, 0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0]),
  ],
  run(bytes) {
    const layers = (bytes[0] ?? 0) % 3 === 0 ? 2 : 1;
    const plaintext = fit(bytes, HEADER_LENGTH + packetLength(layers - 1));
    const prefix = Uint8Array.from([1, EPOCH >> 8, EPOCH & 255]);
    const info = asciiBytes('gridveil/v1/onion layer');
    const packet = concatBytes(
      prefix,
      hpkeSeal(crypto, { ephemeralSecretKey: secret, recipientPublicKey: key.publicKey, info, aad: prefix, plaintext }),
    );
    const peeled = attempt(() => peelPacket(crypto, { key, layersLeft: layers, packet }));
    if (peeled !== undefined && !equalBytes(headerOf(peeled.value), plaintext.subarray(0, HEADER_LENGTH))) {
      throw new Error('a header with a second encoding was accepted');
    }
    return peeled !== undefined;
  },
};

/** The header that a sender would make for what a relay read. */
function headerOf({ route, delayMilliseconds }: PeeledPacket): Uint8Array {
  const inner = new Uint8Array(packetLength(0));
  const own = fixedKey('again', EPOCH);
  const end = { onionKey: own.publicKey, delayMilliseconds, route };
  const last = { ...end, route: { to: 'control-center' } as const };
  const wrapped = wrapPacket(crypto, {
    epoch: EPOCH,
    layers: route.to === 'relay' ? [end, last] : [end],
    inner,
    random,
  })[0];
  // Opened again with a key of our own: headers are not to be had otherwise.
  const output = new Uint8Array(HEADER_LENGTH + wrapped.length - 67);
  peelPacket(crypto, { key: own, layersLeft: route.to === 'relay' ? 2 : 1, packet: wrapped, output });
  return output.subarray(0, HEADER_LENGTH);
}

/** A relay's whole packet as it comes from a link. */
const packet: FuzzTarget = {
  name: 'onion-packet',
  seeds: () => [
    wrapPacket(crypto, {
      epoch: EPOCH,
      layers: layersTo({ to: 'control-center' }, [key]),
      inner: new Uint8Array(packetLength(0)),
      random,
    })[0],
  ],
  run: (bytes) => attempt(() => peelPacket(crypto, { key, layersLeft: 1, packet: bytes })) !== undefined,
};

/** A payload whose bytes a meter chose, with a valid MAC. */
const controlCenterPayload: FuzzTarget = {
  name: 'control-center-payload',
  seeds: () => [encodeControlCenterPayload(crypto, toControlCenter, secret)],
  run(bytes) {
    const plaintext = fit(bytes, PAYLOAD_LENGTH);
    const macOffset = 14 + 3 * 179;
    plaintext.set(mac(crypto, 'packet', secret, plaintext.subarray(0, macOffset)), macOffset);
    const sealed = sealInner(crypto, {
      recipient: 'control-center',
      publicKey: key.publicKey,
      epoch: EPOCH,
      payload: plaintext,
      random,
    });
    const opened = attempt(() => openControlCenterPacket(crypto, key, sealed))?.value;
    if (opened === undefined) {
      return false;
    }
    if (!authenticateControlCenterPayload(crypto, opened, secret)) {
      throw new Error('a payload with a valid MAC was refused');
    }
    if (!equalBytes(encodeControlCenterPayload(crypto, opened.payload, secret), plaintext)) {
      throw new Error('a payload with a second encoding was accepted');
    }
    return true;
  },
};

const hubPayload: FuzzTarget = {
  name: 'hub-payload',
  seeds: () => [encodeHubPayload(crypto, payload, secret)],
  run(bytes) {
    const plaintext = fit(bytes, PAYLOAD_LENGTH);
    const macOffset = PAYLOAD_LENGTH - PACKET_MAC_LENGTH;
    plaintext.set(mac(crypto, 'packet', secret, plaintext.subarray(0, macOffset)), macOffset);
    const sealed = sealInner(crypto, {
      recipient: 'hub',
      publicKey: pairing.publicKey,
      epoch: EPOCH,
      payload: plaintext,
      random,
    });
    const opened = attempt(() => openHubPacket(crypto, pairing, sealed))?.value;
    if (opened !== undefined && !equalBytes(encodeHubPayload(crypto, opened, secret), plaintext)) {
      throw new Error('a payload with a second encoding was accepted');
    }
    return opened !== undefined;
  },
};

/** A link's byte stream: the first byte says where it is cut into reads. */
const frames: FuzzTarget = {
  name: 'frames',
  seeds: () =>
    Object.values(FRAME).map((type) => {
      const length = Math.min(MAXIMUM_BODY_LENGTH[type], 20);
      const frame = concatBytes(Uint8Array.of(type, 0, 0, 0, length), new Uint8Array(length));
      return joinBytes([Uint8Array.of(7), frame, frame]);
    }),
  run(bytes) {
    const step = bytes[0] ?? 0;
    const stream = Buffer.from(bytes.subarray(1));
    const whole = readFrames(stream, stream.length);
    const cut = readFrames(stream, step);
    if (JSON.stringify(whole) !== JSON.stringify(cut)) {
      throw new Error('frames depend on how the stream is cut');
    }
    return whole.accepted;
  },
};

function readFrames(stream: Buffer, step: number): { accepted: boolean; frames: string[] } {
  const reader = new FrameReader();
  const found: string[] = [];
  for (let offset = 0; offset < stream.length; offset += Math.max(1, step)) {
    const accepted = reader.push(stream.subarray(offset, offset + Math.max(1, step)), (type, body) => {
      if (body.length > MAXIMUM_BODY_LENGTH[type]) {
        throw new Error('a frame over its bound was handed out');
      }
      found.push(`${type} ${Buffer.from(body).toString('hex')}`);
    });
    if (!accepted) {
      return { accepted, frames: found };
    }
  }
  return { accepted: true, frames: found };
}

const authority = linkKeyFromSeed(seedOf('authority'));

/** A peer's certificate, as the TLS handshake hands it over. */
const certificate: FuzzTarget = {
  name: 'link-certificate',
  seeds: async () => {
    const link = linkKeyFromSeed(seedOf('meter'));
    const pem = await issueLinkCertificate(authority, link.publicKey, { role: 'meter', region: 'london' }, ALWAYS);
    return [Uint8Array.from(Buffer.from(pem.replace(/-----[A-Z ]+-----/g, ''), 'base64'))];
  },
  run(bytes) {
    try {
      return certifiedRole(bytes, authority.publicKey, 'london', 1_384_128_000_000) !== undefined;
    } catch (error) {
      // TLS parses the certificate before anybody sees it, so what is none does not come this far.
      if (error instanceof Error && (error as NodeJS.ErrnoException).code?.startsWith('ERR_OSSL') === true) {
        return false;
      }
      throw error;
    }
  },
};

/** What comes over links and through the onion tier. */
export const targets: readonly FuzzTarget[] = [
  layerPlaintext,
  packet,
  controlCenterPayload,
  hubPayload,
  frames,
  codec('mailbox-drain', { decode: decodeDrain, encode: encodeDrain, seeds: () => [encodeDrain(5n)] }),
  codec('mailbox-packets', {
    decode: decodeMailboxPackets,
    encode: encodeMailboxPackets,
    seeds: () => [encodeMailboxPackets({ lastNumber: 3n, more: true, packets: [new Uint8Array(packetLength(0))] })],
  }),
  certificate,
];
