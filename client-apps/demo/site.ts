// SPDX-License-Identifier: Apache-2.0
import { freePorts } from '../../network/topology/ports.js';

/** All of a run listens on the loopback interface. */
export const HOST = '127.0.0.1';

/** One relay's place in the onion tier. */
export interface RelayPlace {
  readonly name: string;
  /** 1 is where packets enter. */
  readonly layer: number;
  readonly port: number;
}

/** Who is found where. Ports are the machine's; names are the same in every run, because the directory is published. */
export interface Site {
  readonly httpsPort: number;
  readonly linkPort: number;
  readonly relays: readonly RelayPlace[];
  /** Where the names of the relay directory really are, for every party's configuration. */
  readonly addressOverrides: Readonly<Record<string, string>>;
  /** The relay that keeps the hubs' mailboxes: one of the last layer. */
  readonly mailboxRelay: string;
}

/** Name of the control center's links. */
export const CENTER_NAME = directoryName('control-center');

/** The `host:port` under which the directory names a process. */
export function directoryName(name: string): string {
  return `${name}.demo.gridveil.invalid:7000`;
}

/**
 * Finds a port for everybody who listens.
 *
 * @param householdRelays the relays are households', which the control center places: in each layer in turn
 */
export async function chooseSite(layers: number, relaysPerLayer: number, householdRelays: boolean): Promise<Site> {
  const ports = await freePorts(2 + layers * relaysPerLayer);
  const [httpsPort, linkPort] = ports.splice(0, 2) as [number, number];
  const relays = ports.map((port, index) => {
    if (householdRelays) {
      return { name: `household-${index}`, layer: 1 + (index % layers), port };
    }
    const layer = 1 + Math.floor(index / relaysPerLayer);
    return { name: `relay-${layer}-${1 + (index % relaysPerLayer)}`, layer, port };
  });
  const names = [{ name: 'control-center', port: linkPort }, ...relays];
  return {
    httpsPort,
    linkPort,
    relays,
    addressOverrides: Object.fromEntries(names.map(({ name, port }) => [directoryName(name), `${HOST}:${port}`])),
    mailboxRelay: directoryName(relays.at(-1)!.name),
  };
}
