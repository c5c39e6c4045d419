import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ConsumerKey, notificationIdOf } from '../src/delivery/names.ts';
import { engines, type TestStore } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { defaultApp, startTestRelay, type TestRelay } from './support/test-relay.ts';

const hourMs = 3_600_000;

describe.each(engines)('on $engine', ({ createStore }) => {
  let store: TestStore;
  let relay: TestRelay;
  let nextId = 80_000_000_000;

  beforeAll(async () => {
    store = await createStore();
    relay = await startTestRelay(store.url, { env: { RETAIN_DIRECTORY: '90d' } });
  });
  afterAll(async () => {
    await relay.stop();
    await store.remove();
  });

  const newId = (): number => {
    nextId += 1;
    return nextId;
  };

  function body(name: string, atMs: number, payload: Readonly<Record<string, unknown>>): string {
    return JSON.stringify({ event: name, event_ts: atMs, payload: { account_id: 'account-1', ...payload } });
  }

  function created(id: number, atMs: number, host: string): string {
    const object = {
      ...{ id, uuid: 'abc/+==', host_id: host, topic: 'Review', type: 2, duration: 60 },
      start_time: new Date(atMs + hourMs).toISOString(),
      join_url: `https://example.zoom.us/j/${id}?pwd=secret-passcode`,
    };
    return body('meeting.created', atMs, { operator: `${host}@example.com`, operator_id: host, object });
  }

  /** Posts notifications and waits until the directory has dealt with all there are. */
  async function tell(...bodies: string[]): Promise<void> {
    for (const text of bodies) expect((await relay.post(text)).status).toBe(204);
    await eventually('the directory is up to date', async () => {
      return (await relay.relay.consumerCounts(defaultApp, 'directory' as ConsumerKey)).pending === 0;
    });
  }

  async function meeting(id: number): Promise<Record<string, unknown> | undefined> {
    const url = new URL(`/api/meetings/${id}`, relay.relay.privateUrl);
    const answer = await fetch(url, { headers: { authorization: 'Bearer operator-token-for-tests' } });
    if (answer.status === 404) return undefined;
    return ((await answer.json()) as { meetings: Record<string, unknown>[] }).meetings[0];
  }

  test('it knows a meeting, whose it is, and which notification said so; the passcode is not shown', async () => {
    const [id, atMs] = [newId(), Date.now()];
    const text = created(id, atMs, 'host-1');
    await tell(text);
    expect(await meeting(id)).toEqual({
      app: 'default',
      id: String(id),
      isDeleted: false,
      uuid: 'abc/+==',
      hostId: 'host-1',
      operatorId: 'host-1',
      operatorEmail: 'host-1@example.com',
      accountId: 'account-1',
      topic: 'Review',
      startTime: new Date(atMs + hourMs).toISOString(),
      joinUrl: `https://example.zoom.us/j/${id}?pwd=***`,
      firstHeard: {
        at: new Date(atMs).toISOString(),
        event: 'meeting.created',
        notificationId: notificationIdOf(Buffer.from(text)),
      },
      lastHeard: expect.objectContaining({ event: 'meeting.created' }),
    });
    await relay.recall.seen((request) => request.body.equals(Buffer.from(text)));
  });

  test('order does not matter: older news never overwrites newer', async () => {
    const [id, atMs] = [newId(), Date.now() - hourMs];
    const updated = (ms: number, object: Readonly<Record<string, unknown>>): string =>
      body('meeting.updated', ms, { operator_id: 'host-1', object: { id, ...object } });
    await tell(updated(atMs + 3000, { topic: 'Newest' }));
    await tell(updated(atMs + 2000, { topic: 'Older', start_time: '2030-01-01T00:00:00Z' }));
    await tell(created(id, atMs, 'host-1'));
    expect(await meeting(id)).toMatchObject({ topic: 'Newest', startTime: '2030-01-01T00:00:00Z', hostId: 'host-1' });
    await tell(body('meeting.deleted', atMs + 4000, { object: { id, uuid: 'abc/+==', host_id: 'host-1' } }));
    await tell(created(id, atMs + 1, 'host-1'));
    expect(await meeting(id)).toMatchObject({ isDeleted: true });
  });

  test.each(['top level', 'payload'])(
    'app_deauthorized (time at the %s) deletes what is kept about the user, is forwarded, and older news brings nothing back',
    async (where) => {
      const host = `leaving-${newId()}`;
      const [mine, other, late] = [newId(), newId(), newId()];
      const atMs = Date.now() - hourMs;
      await tell(created(mine, atMs, host), created(other, atMs, 'host-who-stays'));
      expect(await meeting(mine)).toBeDefined();
      const goneMs = atMs + 60_000;
      const payload = { account_id: 'account-1', user_id: host, client_id: 'client', signature: 'opaque' };
      const deauthorized =
        where === 'payload'
          ? { event: 'app_deauthorized', payload: { ...payload, event_ts: zoomDate(goneMs) } }
          : { event: 'app_deauthorized', event_ts: goneMs, payload };
      const text = JSON.stringify(deauthorized);
      await tell(text);
      expect(await meeting(mine)).toBeUndefined();
      expect(await meeting(other)).toBeDefined();
      await relay.recall.seen((request) => request.body.equals(Buffer.from(text)));
      await tell(created(late, atMs + 1000, host), created(mine, atMs + 1, host));
      expect([await meeting(late), await meeting(mine)]).toEqual([undefined, undefined]);
      const again = newId();
      await tell(created(again, goneMs + 60_000, host)); // authorized again since
      expect(await meeting(again)).toMatchObject({ hostId: host });
    },
  );

  test('an event about nothing that can be kept is done, and the log says why', async () => {
    await tell(body('meeting.created', Date.now(), { object: { uuid: 'no id' } }));
    const line = relay.logged.findLast(({ event }) => event === 'directory_skipped');
    expect(line?.reason).toMatch(/payload\.object\.id/);
    expect(await relay.relay.consumerCounts(defaultApp, 'directory' as ConsumerKey)).toMatchObject({ dead: 0 });
  });
});

/** As Zoom's example of app_deauthorized has it: `2024-09-08 15:58:40`. */
function zoomDate(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}
