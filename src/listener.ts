import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { RelayError } from './errors.ts';

/** A sender gets this long for headers and body together, milliseconds: Zoom itself gives up after it. */
const requestTimeoutMs = 3000;
const connectionCheckMs = 500;
/** Longer than the idle timeout of common load balancers (60 s), so that they close first. */
const keepAliveTimeoutMs = 65_000;
const maxConnections = 10_000;

export interface Listener {
  readonly url: URL;
  /** From now on each answer closes its connection; resolves when no request is being answered. */
  drain(): Promise<void>;
  /** Stops listening; closes what is open. */
  close(): Promise<void>;
}

/**
 * Serves a Hono app on a port.
 *
 * @param names the variables that set host and port, for the error message
 * @throws RelayError `listener_failed`
 */
export async function listen(
  app: Hono,
  address: { readonly host: string; readonly port: number },
  names: { readonly host: string; readonly port: string },
): Promise<Listener> {
  const handle = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const answering = new Set<ServerResponse>();
  let draining = false;
  let onIdle: (() => void) | undefined;
  const server = createServer(
    {
      requestTimeout: requestTimeoutMs,
      headersTimeout: requestTimeoutMs,
      connectionsCheckingInterval: connectionCheckMs,
    },
    (request, response) => {
      answering.add(response);
      if (draining) response.setHeader('connection', 'close');
      response.once('close', () => {
        answering.delete(response);
        if (answering.size === 0) onIdle?.();
      });
      void handle(request, response);
    },
  );
  server.keepAliveTimeout = keepAliveTimeoutMs;
  server.maxConnections = maxConnections;
  await startListening(server, address, names);
  const { port } = server.address() as AddressInfo;

  return {
    url: new URL(`http://${address.host.includes(':') ? `[${address.host}]` : address.host}:${port}`),
    async drain() {
      draining = true;
      for (const response of answering) if (!response.headersSent) response.setHeader('connection', 'close');
      const { promise, resolve } = Promise.withResolvers<void>();
      onIdle = resolve;
      if (answering.size > 0) await promise;
    },
    async close() {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      await promise;
    },
  };
}

async function startListening(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
  names: { readonly host: string; readonly port: string },
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('listening', resolve).once('error', reject);
  server.listen(port, host);
  try {
    await promise;
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
    throw new RelayError(
      'listener_failed',
      `cannot listen on ${host} port ${port} (${code}): set ${names.host} and ${names.port} to an address that is free`,
      { cause },
    );
  }
}
