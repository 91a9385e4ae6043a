// SPDX-License-Identifier: Apache-2.0
import { osRandom } from '../client-apps/runtime/random.js';
import { SystemClock } from '../client-apps/runtime/clock.js';
import { createLog } from '../client-apps/runtime/log.js';
import { placedRelayConfig } from '../client-apps/relay/config.js';
import { Relay } from '../client-apps/relay/relay.js';
import type { PartyContext } from '../client-apps/runtime/party.js';
import { loadRelayKeys, relayFileKey } from '../client-apps/relay/keys.js';
import { sodiumCrypto } from '../protocol/crypto/sodium.js';
import { packetLength } from '../protocol/onion/geometry.js';
import type { RelayAnswer, RelayRequest } from './relay-messages.js';
import { peelPacket, wrapPacket, type OnionKeyPair } from '../protocol/onion/packet.js';

const PEELS = 2_000;
const PEEL_WINDOWS = 5;

const answer = (message: RelayAnswer): void => void process.send?.(message);
const random = osRandom();

/** CPU microseconds of the cryptography of one packet, a lower bound of a relay's cost. */
function peelMicroseconds(): number {
  const secretKey = random(32);
  const key: OnionKeyPair = { epoch: 0, secretKey, publicKey: sodiumCrypto.x25519PublicKey(secretKey) };
  const layer = { onionKey: key.publicKey, delayMilliseconds: 0, route: { to: 'control-center' } } as const;
  const packets = Array.from(
    { length: PEELS },
    () => wrapPacket(sodiumCrypto, { epoch: 0, layers: [layer], inner: random(packetLength(0)), random })[0],
  );
  let best = Infinity;
  for (let window = 0; window < PEEL_WINDOWS; window++) {
    const start = process.cpuUsage();
    for (const packet of packets) {
      peelPacket(sodiumCrypto, { key, layersLeft: 1, packet });
    }
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / PEELS);
  }
  return best;
}

let relay: Relay | undefined;

async function start(configuration: unknown): Promise<void> {
  const config = placedRelayConfig.parse(configuration);
  const limit = peelMicroseconds();
  const fileKey = relayFileKey(random(32), config);
  const keys = await loadRelayKeys(config.directory, fileKey, random, config.enrolmentSeed);
  const context: PartyContext = {
    clock: new SystemClock(),
    random,
    log: createLog('relay', 'error'),
    report: (name, data) => {
      if (name === 'ready') {
        answer({ kind: 'ready', port: data['port'] as number, peelMicroseconds: limit });
      }
      if (name === 'directory') {
        answer({ kind: 'directory' });
      }
    },
  };
  relay = await Relay.start(
    // One neighbour sends more than a whole region does.
    { config, context, keys, fileKey, packetsToNextHop: 1e9 },
    // The other relays of this region do not exist: no loop would come back, and the relay would hold all packets.
    { loops: false },
  );
}

process.on('message', (request: RelayRequest) => {
  switch (request.kind) {
    case 'start':
      void start(request.config);
      break;
    case 'sample': {
      const { user, system } = process.cpuUsage();
      const { received, forwarded, dropped } = relay!.counters;
      const drops = Object.values(dropped).reduce((sum, count) => sum + count, 0);
      answer({ kind: 'sample', cpuMicroseconds: user + system, received, forwarded, dropped: drops });
      break;
    }
    case 'stop':
      void relay!.stop().then(() => answer({ kind: 'stopped' }));
      break;
  }
});
process.once('disconnect', () => process.exit());
