import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { SqlPool } from './sql.ts';

type SqlClient = Awaited<ReturnType<SqlPool['connect']>>;

const retryDelayMs = 1000;
/** Where BullMQ's functions tell of each queue that something was put into it. */
const jobsChannel = 'bullmq_jobs';
/** What BullMQ asks of the client itself: to listen, and to be named for its queue. */
const ofTheClient = /^LISTEN |set_config\('application_name'/m;

/** One client that listens, for all workers of a process. */
export interface SharedListener {
  /** Instead of a client of its own, for a worker. */
  connect(): Promise<SqlClient>;
  /** Calls back for each queue that something is put into by whatever process; makes the client anew for ever. */
  hear(onQueue: (queueName: string) => void, onError: (error: unknown) => void): Promise<void>;
  close(): void;
}

/**
 * BullMQ's workers each keep a client to LISTEN on, more than a server has for hundreds of queues. All they do with it is to
 * wait for the name of their queue on one channel: one client does for all.
 */
export function shareListener(pool: SqlPool): SharedListener {
  const borrowers = new Set<EventEmitter>();
  const hearers: ((queueName: string) => void)[] = [];
  const closing = new AbortController();
  let lost = Promise.withResolvers<void>();
  let current: Promise<SqlClient> | undefined;

  function listening(): Promise<SqlClient> {
    if (current !== undefined) return current;
    const opening = open(() => {
      if (current === opening) current = undefined;
    });
    opening.catch(() => {
      if (current === opening) current = undefined;
    });
    current = opening;
    return opening;
  }

  async function open(onLost: () => void): Promise<SqlClient> {
    const client = await pool.connect();
    let isLost = false;
    const lose = (error: Error): void => {
      if (isLost) return;
      isLost = true;
      client.release(true);
      onLost();
      lost.resolve();
      lost = Promise.withResolvers();
      for (const borrower of [...borrowers]) borrower.emit('error', error); // BullMQ then borrows anew
    };
    client.on('error', lose);
    client.on('notification', (message: { readonly channel: string; readonly payload?: string }) => {
      for (const borrower of borrowers) borrower.emit('notification', message);
      for (const hearer of hearers) hearer(message.payload ?? '');
    });
    try {
      await client.query(`LISTEN ${jobsChannel}`);
    } catch (error) {
      lose(error as Error);
      throw error;
    }
    return client;
  }

  return {
    async connect() {
      await listening();
      const borrower = new EventEmitter();
      borrower.on('error', () => borrowers.delete(borrower));
      borrowers.add(borrower);
      const query = async (text: string, params?: readonly unknown[]) => {
        return ofTheClient.test(text) ? { rows: [], rowCount: 0 } : pool.query(text, params);
      };
      return Object.assign(borrower, { query, release: () => void borrowers.delete(borrower) }) as unknown as SqlClient;
    },

    async hear(onQueue, onError) {
      hearers.push(onQueue);
      const { signal } = closing;
      while (!signal.aborted) {
        const { promise: isLost } = lost;
        await listening().then(() => isLost, onError);
        await delay(retryDelayMs, undefined, { signal }).catch(() => undefined);
      }
    },

    close() {
      closing.abort();
      lost.resolve();
      void current?.then((client) => client.release(true)).catch(() => undefined);
      current = undefined;
    },
  };
}
