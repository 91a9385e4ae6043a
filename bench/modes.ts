// SPDX-License-Identifier: Apache-2.0
import { pathToFileURL } from 'node:url';
import { sodiumCrypto as crypto } from '../protocol/crypto/sodium.js';
import { pseudonymScheme } from '../protocol/identity/pseudonym.js';
import { IDENTITY_MODES } from '../protocol/identity/pseudonym-scheme.js';
import { priceTag, priceTagKey } from '../protocol/identity/price-tag.js';
import { decodeWitnesses } from '../protocol/identity/witness.js';
import { consumerListDigest, encodeConsumerList } from '../protocol/ledger/consumer-list.js';
import { ROWS_PER_PAGE } from '../protocol/ledger/limits.js';
import {
  authenticateControlCenterPayload,
  openControlCenterPacket,
  sealControlCenterPacket,
} from '../protocol/onion/control-center-payload.js';
import { checkConsumptionPage } from '../protocol/rules/check-page.js';
import { checkDirectPricePage } from '../protocol/rules/check-price.js';
import { intervalContext } from '../protocol/rules/interval-context.js';
import { MAXIMUM_FORWARD_JUMP } from '../client-apps/control-center/intake/pseudonym-chain.js';
import { IntervalMaker } from '../test/support/interval.js';
import { FakeRegion } from '../test/support/region.js';
import type { Figures } from './figures.js';

/** Number of windows; the best counts, because other work on the machine only slows it down. */
const WINDOWS = 15;

/** CPU microseconds of one call. */
function microseconds(calls: number, work: () => void): number {
  let best = Infinity;
  for (let window = 0; window < WINDOWS; window++) {
    const start = process.cpuUsage();
    for (let call = 0; call < calls; call++) {
      work();
    }
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / calls);
  }
  return Math.round(best * 10) / 10;
}

/** Measures the modes of a region, with the native back end. */
export function benchModes(): Promise<Figures> {
  return Promise.resolve({ ...identityModes(), ...forgeries(), ...directPrices() });
}

function identityModes(): Record<string, number> {
  const figures: Record<string, number> = {};
  const secret = crypto.sha256(new Uint8Array(1));
  for (const identityMode of IDENTITY_MODES) {
    const scheme = pseudonymScheme(identityMode);
    const source = { linkKey: secret, identity: secret, meterNumber: 7, k: 40, previous: secret };
    figures[`${identityMode}: a pseudonym, µs`] = microseconds(5_000, () => scheme.derive(crypto, source));
    figures[`${identityMode}: ${MAXIMUM_FORWARD_JUMP} messages ahead, the most that is followed, µs`] = microseconds(
      5,
      () => scheme.advance(crypto, secret, secret, MAXIMUM_FORWARD_JUMP),
    );
    const kit = new FakeRegion({ meters: ROWS_PER_PAGE, parameters: { identityMode } });
    const interval = new IntervalMaker(kit).next(Array.from({ length: ROWS_PER_PAGE }, (_, row) => row % 5));
    const { header, rows } = interval.consumption;
    const context = intervalContext(crypto, kit.parameters, interval.ledgerId.startSeconds);
    const { registryRoot } = kit.registryRoot(0);
    figures[`${identityMode}: page check, µs a row`] =
      Math.round(
        (10 *
          microseconds(3, () => {
            const witnesses = decodeWitnesses(interval.witnesses[0]!, ROWS_PER_PAGE, registryRoot.depth);
            checkConsumptionPage(crypto, rows, context, { entry: header.pages[0]!, witnesses, registryRoot });
          })) /
          ROWS_PER_PAGE,
      ) / 10;
  }
  return figures;
}

/** Measures the control center's cost of a packet that no registered meter sent, equal in both identity modes. */
function forgeries(): Record<string, number> {
  const secretKey = crypto.sha256(new Uint8Array(2));
  const onionKey = { epoch: 0, secretKey, publicKey: crypto.x25519PublicKey(secretKey) };
  const [own, other] = [crypto.sha256(new Uint8Array(3)), crypto.sha256(new Uint8Array(4))];
  const random = (length: number): Uint8Array => new Uint8Array(length).fill(9);
  const payload = { meterNumber: 7, epoch: 0, slotStartSeconds: 0, rows: [] };
  const packet = sealControlCenterPacket(crypto, { onionKey: onionKey.publicKey, payload, linkKey: own, random });
  const opened = openControlCenterPacket(crypto, onionKey, packet);
  return {
    'a packet of an unregistered number (opened and dropped), µs': microseconds(200, () =>
      openControlCenterPacket(crypto, onionKey, packet),
    ),
    'a packet with a forged MAC, in addition, µs': microseconds(2_000, () =>
      authenticateControlCenterPayload(crypto, opened, other),
    ),
  };
}

function directPrices(): Record<string, number> {
  const kit = new FakeRegion({ consumers: ROWS_PER_PAGE, parameters: { priceMode: 'direct' } });
  const maker = new IntervalMaker(kit);
  const interval = maker.next([0, 0, 0, 0, 0]);
  const context = intervalContext(crypto, kit.parameters, interval.ledgerId.startSeconds);
  const { list } = kit.consumerList(0);
  const { identity } = kit.parameters.serviceProvider;
  const shared = kit.consumerSharedKey(list.consumers[0]!);
  const perRow = (name: string, calls: number, work: () => void): [string, number] => [
    name,
    Math.round((10 * microseconds(calls, work)) / ROWS_PER_PAGE) / 10,
  ];
  return {
    'direct: shared key of a consumer, once an epoch, µs': microseconds(200, () =>
      kit.consumerSharedKey(list.consumers[0]!),
    ),
    'direct: tag key after a year of daily epochs, µs': microseconds(10, () => priceTagKey(crypto, shared, 365)),
    'direct: tag of the last half hour of a day, µs': microseconds(200, () => priceTag(crypto, shared, identity, 48)),
    ...Object.fromEntries([
      perRow('direct: check of a page of prices, µs a row', 3, () =>
        checkDirectPricePage(crypto, interval.pricing.rows, context),
      ),
    ]),
    'direct: digest of a list of 500 consumers, µs': microseconds(20, () => consumerListDigest(crypto, list)),
    'direct: a list of 500 consumers, bytes': encodeConsumerList(kit.consumerList(0)).length,
    'direct: prices of 500 consumers, bytes an interval': interval.pricing.rows.length,
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.table(await benchModes());
}
