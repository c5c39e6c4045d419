import type { ConnectionFilter } from '../../connections/connection-schemas.ts';
import type { DeliveryFilter } from '../../schemas.ts';

/** Where things are shown. Every value is encoded: an event or a search may hold anything. */

export function pathOfDelivery({ app, consumer, id }: { app: string; consumer: string; id: string }): string {
  return `/deliveries/${[app, consumer, id].map(encodeURIComponent).join('/')}`;
}

export function pathOfDeliveries(filter: DeliveryFilter, cursor?: string): string {
  return withQuery('/deliveries', { ...filter, cursor });
}

export function pathOfNewReplay(filter: DeliveryFilter): string {
  return withQuery('/replays/new', filter);
}

export function pathOfReplay(id: string): string {
  return `/replays/${encodeURIComponent(id)}`;
}

export function pathOfConnection(id: string): string {
  return `/connections/${encodeURIComponent(id)}`;
}

export function pathOfConnections(filter: ConnectionFilter, before?: string): string {
  return withQuery('/connections', { ...filter, before });
}

/** Leaves out what is `undefined`. */
export function withQuery(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}
