import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPublicConnector, type LookupAll, privateAddressCode } from '../src/consumers/public-connector.ts';
import { createUndiciSender } from '../src/consumers/undici-sender.ts';
import { isPublicAddress } from '../src/public-address.ts';

const refused = {
  'cloud metadata': ['169.254.169.254', 'fd00:ec2::254', '100.100.100.200', '192.0.0.192'],
  loopback: ['127.0.0.1', '127.1.2.3', '::1'],
  private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fdff::1'],
  'link-local': ['169.254.0.1', 'fe80::1', 'febf::1', 'fec0::1'],
  'carrier-grade NAT': ['100.64.0.1', '100.127.255.255'],
  unspecified: ['0.0.0.0', '0.1.2.3', '::'],
  'documentation, benchmarking and reserved': [
    ...['192.0.2.1', '198.51.100.1', '203.0.113.1', '198.18.0.1', '240.0.0.1', '255.255.255.255'],
    ...['2001:db8::1', '2001:2::1', '3fff::1', '100::1', '5f00::1', '4000::1'],
  ],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1'],
  'IPv4 in IPv6, mapped and compatible': ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:0:10.0.0.1', '::127.0.0.1'],
  'mapped, also of a public address': ['::ffff:8.8.8.8'],
  NAT64: ['64:ff9b::7f00:1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::a00:1'],
  '6to4 and Teredo': ['2002:7f00:1::', '2002:a9fe:a9fe::1', '2001:0:7f00:1::'],
  'no address at all': ['', 'localhost', '1.2.3', '1.2.3.4.5', 'fe80::1%eth0', '127.0.0.1:80'],
};

test.each(Object.entries(refused).flatMap(([kind, list]) => list.map((address) => [address, kind] as const)))(
  '%s is not on the internet: %s',
  (address) => expect(isPublicAddress(address)).toBe(false),
);

test.each(['8.8.8.8', '1.1.1.1', '172.15.0.1', '172.32.0.1', '100.128.0.1', '2606:4700:4700::1111', '2a00:1450::1'])(
  '%s is on the internet',
  (address) => expect(isPublicAddress(address)).toBe(true),
);

describe('a connection', () => {
  let server: Server;
  let connections = 0;
  const senders: ReturnType<typeof createUndiciSender>[] = [];

  beforeAll(async () => {
    server = createServer((_request, response) => response.end());
    server.on('connection', () => {
      connections += 1;
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(async () => {
    await Promise.all(senders.map((sender) => sender.close()));
    server.close();
  });

  function sendTo(host: string, lookupAll?: LookupAll): Promise<unknown> {
    const { port } = server.address() as AddressInfo;
    const sender = createUndiciSender(1000, 1, createPublicConnector(1000, lookupAll));
    senders.push(sender);
    return sender.send(new URL(`http://${host}:${port}/`), {}, Buffer.from('{}'));
  }
  const resolving =
    (...answers: string[][]): LookupAll =>
    (_name, _options, callback) => {
      const addresses = answers.length > 1 ? answers.shift() : answers[0];
      callback(
        null,
        (addresses ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    };
  const notPublic = { kind: 'no_answer', error: privateAddressCode };

  test.each(['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', '0177.0.0.1', '127.1', '0'])(
    'to the literal %s is refused before it is made',
    async (host) => {
      expect(await sendTo(host)).toEqual(notPublic);
      expect(connections).toBe(0);
    },
  );

  test('to a name that resolves to a private address is refused, by the real resolver too', async () => {
    expect(await sendTo('localhost')).toEqual(notPublic);
    expect(await sendTo('metadata.example', resolving(['169.254.169.254']))).toEqual(notPublic);
    expect(connections).toBe(0);
  });

  test('to a name of which one address is private is refused', async () => {
    expect(await sendTo('two.example', resolving(['8.8.8.8', '127.0.0.1']))).toEqual(notPublic);
    expect(connections).toBe(0);
  });

  test('is checked each time: a name that is private the second time (DNS rebinding) is refused then', async () => {
    const rebinding = resolving([], ['127.0.0.1']);
    expect(await sendTo('rebind.example', rebinding)).toEqual(notPublic);
    expect(await sendTo('rebind.example', rebinding)).toEqual(notPublic);
    expect(connections).toBe(0);
  });

  test('to a name that does not resolve says so', async () => {
    const failing: LookupAll = (_name, _options, callback) => {
      callback(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), []);
    };
    expect(await sendTo('nowhere.example', failing)).toEqual({ kind: 'no_answer', error: 'ENOTFOUND' });
  });
});
