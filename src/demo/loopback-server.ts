import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface LoopbackServer {
  readonly baseUrl: string;
  /** Refuses connections, and breaks those that are open, until `comeBack`. */
  goAway(): void;
  comeBack(): void;
  close(): Promise<void>;
}

/**
 * Serves on 127.0.0.1, each request with its whole body; one whose body does not arrive is not answered.
 *
 * @param port 0 for a free one
 */
export async function startLoopbackServer(
  answer: (request: IncomingMessage, response: ServerResponse, body: Buffer) => Promise<void>,
  port: number,
): Promise<LoopbackServer> {
  const server = createServer(async (request, response) => {
    const body = await buffer(request).catch(() => undefined);
    if (body !== undefined) await answer(request, response, body);
  });
  const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(port, '127.0.0.1', resolve);
  await listening;
  const ownPort = (server.address() as AddressInfo).port;
  return {
    baseUrl: `http://127.0.0.1:${ownPort}`,
    goAway() {
      server.close();
      server.closeAllConnections();
    },
    comeBack() {
      server.listen(ownPort, '127.0.0.1');
    },
    async close() {
      const { promise, resolve: closed } = Promise.withResolvers<void>();
      server.close(() => closed());
      server.closeAllConnections();
      await promise;
    },
  };
}
