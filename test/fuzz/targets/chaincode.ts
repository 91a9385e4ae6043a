// SPDX-License-Identifier: Apache-2.0
import { encodeSignedHeader } from '../../../protocol/ledger/signed-header.js';
import { encodeHeader } from '../../../protocol/ledger/header.js';
import type { LedgerId } from '../../../protocol/ledger/ledger-id.js';
import { encodeSignedParameters } from '../../../protocol/ledger/parameters-json.js';
import { LEDGER_KINDS, type LedgerKind } from '../../../protocol/ledger/row.js';
import { encodeSignedSeal } from '../../../protocol/ledger/seal.js';
import { IntervalMaker } from '../../support/interval.js';
import { beginWorld, transactionsOf, type ContractWorld } from '../../support/contract-world.js';
import { FakeRegion } from '../../support/region.js';
import { joinInput, splitInput, textOf, utf8, type FuzzTarget } from '../input.js';

const CONTROL_CENTER_MSP = 'ControlCenterMSP';
const SERVICE_PROVIDER_MSP = 'ServiceProviderMSP';
const CALLERS = [CONTROL_CENTER_MSP, SERVICE_PROVIDER_MSP, 'ConsumersMSP'];
const ARGUMENTS = 4;

/** A coded refusal of ours other than an unforeseen error, or the shim's own of a wrong number of arguments. */
const REFUSAL = /^(?:(?!INTERNAL)[A-Z_]+: [\x20-\x7e]+|Expected \d+ parameters, but \d+ have been supplied)$/;

const kit = new FakeRegion({ meters: 20 });
const maker = new IntervalMaker(kit);
const sealed = maker.next(new Array<number>(20).fill(1));
const open = maker.next(new Array<number>(20).fill(1));

function argsOf({ region, startSeconds }: LedgerId): string[] {
  return [region, String(startSeconds), '0'];
}

/** A region with one complete interval and one whose header and pages are committed. */
async function begin(): Promise<ContractWorld> {
  const world = await beginWorld(kit);
  await world.complete(sealed);
  await world.fill('consumption', open);
  return world;
}

let world: Promise<ContractWorld> | undefined;
const names = new Map<LedgerKind, readonly string[]>();

function namesOf(channel: LedgerKind): readonly string[] {
  const found = names.get(channel) ?? transactionsOf(channel);
  names.set(channel, found);
  return found;
}

/** A transaction of a channel with its transient fields, in the order of the page's. */
function input(
  [channel, transaction]: readonly [LedgerKind, string],
  caller: string,
  args: readonly string[],
  ...[rows = new Uint8Array(), witnesses = new Uint8Array()]: Uint8Array[]
): Uint8Array {
  const numbers = [LEDGER_KINDS.indexOf(channel), namesOf(channel).indexOf(transaction), CALLERS.indexOf(caller)];
  const texts = Array.from({ length: ARGUMENTS }, (_, place) => utf8(args[place] ?? ''));
  return joinInput(Uint8Array.from([...numbers, args.length]), ...texts, rows, witnesses);
}

/** A proposal as a member of the network may send it: any transaction, any arguments, any transient fields. */
const proposal: FuzzTarget = {
  name: 'chaincode-proposal',
  seeds: () => [
    input(['consumption', 'PutParameters'], CONTROL_CENTER_MSP, [textOf(encodeSignedParameters(kit.signedParameters))]),
    input(['consumption', 'PutHeader'], CONTROL_CENTER_MSP, [textOf(encodeHeader(open.consumption.header))]),
    input(
      ['consumption', 'PutPage'],
      CONTROL_CENTER_MSP,
      argsOf(open.ledgerId),
      open.consumption.rows,
      open.witnesses[0]!,
    ),
    input(['consumption', 'PutSeal'], CONTROL_CENTER_MSP, [textOf(encodeSignedSeal(open.consumption.seal))]),
    input(['pricing', 'PutHeader'], SERVICE_PROVIDER_MSP, [textOf(encodeSignedHeader(sealed.pricing))]),
    input(['pricing', 'PutPage'], SERVICE_PROVIDER_MSP, argsOf(sealed.ledgerId), sealed.pricing.rows),
    input(['billing', 'PutPage'], SERVICE_PROVIDER_MSP, argsOf(sealed.ledgerId), sealed.billing.rows),
    input(['billing', 'PutSeal'], CONTROL_CENTER_MSP, [textOf(encodeSignedSeal(sealed.billing.seal))]),
  ],
  async run(bytes) {
    world ??= begin();
    const [numbers, ...rest] = splitInput(bytes, 1 + ARGUMENTS + 2) as [Uint8Array, ...Uint8Array[]];
    const [channelNumber = 0, transactionNumber = 0, caller = 0, count = 0] = numbers;
    const channel = LEDGER_KINDS[channelNumber % LEDGER_KINDS.length]!;
    const transactions = namesOf(channel);
    const [rows, witnesses] = rest.slice(ARGUMENTS) as [Uint8Array, Uint8Array];
    const { status, message } = await (
      await world
    ).ledger.simulate(channel, {
      mspId: CALLERS[caller % CALLERS.length]!,
      transaction: transactions[transactionNumber % transactions.length]!,
      args: rest.slice(0, count % (ARGUMENTS + 1)).map(textOf),
      transient: { rows, witnesses, pricePseudonymKey: kit.pricePseudonymKey },
    });
    if (status !== 200 && !REFUSAL.test(message)) {
      throw new Error(`not a refusal with a code: ${message}`);
    }
    return status === 200;
  },
};

/** What the contracts get from outside. */
export const targets: readonly FuzzTarget[] = [proposal];
