// SPDX-License-Identifier: Apache-2.0
import { freePorts } from '../../network/topology/ports.js';

/** All processes of a run listen on the loopback interface. */
export const HOST = '127.0.0.1';

/** Name, layer and port of a relay. */
export interface RelayPlace {
  readonly name: string;
  /** 1 is the entry layer. */
  readonly layer: number;
  readonly port: number;
}

/** Addresses of a run. Ports differ from run to run; names do not, because the relay directory publishes them. */
export interface RunAddresses {
  readonly bulletinPort: number;
  readonly linkPort: number;
  readonly relays: readonly RelayPlace[];
  /** Maps addresses of the relay directory to real ones, for every party's configuration. */
  readonly addressOverrides: Readonly<Record<string, string>>;
  /** The relay that keeps the hubs' mailboxes, in the last layer. */
  readonly mailboxRelay: string;
}

/** Name of the control center's link server. */
export const CENTER_NAME = directoryName('control-center');

/** The `host:port` under which the directory names a process. */
export function directoryName(name: string): string {
  return `${name}.demo.gridveil.invalid:7000`;
}

/**
 * Allocates a port for each listening process.
 *
 * @param householdRelays whether the relays are households', which the control center places in each layer in turn
 */
export async function allocateAddresses(
  layers: number,
  relaysPerLayer: number,
  householdRelays: boolean,
): Promise<RunAddresses> {
  const ports = await freePorts(2 + layers * relaysPerLayer);
  const [bulletinPort, linkPort] = ports.splice(0, 2) as [number, number];
  const relays = ports.map((port, index) => {
    if (householdRelays) {
      return { name: `household-${index}`, layer: 1 + (index % layers), port };
    }
    const layer = 1 + Math.floor(index / relaysPerLayer);
    return { name: `relay-${layer}-${1 + (index % relaysPerLayer)}`, layer, port };
  });
  const names = [{ name: 'control-center', port: linkPort }, ...relays];
  return {
    bulletinPort,
    linkPort,
    relays,
    addressOverrides: Object.fromEntries(names.map(({ name, port }) => [directoryName(name), `${HOST}:${port}`])),
    mailboxRelay: directoryName(relays.at(-1)!.name),
  };
}
