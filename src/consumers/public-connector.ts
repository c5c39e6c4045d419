import { type LookupAddress, type LookupAllOptions, lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { isPublicAddress } from '../public-address.ts';

/** Resolves a name as `dns.lookup` does with `all`. */
export type LookupAll = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** What an attempt's error says when a destination is not on the internet. */
export const privateAddressCode = 'ADDRESS_NOT_PUBLIC';

/**
 * A connector for undici that connects to addresses on the internet only. The check is made on the very addresses the
 * socket then connects to, at each connection, so that a name that resolves to another address the second time (DNS
 * rebinding) gains nothing. One address that is not public refuses all of them.
 */
export function createPublicConnector(
  timeoutMs: number,
  lookupAll: LookupAll = systemLookup,
): buildConnector.connector {
  const connect = buildConnector({ timeout: timeoutMs, allowH2: false, lookup: publicOnly(lookupAll) });
  return (options, callback) => {
    const host = options.hostname.replace(/^\[|\]$/g, '');
    // A literal address is connected to without any lookup.
    if (isIP(host) !== 0 && !isPublicAddress(host)) callback(notPublic(), null);
    else connect(options, callback);
  };
}

function publicOnly(lookupAll: LookupAll): LookupFunction {
  return (hostname, options, callback) => {
    lookupAll(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error !== null) return callback(error, '');
      if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address)))
        return callback(notPublic(), '');
      return options.all === true ? callback(null, addresses) : callback(null, first.address, first.family);
    });
  };
}

function notPublic(): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error('the destination resolves to an address that is not on the internet');
  error.code = privateAddressCode;
  return error;
}
