import { isUnregistered, needsPerson } from './connection.ts';
import type { ConnectionStore } from './connection-store.ts';
import type { ConnectApp } from './ports.ts';

/** How many connections of an app need somebody: for alerts. */
export interface ConnectionHealth {
  readonly total: number;
  /** Those that only the person can mend. */
  readonly needPerson: number;
  /** Those whose refresh or registration keeps failing. */
  readonly failing: number;
}

export async function readHealth(app: ConnectApp, store: ConnectionStore): Promise<ConnectionHealth> {
  const connections = await store.all(app.key);
  const mendable = connections.filter((each) => !needsPerson(each));
  const failing = mendable.filter((each) => each.trouble !== undefined || isUnregistered(each)).length;
  return { total: connections.length, needPerson: connections.length - mendable.length, failing };
}
