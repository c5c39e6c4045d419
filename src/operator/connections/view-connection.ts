import type { ConnectionView } from './connection-schemas.ts';
import type { KnownConnection } from './ports.ts';

/** A connection as the API and the dashboard show it. */
export function viewConnection(connection: KnownConnection): ConnectionView {
  const { connectedAtMs, refreshedAtMs, checkedAtMs, scopes, ...rest } = connection;
  return {
    ...rest,
    ...(scopes !== undefined && { scopes: [...scopes] }),
    connectedAt: isoOf(connectedAtMs),
    ...(refreshedAtMs !== undefined && { refreshedAt: isoOf(refreshedAtMs) }),
    ...(checkedAtMs !== undefined && { checkedAt: isoOf(checkedAtMs) }),
  };
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
