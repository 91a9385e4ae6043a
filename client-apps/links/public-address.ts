// SPDX-License-Identifier: Apache-2.0
import { BlockList, isIP } from 'node:net';
import { parseAddress } from '../../protocol/onion/directory-format.js';

/** IPv4 blocks that are not globally reachable (RFC 6890), multicast and reserved ones included. */
const NOT_PUBLIC_IPV4: readonly [string, number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];
/** Of the only block of IPv6 that is allocated (2000::/3): tunnels that hold an IPv4 address, and documentation. */
const GLOBAL_IPV6 = ['2000::', 3] as const;
const NOT_PUBLIC_IPV6: readonly [string, number][] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const refused = new BlockList();
const global = new BlockList();
for (const [net, prefix] of NOT_PUBLIC_IPV4) {
  refused.addSubnet(net, prefix, 'ipv4');
}
for (const [net, prefix] of NOT_PUBLIC_IPV6) {
  refused.addSubnet(net, prefix, 'ipv6');
}
global.addSubnet(...GLOBAL_IPV6, 'ipv6');

/**
 * Whether `host:port` is a public IP address. A name is none: each reader would resolve it for itself, and its owner
 * could later send them all to another host's address.
 *
 * @throws ProtocolError MALFORMED
 */
export function isPublicAddress(address: string): boolean {
  const { host } = parseAddress(address);
  switch (isIP(host)) {
    case 4:
      return !refused.check(host, 'ipv4');
    case 6:
      return global.check(host, 'ipv6') && !refused.check(host, 'ipv6');
    default:
      return false;
  }
}
