// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { BACK_ENDS, frozenVectors } from '../../test/support/frozen-vectors.js';
import { asciiBytes, fromHex, toHex } from '../crypto/bytes.js';
import {
  authenticateControlCenterPayload,
  openControlCenterPacket,
  sealControlCenterPacket,
} from './control-center-payload.js';
import {
  decodeSignedDescriptor,
  decodeSignedDirectory,
  directoryDigest,
  encodeSignedDescriptor,
  encodeSignedDirectory,
  signDescriptor,
  signDirectory,
} from './directory-format.js';
import { openHubPacket, sealHubPacket } from './hub-payload.js';
import { OnionKeys } from './onion-keys.js';
import { peelPacket, wrapPacket, type PacketRoute, type RandomSource } from './packet.js';

interface Wrapped {
  readonly payload: string;
  readonly innerEphemeralSecretKey: string;
  /** First layer first. */
  readonly layerEphemeralSecretKeys: readonly string[];
  /** On the link into each layer, and the inner packet. */
  readonly packets: readonly string[];
}

interface PacketVectors {
  readonly epoch: number;
  readonly relays: readonly {
    readonly secretKey: string;
    readonly publicKey: string;
    readonly delayMilliseconds: number;
    readonly nextHop?: number;
  }[];
  readonly controlCenter: Wrapped & {
    readonly secretKey: string;
    readonly publicKey: string;
    readonly linkKey: string;
    readonly meterNumber: number;
    readonly slotStartSeconds: number;
    readonly rows: readonly { readonly k: number; readonly row: string }[];
  };
  readonly hub: Wrapped & {
    readonly secretKey: string;
    readonly publicKey: string;
    readonly pairingKey: string;
    readonly mailbox: string;
    readonly slotStartSeconds: number;
    readonly measuredMilliWattHours: string;
    readonly carriedMilliWattHours: string;
    readonly handles: readonly { readonly epoch: number; readonly k: number; readonly pseudonym: string }[];
  };
}

interface DirectoryVectors {
  readonly onionKeys: {
    readonly firstEpoch: number;
    readonly secret: string;
    readonly epochs: readonly Readonly<Record<'secretKey' | 'publicKey' | 'replayKey', string> & { epoch: number }>[];
  };
  readonly descriptor: { readonly identitySeed: string; readonly canonical: string };
  readonly directory: { readonly signatureSeed: string; readonly canonical: string; readonly digest: string };
}

const packets = frozenVectors<PacketVectors>('onion-packet');
const directories = frozenVectors<DirectoryVectors>('onion-directory');

/** Gives the ephemeral keys in the order in which they are drawn: inside out. */
function ephemeralKeys(vector: Wrapped): RandomSource {
  const keys = [...vector.layerEphemeralSecretKeys, vector.innerEphemeralSecretKey].map(fromHex);
  return () => keys.pop()!;
}

for (const crypto of BACK_ENDS) {
  describe(`frozen vectors of the onion tier (${crypto.name})`, () => {
    const { epoch, relays, controlCenter, hub } = packets;
    const wrap = (vector: Wrapped, end: PacketRoute, inner: Uint8Array, random: RandomSource): void => {
      const layers = relays.map(({ publicKey, delayMilliseconds, nextHop }) => ({
        onionKey: fromHex(publicKey),
        delayMilliseconds,
        route: nextHop === undefined ? end : ({ to: 'relay', relay: nextHop } as const),
      }));
      assert.deepEqual(wrapPacket(crypto, { epoch, layers, inner, random }).map(toHex), vector.packets);
      layers.forEach(({ delayMilliseconds, route }, index) => {
        const secretKey = fromHex(relays[index]!.secretKey);
        const key = { epoch, secretKey, publicKey: crypto.x25519PublicKey(secretKey) };
        const peeled = peelPacket(crypto, {
          key,
          layersLeft: relays.length - index,
          packet: fromHex(vector.packets[index]!),
        });
        assert.deepEqual([peeled.delayMilliseconds, peeled.route], [delayMilliseconds, route]);
        assert.equal(toHex(peeled.packet), vector.packets[index + 1]);
      });
    };

    it('packet to the control center', () => {
      const { meterNumber, slotStartSeconds } = controlCenter;
      const rows = controlCenter.rows.map(({ k, row }) => ({ k, row: fromHex(row) }));
      const payload = { meterNumber, epoch, slotStartSeconds, rows };
      const linkKey = fromHex(controlCenter.linkKey);
      const random = ephemeralKeys(controlCenter);
      const inner = sealControlCenterPacket(crypto, {
        onionKey: fromHex(controlCenter.publicKey),
        payload,
        linkKey,
        random,
      });
      wrap(controlCenter, { to: 'control-center' }, inner, random);
      const key = { epoch, secretKey: fromHex(controlCenter.secretKey), publicKey: fromHex(controlCenter.publicKey) };
      const opened = openControlCenterPacket(crypto, key, fromHex(controlCenter.packets.at(-1)!));
      assert.equal(toHex(opened.bytes), controlCenter.payload);
      assert.deepEqual(opened.payload, payload);
      assert.ok(authenticateControlCenterPayload(crypto, opened, linkKey));
    });

    it('packet to a hub', () => {
      const payload = {
        slotStartSeconds: hub.slotStartSeconds,
        measuredMilliWattHours: BigInt(hub.measuredMilliWattHours),
        carriedMilliWattHours: BigInt(hub.carriedMilliWattHours),
        handles: hub.handles.map(({ pseudonym, ...handle }) => ({ ...handle, pseudonym: fromHex(pseudonym) })),
      };
      const keys = {
        secretKey: fromHex(hub.secretKey),
        publicKey: fromHex(hub.publicKey),
        pairingKey: fromHex(hub.pairingKey),
      };
      const random = ephemeralKeys(hub);
      const inner = sealHubPacket(crypto, { hub: keys, epoch, payload, random });
      wrap(hub, { to: 'mailbox', mailbox: fromHex(hub.mailbox) }, inner, random);
      assert.deepEqual(openHubPacket(crypto, keys, fromHex(hub.packets.at(-1)!)), payload);
    });

    it('keys, descriptor and directory', () => {
      const { onionKeys, descriptor, directory } = directories;
      const ratchet = OnionKeys.first(crypto, onionKeys.firstEpoch, fromHex(onionKeys.secret));
      for (const { epoch: of, secretKey, publicKey, replayKey } of onionKeys.epochs) {
        assert.deepEqual(ratchet.key(of), {
          epoch: of,
          secretKey: fromHex(secretKey),
          publicKey: fromHex(publicKey),
        });
        assert.equal(toHex(ratchet.replayKey(of)), replayKey);
      }
      const signedDescriptor = decodeSignedDescriptor(asciiBytes(descriptor.canonical));
      const identity = crypto.ed25519Key(fromHex(descriptor.identitySeed));
      assert.deepEqual(signDescriptor(crypto, signedDescriptor.descriptor, identity), signedDescriptor);
      assert.deepEqual(encodeSignedDescriptor(signedDescriptor), asciiBytes(descriptor.canonical));
      const signedDirectory = decodeSignedDirectory(asciiBytes(directory.canonical));
      const key = crypto.ed25519Key(fromHex(directory.signatureSeed));
      assert.deepEqual(signDirectory(crypto, signedDirectory.directory, key), signedDirectory);
      assert.deepEqual(encodeSignedDirectory(signedDirectory), asciiBytes(directory.canonical));
      assert.equal(toHex(directoryDigest(crypto, signedDirectory.directory)), directory.digest);
    });
  });
}
