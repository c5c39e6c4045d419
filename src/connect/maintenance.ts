import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { AppKey } from '../delivery/names.ts';
import { RelayError } from '../errors.ts';
import type { ConnectionStore } from './connection-store.ts';
import { maintainApp } from './maintain.ts';
import { parseJson } from './parse-json.ts';
import type { ConnectParts } from './ports.ts';
import type { TokenKeeper } from './tokens/token-keeper.ts';

/** Between rounds over all connections: Recall allows 60 lists a minute. */
const roundMs = 5 * 60_000;
/** Between looks whether a round is due. */
const lookMs = 15_000;
const leaseKey = 'maintenance';
/** A process that has begun a round has so long before another takes over. */
const leaseMs = 10 * 60_000;
const lease = z.object({ v: z.literal(1), by: z.string(), untilMs: z.number(), nextAtMs: z.number() });

export interface Maintenance {
  /** Ends after what is under way for one connection. Never rejects. */
  stop(): Promise<void>;
}

/** Goes over all connections every 5 minutes; of several processes one does. */
export function startMaintenance(store: ConnectionStore, keeper: TokenKeeper, parts: ConnectParts): Maintenance {
  const stopping = new AbortController();
  const by = parts.randomBytes(8).toString('hex');
  const looking = repeat();

  async function repeat(): Promise<void> {
    while (!stopping.signal.aborted) {
      await look().catch((cause: unknown) => tell(cause, undefined));
      await delay(lookMs, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
    }
  }

  async function look(): Promise<void> {
    const held = await parts.records.read(leaseKey);
    const current = lease.safeParse(parseJson(held)).data;
    const nowMs = parts.nowMs();
    if (current !== undefined && (current.untilMs > nowMs || current.nextAtMs > nowMs)) return;
    const nextAtMs = nowMs + roundMs;
    let taken = JSON.stringify({ v: 1, by, untilMs: nowMs + leaseMs, nextAtMs });
    if (!(await parts.records.swap(leaseKey, held, { value: taken }))) return;
    let renewAtMs = nowMs + leaseMs / 2;
    await round(async () => {
      if (stopping.signal.aborted) return false;
      if (parts.nowMs() < renewAtMs) return true;
      renewAtMs = parts.nowMs() + leaseMs / 2;
      const renewed = JSON.stringify({ v: 1, by, untilMs: parts.nowMs() + leaseMs, nextAtMs });
      const isOurs = await parts.records.swap(leaseKey, taken, { value: renewed });
      if (isOurs) taken = renewed;
      return isOurs;
    });
    await parts.records.swap(leaseKey, taken, { value: JSON.stringify({ v: 1, by, untilMs: 0, nextAtMs }) });
  }

  async function round(mayGoOn: () => Promise<boolean>): Promise<void> {
    for (const app of parts.apps.values()) {
      if (!(await mayGoOn())) return;
      await maintainApp(app, store, keeper, parts, mayGoOn).catch((cause: unknown) => tell(cause, app.key));
    }
  }

  /** Everybody knows when the store is away. */
  function tell(cause: unknown, app: AppKey | undefined): void {
    const isAway = cause instanceof RelayError && cause.code === 'store_unavailable';
    if (!isAway) parts.observe({ kind: 'maintenance_failed', app, cause });
  }

  return {
    async stop() {
      stopping.abort();
      await looking;
    },
  };
}
