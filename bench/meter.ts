// SPDX-License-Identifier: Apache-2.0
import { osRandom } from '../client-apps/runtime/random.js';
import { pathToFileURL } from 'node:url';
import { parametersFor } from '../protocol/schedule/versions.js';
import type { LedgerInFlight } from '../client-apps/meter/state.js';
import { controlCenterPacket, hubPacket, type PacketContext } from '../client-apps/meter/slot-packets.js';
import { signRows } from '../client-apps/meter/window-rows.js';
import { pseudonymScheme } from '../protocol/identity/pseudonym.js';
import { FakeRegion } from '../test/support/region.js';

/** Layers of the default onion tier. */
const LAYERS = 4;

/** Number of windows; the best counts, because other work on the machine only slows it down. */
const WINDOWS = 60;
const CALLS_PER_WINDOW = 50;

const random = osRandom();

/** CPU microseconds of one call. */
function microseconds(operation: () => unknown): number {
  let best = Infinity;
  for (let window = 0; window < WINDOWS; window++) {
    const start = process.cpuUsage();
    for (let call = 0; call < CALLS_PER_WINDOW; call++) {
      operation();
    }
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / CALLS_PER_WINDOW);
  }
  return Math.round(best * 10) / 10;
}

/** Measures a meter's messages on one core, from the keys of the epoch to the bytes on the link. */
export function benchMeter(): Record<string, number> {
  const kit = new FakeRegion({
    parameters: {
      onion: { layers: LAYERS, meanDelayMilliseconds: 4_000, maximumDelayMeans: 5, offsetWindowSeconds: 20 },
    },
  });
  const { crypto } = kit;
  const startSeconds = kit.startOf(0);
  const parameters = parametersFor([kit.signedParameters], startSeconds);
  const meter = kit.meters[0]!;
  const { linkKey, epochNode } = meter.secretsOf(0);
  const scheme = pseudonymScheme(parameters.identityMode);
  const source = { linkKey, identity: meter.identity, meterNumber: meter.number, k: 1, previous: meter.identity };
  const keys = { epoch: 0, linkKey, epochNode, nextK: 2, previous: meter.identity };
  const context: PacketContext = { crypto, random, directory: kit.directory(0).directory, onion: parameters.onion };
  const secretKey = random(32);
  const hub = {
    publicKey: crypto.x25519PublicKey(secretKey),
    pairingKey: random(32),
    mailboxRelay: `relay-${LAYERS}-1.gridveil.invalid:7000`,
    mailbox: random(8),
  };

  const makeRow = (): ReturnType<typeof signRows> => {
    const pseudonym = scheme.derive(crypto, source);
    const ledger: LedgerInFlight = {
      startSeconds,
      epoch: 0,
      rows: [{ k: 1, pseudonym, milliWattHours: parameters.categoriesMilliWattHours[0]! }],
    };
    return signRows(crypto, keys, parameters, ledger);
  };
  const payload = { meterNumber: meter.number, epoch: 0, slotStartSeconds: startSeconds + 1_800 };
  const rows = makeRow();
  const hubPayload = {
    slotStartSeconds: payload.slotStartSeconds,
    measuredMilliWattHours: 1n,
    carriedMilliWattHours: 1n,
    handles: Array.from({ length: 16 }, (_, index) => ({ epoch: 0, k: index + 1, pseudonym: random(32) })),
  };
  return {
    'row: pseudonym, one-time key, signature, CPU µs': microseconds(makeRow),
    [`packet to the control center, ${LAYERS} layers, CPU µs`]: microseconds(() =>
      controlCenterPacket(context, { ...payload, rows }, linkKey),
    ),
    [`packet to the hub, ${LAYERS} layers, CPU µs`]: microseconds(() => hubPacket(context, hub, hubPayload)),
    'one message ready for the wire, CPU µs': microseconds(() =>
      controlCenterPacket(context, { ...payload, rows: makeRow() }, linkKey),
    ),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.table(benchMeter());
}
