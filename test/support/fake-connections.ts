import type { AppKey } from '../../src/delivery/names.ts';
import { RelayError } from '../../src/errors.ts';
import { type ConnectionService, createConnectionService } from '../../src/operator/connections/connection-service.ts';
import type { ConnectionSource, Disconnected, KnownConnection } from '../../src/operator/connections/ports.ts';
import { Secret } from '../../src/secret.ts';
import type { FakeRelay } from './fake-relay.ts';

/** The OAuth side as operators see it, made up and changed by the tests. */
export class FakeConnections implements ConnectionSource {
  readonly known: KnownConnection[] = [];
  readonly links: { readonly app: string; readonly user: string; readonly returnTo?: string | undefined }[] = [];
  readonly synced: string[] = [];
  /** What is not undone elsewhere when somebody is disconnected. */
  leftBehind: readonly string[] = [];
  readonly #relay: FakeRelay;

  constructor(relay: FakeRelay) {
    this.#relay = relay;
  }

  /** The newest. */
  add(change: Partial<KnownConnection> = {}): KnownConnection {
    const index = this.known.length + 1;
    const connection: KnownConnection = {
      id: index.toString(16).padStart(24, '0'),
      app: 'default' as AppKey,
      user: `person-${index}@example.com`,
      mode: 'customer-managed',
      state: 'healthy',
      needsPerson: false,
      zoomUserId: `KdYKjnimT4KPd8KK${index}FQ`,
      zoomAccountId: 'VjZoEArIT5y-HlWxkV-tVA',
      email: `person-${index}@zoom.example`,
      credentialId: '7d1c9e5a-4b53-4a1e-9f0a-2b6a3c1d9e10',
      scopes: ['meeting:read:list_meetings', 'user:read:user', 'user:read:zak'],
      connectedAtMs: Date.UTC(2026, 10, 18, 8, index),
      refreshedAtMs: Date.UTC(2026, 10, 18, 9, 1),
      checkedAtMs: Date.UTC(2026, 10, 18, 9, 5),
      ...change,
    };
    this.known.unshift(connection);
    return connection;
  }

  /** @param apps that people can connect to */
  serviceOf(apps: readonly string[] = ['default']): ConnectionService {
    const audit = {
      note: async ({ who, action, target }: { who: string; action: string; target: string }) => {
        if (this.#relay.isAway) throw new RelayError('store_unavailable', 'ECONNREFUSED');
        this.#relay.note(who, action, target);
      },
    };
    return createConnectionService({ source: this, apps: apps.map((app) => app as AppKey), audit, nowMs: Date.now });
  }

  async list({ app, before, limit }: Parameters<ConnectionSource['list']>[0]): Promise<readonly KnownConnection[]> {
    if (this.#relay.isAway) throw new RelayError('store_unavailable', 'ECONNREFUSED');
    const matching = this.known.filter(
      (one) => (app ?? one.app) === one.app && (before === undefined || one.id < before),
    );
    return matching.slice(0, limit);
  }

  async read(id: string): Promise<KnownConnection> {
    if (this.#relay.isAway) throw new RelayError('store_unavailable', 'ECONNREFUSED');
    const found = this.known.find((one) => one.id === id);
    if (found !== undefined) return found;
    throw new RelayError('connection_unknown', 'there is no such connection, or not any more');
  }

  async createLink(app: string, whom: { user: string; returnTo?: string | undefined }): Promise<URL> {
    if (whom.returnTo?.startsWith('https://evil.'))
      throw new RelayError('return_refused', 'returnTo must be elsewhere');
    this.links.push({ app, ...whom });
    return new URL(`https://relay.example/connect/zoom/${app}?token=${'eyJhbGciOiJIUzI1NiJ9.'.repeat(18)}`);
  }

  async botUrls() {
    const url = new Secret('https://relay.example/zoom-token/x/zak?auth_token=secret');
    return { zak: url, obf: url, joinToken: url };
  }

  async syncMeetings(id: string): Promise<void> {
    const { state } = await this.read(id);
    if (state !== 'healthy')
      throw new RelayError('recall_refused', 'Recall: refused (400): the credential is unhealthy');
    this.synced.push(id);
  }

  async disconnect(id: string, isForced: boolean): Promise<Disconnected> {
    const { leftBehind } = this;
    if (leftBehind.length > 0 && !isForced) return { kind: 'kept', leftBehind };
    this.known.splice(
      this.known.findIndex((one) => one.id === id),
      1,
    );
    return { kind: 'disconnected', leftBehind };
  }
}
