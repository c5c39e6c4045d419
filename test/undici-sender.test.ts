import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import type { SendResult } from '../src/consumers/ports.ts';
import { createUndiciSender } from '../src/consumers/undici-sender.ts';
import { freePort } from './support/free-port.ts';
import { stopAfterEach } from './support/keep.ts';

const keep = stopAfterEach();
const body = Buffer.from('{"event":"meeting.created"}');
const patienceMs = 20_000;

interface Stage {
  send(): Promise<SendResult>;
  readonly sockets: readonly Socket[];
}

/** A sender, and a server on raw sockets that does with each request what it is told. */
async function stage(answer: (socket: Socket) => void, timeoutMs = patienceMs): Promise<Stage> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    let seen = '';
    socket.on('data', (chunk: Buffer) => {
      seen += chunk.toString('latin1');
      if (!seen.endsWith(body.toString('latin1'))) return;
      seen = '';
      answer(socket);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const sender = createUndiciSender(timeoutMs, 1);
  await keep({
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await sender.close();
    },
  });
  const url = new URL(`http://127.0.0.1:${port}/hook?a=1`);
  return { sockets, send: () => sender.send(url, { 'content-type': 'application/json' }, body) };
}

test('an answer is its status, its Retry-After and the start of its body, and the connection is used again', async () => {
  const { send, sockets } = await stage((socket) => {
    socket.write('HTTP/1.1 429 Too Many\r\nretry-after: 7\r\ncontent-length: 4\r\n\r\nlat\0');
  });
  for (let times = 0; times < 3; times += 1) {
    expect(await send()).toEqual({ kind: 'answer', status: 429, retryAfter: '7', response: 'lat\uFFFD' });
  }
  expect(sockets).toHaveLength(1);
});

test('an interim answer is not the answer; one without a body has none', async () => {
  const { send } = await stage((socket) => {
    socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n');
  });
  expect(await send()).toEqual({ kind: 'answer', status: 204, retryAfter: undefined, response: '' });
});

test('of a long body a KiB is kept; one that never ends costs its connection and not the answer', async () => {
  const { send, sockets } = await stage((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n`);
    const more = (): void => void (socket.writable && socket.write(`400\r\n${'x'.repeat(1024)}\r\n`, more));
    more();
  });
  const first = await send();
  expect(first).toMatchObject({ kind: 'answer', status: 200, response: 'x'.repeat(1024) });
  await send();
  expect(sockets).toHaveLength(2);
  expect(sockets[0]?.bytesWritten).toBeLessThan(16 * 1024 * 1024);
});

test('a body that hangs or breaks off does not change what the answer was', async () => {
  const start = 'HTTP/1.1 500 Oops\r\ncontent-length: 100\r\n\r\nhalf';
  const hanging = await stage((socket) => socket.write(start), 200);
  expect(await hanging.send()).toMatchObject({ kind: 'answer', status: 500, response: 'half' });
  const breaking = await stage((socket) => socket.end(start));
  expect(await breaking.send()).toMatchObject({ kind: 'answer', status: 500, response: 'half' });
});

test('no answer is named: too late, refused, cut off, no HTTP', async () => {
  const silent = await stage(() => {}, 200);
  expect(await silent.send()).toEqual({ kind: 'no_answer', error: 'timeout' });
  const cut = await stage((socket) => socket.destroy());
  expect(await cut.send()).toEqual({ kind: 'no_answer', error: 'UND_ERR_SOCKET' });
  const interim = await stage((socket) => socket.end('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'));
  expect(await interim.send()).toEqual({ kind: 'no_answer', error: 'UND_ERR_SOCKET' });
  const odd = await stage((socket) => socket.write('SSH-2.0-OpenSSH\r\n'));
  expect(await odd.send()).toEqual({ kind: 'no_answer', error: 'HTTPParserError' });
  const sender = createUndiciSender(patienceMs, 1);
  const nowhere = new URL(`http://127.0.0.1:${await freePort()}/`);
  expect(await sender.send(nowhere, {}, body)).toEqual({ kind: 'no_answer', error: 'ECONNREFUSED' });
  await sender.close();
  expect(await sender.send(nowhere, {}, body)).toEqual({ kind: 'no_answer', error: 'UND_ERR_DESTROYED' });
});

test('what was too late for its turn on the connection is not sent when the turn comes', async () => {
  let requests = 0;
  const { send } = await stage((socket) => {
    requests += 1;
    if (requests > 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  }, 400);
  const late = { kind: 'no_answer', error: 'timeout' };
  expect(await Promise.all([send(), send()])).toEqual([late, late]);
  expect(await send()).toMatchObject({ status: 200 });
  expect(requests).toBe(2); // the first, and the one that came after both
});
