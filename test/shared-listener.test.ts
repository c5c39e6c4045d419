import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { shareListener } from '../src/store/shared-listener.ts';
import type { SqlPool } from '../src/store/sql.ts';
import { eventually } from './support/eventually.ts';

/** A pool whose clients tell what they were asked, and say what the test says. */
function fakePool() {
  const asked: string[] = [];
  const clients: { readonly client: EventEmitter; readonly asked: string[]; released: number }[] = [];
  const pool = {
    query: async (text: string) => {
      asked.push(text);
      return { rows: [{ one: 1 }], rowCount: 1 };
    },
    connect: async () => {
      const [client, ofClient] = [new EventEmitter(), [] as string[]];
      const entry = { client, asked: ofClient, released: 0 };
      clients.push(entry);
      return Object.assign(client, {
        query: async (text: string) => void ofClient.push(text),
        release: () => {
          entry.released += 1;
        },
      });
    },
  };
  return { pool: pool as unknown as SqlPool, asked, clients };
}

const unexpected = (error: unknown): void => expect.unreachable(String(error));
const message = { channel: 'bullmq_jobs', payload: '{acme.recall}' };

test('all borrowers, and who hears, get what one client is notified of; who has given it back does not', async () => {
  const { pool, clients } = fakePool();
  const listener = shareListener(pool);
  const got: string[] = [];
  void listener.hear((queue) => got.push(`heard ${queue}`), unexpected);
  const [first, second, third] = await Promise.all([listener.connect(), listener.connect(), listener.connect()]);
  first.on('notification', ({ payload }) => got.push(`first ${payload}`));
  second.on('notification', ({ payload }) => got.push(`second ${payload}`));
  third.on('notification', ({ payload }) => got.push(`third ${payload}`));
  third.release();
  clients[0]?.client.emit('notification', message);
  expect(got).toEqual(['first {acme.recall}', 'second {acme.recall}', 'heard {acme.recall}']);
  expect(clients.map(({ asked }) => asked)).toEqual([['LISTEN bullmq_jobs']]);
  listener.close();
  await eventually('given back', () => clients[0]?.released === 1);
});

test('what BullMQ asks of the client itself is not asked; anything else the pool answers', async () => {
  const { pool, asked, clients } = fakePool();
  const listener = shareListener(pool);
  const client = await listener.connect();
  await client.query('-- Subscribe to the channel.\nLISTEN bullmq_jobs;');
  await client.query(`SELECT set_config('application_name', $1, false)`, ['{acme.recall}']);
  expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  expect(asked).toEqual(['SELECT 1 AS one']);
  expect(clients[0]?.asked).toEqual(['LISTEN bullmq_jobs']);
  listener.close();
});

test('a client that is lost is told to all borrowers, once, and made anew by whoever borrows, or hears', async () => {
  const { pool, clients } = fakePool();
  const listener = shareListener(pool);
  const heard: string[] = [];
  void listener.hear((queue) => heard.push(queue), unexpected);
  const borrower = await listener.connect();
  const errors: Error[] = [];
  borrower.on('error', (error) => errors.push(error));
  clients[0]?.client.emit('error', new Error('terminated'));
  clients[0]?.client.emit('error', new Error('terminated again'));
  expect(errors.map(({ message: text }) => text)).toEqual(['terminated']);
  expect(clients[0]?.released).toBe(1);
  await eventually('made anew', () => clients[1]?.asked.includes('LISTEN bullmq_jobs'));
  clients[1]?.client.emit('notification', message);
  expect(heard).toEqual(['{acme.recall}']);
  listener.close();
});
