import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** All of IPv6 that is given out for the internet (RFC 4291 §2.4, IANA): what is outside is special or not in use. */
const globalIpv6 = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Whether an address is on the internet: not private, loopback, link-local (where clouds keep their metadata), shared,
 * reserved, multicast, and no IPv6 form that leads to an IPv4 address (mapped, NAT64, 6to4, Teredo).
 *
 * @param address as a resolver gives it, or a URL's host without brackets; a text that is no address is not public
 * @see https://www.iana.org/assignments/iana-ipv6-special-registry
 */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0 || !ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast') return false;
  return !(parsed instanceof ipaddr.IPv6) || parsed.match(globalIpv6);
}
