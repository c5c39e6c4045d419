import { Hono } from 'hono';
import { RelayError } from '../errors.ts';
import { errorResponse } from '../http-error.ts';
import type { Secret } from '../secret.ts';
import { requireBearer } from './bearer.ts';
import type { Ledger } from './ledger.ts';

/** The operator API under `/api`. Every route asks for the token. */
export function createApiRoutes(token: Secret, readLedger: () => Promise<Ledger>): Hono {
  const routes = new Hono();
  routes.use('/api/*', requireBearer(token));
  routes.get('/api/ledger', async (c) => {
    try {
      return c.json(await readLedger());
    } catch (error) {
      if (error instanceof RelayError && error.code === 'store_unavailable') {
        return errorResponse(c, error.code, 'the store is away; ask again when /readyz says ready');
      }
      throw error;
    }
  });
  return routes;
}
