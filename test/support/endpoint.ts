import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { eventually } from './eventually.ts';

export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface TestEndpoint {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly requests: readonly ReceivedRequest[];
  /** Connections made, also those on which nothing was asked. */
  connections(): number;
  /** Resolves with the first request, past or future, whose body is this one. */
  got(body: Uint8Array): Promise<ReceivedRequest>;
  stop(): Promise<void>;
}

export type Answer = (request: ReceivedRequest, response: ServerResponse, raw: IncomingMessage) => unknown;

/** An endpoint of the company's own, on a free port of loopback; answers 200 unless told otherwise. */
export async function startEndpoint(answer: Answer = (_request, response) => response.end()): Promise<TestEndpoint> {
  const requests: ReceivedRequest[] = [];
  let connections = 0;
  const server = createServer(async (raw, response) => {
    const body = await buffer(raw).catch(() => undefined);
    if (body === undefined) return;
    const request = { method: raw.method ?? '', path: raw.url ?? '', headers: raw.headers, body };
    requests.push(request);
    await answer(request, response, raw);
  });
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    connections: () => connections,
    got: (body) => eventually('received', () => requests.find((request) => request.body.equals(body))),
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
