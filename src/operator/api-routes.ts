import { Hono } from 'hono';
import { RelayError } from '../errors.ts';
import { errorResponse } from '../http-error.ts';
import type { Secret } from '../secret.ts';
import { requireBearer } from './bearer.ts';
import type { Ledger } from './ledger.ts';

/** How the store is, and how well it keeps things. */
export interface StoreReport {
  readonly engine: string;
  readonly ready: boolean;
  readonly reason?: string;
  readonly findings: readonly { readonly level: string; readonly code: string; readonly message: string }[];
}

/** The operator API under `/api`. Every route asks for the token. */
export function createApiRoutes(token: Secret, readLedger: () => Promise<Ledger>, readStore: () => StoreReport): Hono {
  const routes = new Hono();
  routes.use('/api/*', requireBearer(token));
  routes.get('/api/store', (c) => c.json(readStore()));
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
