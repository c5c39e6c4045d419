import { Gauge, type Registry } from 'prom-client';
import type { AppKey } from '../../delivery/names.ts';
import type { ConnectionFigures, ReadConnectionFigures } from '../connections/connection-figures.ts';
import { readAtScrape } from './read-at-scrape.ts';

export interface ConnectionMetrics {
  /** Brings the series up to date; while that does not work they keep their values. Never rejects. */
  refresh(): Promise<unknown>;
}

/** @param nowMs milliseconds of a clock that only goes forward */
export function createConnectionMetrics(
  registry: Registry,
  apps: readonly AppKey[],
  readFigures: ReadConnectionFigures,
  nowMs: () => number,
): ConnectionMetrics {
  const connections = new Gauge({
    name: 'zoom_relay_connections',
    help: 'Connections in the store, of all processes and at most a minute old, by state: working, failing (tried again by itself), needs_person (has to connect again).',
    labelNames: ['app', 'state'],
    registers: [registry],
  });
  const show = ({ app, total, needPerson, failing }: ConnectionFigures): void => {
    connections.set({ app, state: 'working' }, total - needPerson - failing);
    connections.set({ app, state: 'failing' }, failing);
    connections.set({ app, state: 'needs_person' }, needPerson);
  };
  for (const app of apps) show({ app, total: 0, needPerson: 0, failing: 0 });
  return { refresh: readAtScrape(async () => (await readFigures()).forEach(show), nowMs) };
}
