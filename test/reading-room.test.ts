import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { ReadingRoom } from '../src/intake/read-body.ts';

/** A request whose body a test feeds. */
function newRequest(headers: Record<string, string> = {}): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  Object.assign(request.headers, headers);
  return request;
}

const maxBytes = 100_000;

test('chunks become one body, however small they are', async () => {
  const room = new ReadingRoom(1_000_000);
  const request = newRequest();
  const reading = room.read(request, maxBytes);
  for (let index = 0; index < 5000; index += 1) request.push(Buffer.from([index % 256]));
  request.push(null);
  const read = await reading;
  expect(read).toMatchObject({ kind: 'body' });
  expect(read.kind === 'body' && Buffer.from(read.body)).toEqual(
    Buffer.from(Array.from({ length: 5000 }, (_, index) => index % 256)),
  );
});

test('an empty body is a body', async () => {
  const request = newRequest();
  const reading = new ReadingRoom(10).read(request, maxBytes);
  request.push(null);
  expect(await reading).toEqual({ kind: 'body', body: Buffer.alloc(0) });
});

test('over the bound of all readers the one that has taken longest is given up, not the newcomer', async () => {
  const room = new ReadingRoom(250_000);
  const slow = [newRequest(), newRequest(), newRequest()];
  const slowReadings = slow.map((request) => room.read(request, maxBytes));
  for (const request of slow) request.push(Buffer.alloc(80_000)); // together 240,000: all may stay
  const newcomer = newRequest();
  const reading = room.read(newcomer, maxBytes);
  newcomer.push(Buffer.alloc(50_000, 1));
  newcomer.push(null);
  expect((await reading).kind).toBe('body');
  expect(await slowReadings[0]).toEqual({ kind: 'overloaded' });
  for (const request of slow) request.push(null);
  expect((await Promise.all(slowReadings)).map(({ kind }) => kind)).toEqual(['overloaded', 'body', 'body']);
});

test('what was held is given back, however a read ends', async () => {
  const room = new ReadingRoom(100_000);
  for (let round = 0; round < 20; round += 1) {
    const [ended, broken, tooLarge] = [newRequest(), newRequest(), newRequest()];
    const readings = [ended, broken, tooLarge].map((request) => room.read(request, 30_000));
    for (const request of [ended, broken]) request.push(Buffer.alloc(20_000));
    tooLarge.push(Buffer.alloc(30_001));
    ended.push(null);
    broken.destroy();
    expect((await Promise.all(readings)).map(({ kind }) => kind)).toEqual([
      'body',
      'body_incomplete',
      'body_too_large',
    ]);
  }
});

test('a Content-Length over the limit is refused before anything is read', async () => {
  const request = newRequest({ 'content-length': '100001' });
  expect(await new ReadingRoom(1_000_000).read(request, maxBytes)).toEqual({ kind: 'body_too_large' });
});
