// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { common, orderer } from '@hyperledger/fabric-protos';
import type { FabricUnderTest } from './fabric-under-test.js';

const ORDERER_GROUP = 'Orderer';
const BATCH_TIMEOUT = 'BatchTimeout';

/** One value of a channel's configuration, and changes of it as Fabric's administrators make them. */
export class ChannelConfiguration {
  readonly #folder: string;

  readonly #fabric: FabricUnderTest;
  readonly #channel: string;

  constructor(fabric: FabricUnderTest, channel: string) {
    this.#fabric = fabric;
    this.#channel = channel;

    this.#folder = fabric.scratch('channel-update');
  }

  /** Time that an orderer waits for a block to fill, such as `200ms`. */
  async batchTimeout(): Promise<string> {
    return batchTimeoutOf(await this.#fetch()).getTimeout();
  }

  /**
   * Asks for another time-out.
   * @param sender signs the update and sends it
   * @param cosigners sign it before
   * @throws Error with what the `peer` command says
   */
  async setBatchTimeout(timeout: string, sender: string, cosigners: readonly string[]): Promise<void> {
    const config = await this.#fetch();
    const original = this.#write('original.pb', config.serializeBinary());
    const value = batchTimeoutOf(config);
    value.setTimeout(timeout);
    batchTimeoutValue(config).setValue(value.serializeBinary());
    const updated = this.#write('updated.pb', config.serializeBinary());
    const difference = join(this.#folder, 'difference.pb');
    const files = ['--original', original, '--updated', updated, '--output', difference];
    await this.#fabric.tool('configtxlator', ['compute_update', '--channel_id', this.#channel, ...files]);
    const update = this.#write('update.pb', updateEnvelope(this.#channel, readFileSync(difference)));
    for (const mspId of cosigners) {
      await this.#fabric.peer(mspId, 'channel', 'signconfigtx', '-f', update);
    }
    await this.#fabric.peer(
      sender,
      'channel',
      'update',
      '-f',
      update,
      '-c',
      this.#channel,
      ...this.#fabric.ordererFlags(),
    );
  }

  async #fetch(): Promise<common.Config> {
    const path = join(this.#folder, 'block.pb');
    const flags = ['-c', this.#channel, ...this.#fabric.ordererFlags()];
    await this.#fabric.peer(this.#fabric.topology.roles.controlCenter, 'channel', 'fetch', 'config', path, ...flags);
    const [envelope] = common.Block.deserializeBinary(readFileSync(path)).getData()!.getDataList_asU8();
    const payload = common.Payload.deserializeBinary(common.Envelope.deserializeBinary(envelope!).getPayload_asU8());
    return common.ConfigEnvelope.deserializeBinary(payload.getData_asU8()).getConfig()!;
  }

  #write(name: string, bytes: Uint8Array): string {
    const path = join(this.#folder, name);
    writeFileSync(path, bytes);
    return path;
  }
}

function batchTimeoutValue(config: common.Config): common.ConfigValue {
  const group = config.getChannelGroup()!.getGroupsMap().get(ORDERER_GROUP)!;
  return group.getValuesMap().get(BATCH_TIMEOUT)!;
}

function batchTimeoutOf(config: common.Config): orderer.BatchTimeout {
  return orderer.BatchTimeout.deserializeBinary(batchTimeoutValue(config).getValue_asU8());
}

/** An update with no signature yet, in the form that `peer channel signconfigtx` signs. */
function updateEnvelope(channel: string, update: Uint8Array): Uint8Array {
  const content = new common.ConfigUpdateEnvelope();
  content.setConfigUpdate(update);
  const channelHeader = new common.ChannelHeader();
  channelHeader.setType(common.HeaderType.CONFIG_UPDATE);
  channelHeader.setChannelId(channel);
  const header = new common.Header();
  header.setChannelHeader(channelHeader.serializeBinary());
  const payload = new common.Payload();
  payload.setHeader(header);
  payload.setData(content.serializeBinary());
  const envelope = new common.Envelope();
  envelope.setPayload(payload.serializeBinary());
  return envelope.serializeBinary();
}
