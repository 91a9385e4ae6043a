// SPDX-License-Identifier: Apache-2.0
import { isIPv6 } from 'node:net';

const GROUPS = 8;
/** Groups of an IPv6 prefix of 64 bits, which one subscriber has, and of one of 48 bits, which one site may have. */
const SUBSCRIBER_GROUPS = 4;
const SITE_GROUPS = 3;

/** The network that an address belongs to, in two sizes. Limits count a network, because its addresses cost nothing. */
export interface AddressPrefix {
  /** An IPv4 address, also when it came mapped into IPv6, or the first 64 bits of an IPv6 address. */
  readonly subscriber: string;
  /** The first 48 bits of an IPv6 address; of IPv4 the address itself. */
  readonly site: string;
}

/** @param address as `socket.remoteAddress` gives it; undefined for a connection that has ended */
export function addressPrefix(address: string | undefined): AddressPrefix {
  const plain = (address ?? '').replace(/%.*$/, '');
  if (!isIPv6(plain)) {
    return { subscriber: plain, site: plain };
  }
  const groups = expand(plain);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMapped) {
    const mapped = groups.slice(6).flatMap((group) => [group >> 8, group & 0xff]);
    return { subscriber: mapped.join('.'), site: mapped.join('.') };
  }
  const first = (count: number): string => {
    const hex = groups.slice(0, count).map((group) => group.toString(16));
    return `${hex.join(':')}::`;
  };
  return { subscriber: first(SUBSCRIBER_GROUPS), site: first(SITE_GROUPS) };
}

/** The eight groups of an IPv6 address. */
function expand(address: string): number[] {
  const hex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a, b, c, d] = bytes.map(Number) as [number, number, number, number];
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [left = [], right = []] = hex
    .split('::')
    .map((part) => part.split(':').filter((group) => group !== ''))
    .map((part) => part.map((group) => Number.parseInt(group, 16)));
  const zeros = new Array<number>(GROUPS - left.length - right.length).fill(0);
  return [...left, ...zeros, ...right];
}
