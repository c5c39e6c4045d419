import type { AppKey } from '../../delivery/names.ts';
import { parseDuration } from '../../duration.ts';
import { RelayError } from '../../errors.ts';
import type { AuditLog } from '../audit-log.ts';
import type { ConnectionFilter, ConnectionList, ConnectionView, LinkInput } from './connection-schemas.ts';
import { findConnections } from './find-connections.ts';
import type { BotUrls, ConnectionSource, Disconnected } from './ports.ts';
import { viewConnection } from './view-connection.ts';

/** What an operator may ask and do about connections, by the API or by the dashboard. What acts is audited first. */
export interface ConnectionService {
  /** Those that people can connect to. None: connecting is off, and all below reject with `connect_off`. */
  readonly apps: readonly AppKey[];
  /** @throws RelayError `cursor_invalid` */
  list(
    filter: ConnectionFilter,
    page: { readonly before?: string | undefined; readonly limit: number },
  ): Promise<ConnectionList>;
  /** @throws RelayError `connection_unknown` */
  read(id: string): Promise<ConnectionView>;
  /** @throws RelayError `app_unknown`, `connection_unknown`, `return_refused` */
  createLink(input: LinkInput, who: string): Promise<{ readonly url: URL; readonly expiresAtMs: number }>;
  /** @throws RelayError `connection_unknown` */
  disconnect(id: string, wish: { readonly force: boolean } & Why, who: string): Promise<Disconnected>;
  /** @throws RelayError `connection_unknown` */
  botUrls(id: string, why: Why, who: string): Promise<BotUrls>;
  /** Has Recall read the person's meetings anew. @throws RelayError `connection_unknown`, `recall_refused` */
  syncMeetings(id: string, why: Why, who: string): Promise<void>;
}

interface Why {
  readonly reason?: string | undefined;
}

export interface ConnectionServiceParts {
  /** Absent: nobody can connect to any app. */
  readonly source: ConnectionSource | undefined;
  readonly apps: readonly AppKey[];
  readonly audit: Pick<AuditLog, 'note'>;
  readonly nowMs: () => number;
}

export function createConnectionService({ source, apps, audit, nowMs }: ConnectionServiceParts): ConnectionService {
  function on(): ConnectionSource {
    if (source !== undefined) return source;
    throw new RelayError('connect_off', connectOff);
  }

  /** Whom a link is for. Nothing is noted about what is not there. */
  async function whomOf(input: LinkInput): Promise<{ app: AppKey; user: string; target: string }> {
    if (input.connection !== undefined) {
      const { id, app, user } = await on().read(input.connection);
      return { app, user, target: targetOf(id) };
    }
    const app = apps.find((key) => key === input.app);
    if (app !== undefined && input.user !== undefined) return { app, user: input.user, target: `app:${app}` };
    const known = apps.join(', ');
    throw new RelayError('app_unknown', `nobody can connect to this app; to these they can: ${known}`);
  }

  return {
    apps,

    async list(filter, page) {
      const { found, cursor, isPartial } = await findConnections(on(), filter, page);
      return { connections: found.map(viewConnection), ...(cursor !== undefined && { cursor }), isPartial };
    },

    read: async (id) => viewConnection(await on().read(id)),

    async createLink(input, who) {
      const connect = on();
      const { app, user, target } = await whomOf(input);
      const expiresAtMs = nowMs() + (parseDuration(input.expiresIn) ?? 0);
      const detail = { app, user, expiresAt: new Date(expiresAtMs).toISOString() };
      const url = await connect.createLink(app, { user, returnTo: input.returnTo }, expiresAtMs);
      await audit.note({ who, action: 'connect_link_made', target, reason: input.reason, detail }); // else nobody gets it
      return { url, expiresAtMs };
    },

    async disconnect(id, { force, reason }, who) {
      const { app, user } = await on().read(id);
      const detail = { app, user, force };
      await audit.note({ who, action: 'connection_ended', target: targetOf(id), reason, detail });
      return on().disconnect(id, force);
    },

    async botUrls(id, { reason }, who) {
      const { app, user } = await on().read(id);
      await audit.note({ who, action: 'bot_urls_viewed', target: targetOf(id), reason, detail: { app, user } });
      return on().botUrls(id);
    },

    async syncMeetings(id, { reason }, who) {
      const { app, user } = await on().read(id);
      await audit.note({ who, action: 'meetings_synced', target: targetOf(id), reason, detail: { app, user } });
      return on().syncMeetings(id);
    },
  };
}

const connectOff =
  'nobody can connect to any app: set ZOOM_APP_CLIENT_ID, ZOOM_APP_CLIENT_SECRET, RECALL_API_KEY, PUBLIC_URL and ENCRYPTION_KEY (with APPS_FILE: "connect" of an app) and restart';

function targetOf(id: string): string {
  return `connection:${id}`;
}
