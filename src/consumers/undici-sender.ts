import { Agent, type buildConnector } from 'undici';
import { AnswerReader } from './answer-reader.ts';
import type { Sender, SendResult } from './ports.ts';

/**
 * Posts with pooled keep-alive connections, one request on a connection at a time. Redirects are not followed. Idle
 * connections are closed after undici's 4 s (or what the server announces): one that the server has closed meanwhile
 * would cost an attempt.
 *
 * @param timeoutMs for the whole exchange, from connecting to the last byte of the answer that is read
 * @param connections kept to one origin at most
 * @param connector makes the connections; undici's own unless told otherwise
 */
export function createUndiciSender(
  timeoutMs: number,
  connections: number,
  connector?: buildConnector.connector,
): Sender {
  const agent = new Agent({
    connections,
    pipelining: 1,
    allowH2: false, // one lost session would fail all that is under way on it
    connect: connector ?? { timeout: timeoutMs },
    headersTimeout: 0, // the reader's own timer is for the whole exchange
    bodyTimeout: 0,
  });

  return {
    send(url, headers, body) {
      const { promise, resolve } = Promise.withResolvers<SendResult>();
      const reader = new AnswerReader(timeoutMs, resolve);
      const { origin, pathname, search } = url;
      try {
        agent.dispatch({ origin, path: `${pathname}${search}`, method: 'POST', headers: { ...headers }, body }, reader);
      } catch (error) {
        reader.onResponseError(undefined, error);
      }
      return promise;
    },

    close: () => agent.close(),
  };
}
