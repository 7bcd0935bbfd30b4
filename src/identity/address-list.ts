/** IP addresses and networks that somebody named, such as those of a proxy. */
import { BlockList, isIP } from 'node:net';

import { ipAddressOf } from './ip-address.ts';

export interface AddressList {
  /**
   * @param address as a socket or a header gives it, with a port or without (`ipAddressOf`); what is no IP address is not
   *   in the list.
   */
  has(address: string | undefined): boolean;
}

/**
 * Makes a list of IP addresses and networks, such as those of proxies whose headers are believed.
 *
 * @param addresses IP addresses, or networks such as `10.1.0.0/16`.
 * @returns undefined where the list is empty, or one of them is neither.
 *
 * @example
 * ```ts
 * import { addressList } from 'waybill';
 *
 * const proxies = addressList(['10.1.0.0/16', '::1']);
 * console.log(proxies?.has('10.1.2.3')); // true
 * ```
 */
export function addressList(addresses: readonly string[]): AddressList | undefined {
  const list = new BlockList();
  if (addresses.length === 0) return undefined;
  for (const address of addresses) {
    const [base = '', bits, ...rest] = address.split('/');
    const version = isIP(base);
    if (version === 0 || rest.length > 0) return undefined;
    const family = familyOf(version);
    if (bits === undefined) list.addAddress(base, family);
    else if (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 6 ? 128 : 32))
      list.addSubnet(base, Number(bits), family);
    else return undefined;
  }
  return {
    has(text = '') {
      const address = ipAddressOf(text);
      if (address === undefined) return false;
      // A mapped IPv4 address is found in networks of either version.
      return list.check(isIP(address) === 4 ? `::ffff:${address}` : address, 'ipv6');
    },
  };
}

function familyOf(version: number): 'ipv4' | 'ipv6' {
  return version === 6 ? 'ipv6' : 'ipv4';
}
