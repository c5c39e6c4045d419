import { createHash } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { notificationIdOf } from '../src/delivery/names.ts';
import { answering } from '../src/demo/recall-stand-in.ts';
import { zoomHeaders } from '../src/demo/zoom-stand-in.ts';
import { createRedisDatabase, engines, type TestStore } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { ask, post } from './support/operator-client.ts';
import { startTestRelay, type TestRelay, testSecret } from './support/test-relay.ts';

const hourMs = 3_600_000;

describe.each(engines)('on $engine', ({ createStore }) => {
  let store: TestStore;
  let relay: TestRelay;
  let serial = 0;

  beforeAll(async () => {
    store = await createStore();
    relay = await startTestRelay(store.url, { env: { RETRY_SCHEDULE: 'none' } });
  });
  afterAll(async () => {
    await relay.stop();
    await store.remove();
  });

  /** A notification nobody has sent before, about a meeting of its own. */
  function meeting(extra: Readonly<Record<string, unknown>> = {}): { readonly id: string; readonly body: Buffer } {
    serial += 1;
    const object = {
      id: 81_000_000_000 + serial,
      uuid: `uuid${serial}/+==`,
      host_id: `host-${serial}`,
      password: 'passcode1',
      ...extra,
    };
    const text = JSON.stringify({
      event: 'meeting.created',
      event_ts: Date.now() - 1500,
      payload: {
        account_id: 'account-9',
        operator: `anna${serial}@example.com`,
        operator_id: `host-${serial}`,
        object,
      },
    });
    const body = Buffer.from(text);
    return { id: notificationIdOf(body), body };
  }

  async function send(
    state: 'delivered' | 'dead',
    extra = {},
  ): Promise<{ readonly id: string; readonly body: Buffer }> {
    const made = meeting(extra);
    if (state === 'dead') relay.recall.misbehave(answering(404));
    expect((await relay.post(made.body)).status).toBe(204);
    await eventually(state, async () => (await read(made.id)).json?.state === state);
    return made;
  }

  const read = (id: string) => ask(relay, `/api/deliveries/default/recall/${id}`);
  const list = async (query: string) => (await ask(relay, `/api/deliveries?${query}`)).json;
  const idsOf = (page: { deliveries: { notificationId: string }[] }): string[] =>
    page.deliveries.map(({ notificationId }) => notificationId);

  test('a delivery shows what, when, for whom, every attempt, its SHA-256 and its lag; the body only on request, masked', async () => {
    const { id, body } = meeting();
    const headers = zoomHeaders(testSecret, body, Date.now());
    relay.recall.misbehave(answering(404));
    await relay.post(body, { headers });
    const dead = await eventually('dead', async () => {
      const { json } = await read(id);
      return json?.state === 'dead' && json;
    });
    expect(dead).toMatchObject({
      app: 'default',
      consumer: 'recall',
      notificationId: id,
      event: 'meeting.created',
      attempts: 1,
      lastAttempt: { outcome: 'refused', status: 404 },
      about: {
        meetingId: String(81_000_000_000 + serial),
        userId: `host-${serial}`,
        email: `anna${serial}@example.com`,
        accountId: 'account-9',
      },
      meetingUuid: `uuid${serial}/+==`,
      requestId: headers['x-zm-request-id'],
      bytes: body.length,
      sha256: createHash('sha256').update(body).digest('hex'),
      headers: { 'x-zm-signature': headers['x-zm-signature'] },
      attemptLog: [{ attempt: 1, outcome: 'refused', status: 404, response: 'the stand-in was told to answer 404' }],
      replays: [],
    });
    expect(dead.deathReason).toMatch(/^attempts_exhausted/);
    expect(dead.lagMs).toBeGreaterThanOrEqual(1500);
    expect(JSON.stringify(dead)).not.toContain('passcode1');
    const { json: shown } = await ask(relay, `/api/deliveries/default/recall/${id}/body`);
    expect(shown).toEqual({ text: body.toString().replace('passcode1', '***'), masked: 1 });
    const { json: audit } = await ask(relay, '/api/audit');
    expect(audit.entries[0]).toMatchObject({
      who: 'operator',
      action: 'body_viewed',
      target: `delivery:default/recall/${id}`,
    });
  });

  test('lists are newest first and paged by cursors that stay good while more arrive', async () => {
    const sent: string[] = [];
    for (let count = 0; count < 5; count += 1) sent.unshift((await send('delivered')).id);
    const first = await list('limit=2');
    expect(idsOf(first)).toEqual(sent.slice(0, 2));
    await send('delivered');
    const second = await list(`limit=2&cursor=${first.cursor}`);
    expect(idsOf(second)).toEqual(sent.slice(2, 4));
  });

  test('each filter holds alone and together with others', async () => {
    const delivered = await send('delivered');
    const dead = await send('dead');
    expect(idsOf(await list('state=dead&limit=1'))).toEqual([dead.id]);
    expect(idsOf(await list('state=delivered&limit=1'))).toEqual([delivered.id]);
    expect(idsOf(await list('event=meeting.*&limit=1'))).toEqual([dead.id]);
    expect(idsOf(await list('event=user.updated'))).toEqual([]);
    expect(idsOf(await list('app=default&consumer=recall&limit=1'))).toEqual([dead.id]);
    expect(idsOf(await list('since=1h&limit=1'))).toEqual([dead.id]);
    expect(idsOf(await list('until=1h'))).toEqual([]);
    expect(idsOf(await list(`since=${new Date(Date.now() + hourMs).toISOString()}`))).toEqual([]);
  });

  test.each<[string, (made: { id: string }, number: number) => string]>([
    ['meeting id', (_made, number) => String(81_000_000_000 + number)],
    ['meeting uuid', (_made, number) => `uuid${number}/+==`],
    ['user id', (_made, number) => `host-${number}`],
    ['e-mail, whatever its case', (_made, number) => `ANNA${number}@example.com`],
    ['notificationId', ({ id }) => id],
  ])('a delivery is found by its %s', async (_what, textOf) => {
    const made = await send('delivered');
    expect(idsOf(await list(new URLSearchParams({ q: textOf(made, serial) }).toString()))).toContain(made.id);
  });

  test('a delivery is found by its x-zm-request-id, and not by what is no identifier', async () => {
    const { id, body } = meeting({ topic: 'a-topic-to-search' });
    const headers = zoomHeaders(testSecret, body, Date.now());
    await relay.post(body, { headers });
    await eventually('delivered', async () => (await read(id)).json?.state === 'delivered');
    expect(idsOf(await list(`q=${headers['x-zm-request-id']}`))).toEqual([id]);
    expect(idsOf(await list('q=a-topic-to-search'))).toEqual([]);
  });

  test.each([
    ['limit=0', /limit/],
    ['limit=201', /limit/],
    ['state=lost', /state/],
    ['event=Meeting!', /event/],
    ['since=yesterday', /since/],
    ['app=../x', /app/],
    ['cursor=nonsense', /cursor/],
  ])('%s is refused and named', async (query, reason) => {
    const { status, json } = await ask(relay, `/api/deliveries?${query}`);
    expect([status, json.error.code]).toEqual([400, query.startsWith('cursor') ? 'cursor_invalid' : 'input_invalid']);
    expect(json.error.message).toMatch(reason);
  });

  test('what is not there is said so', async () => {
    expect((await read('0'.repeat(32))).json.error.code).toBe('delivery_unknown');
    expect((await ask(relay, `/api/deliveries/default/crm/${'0'.repeat(32)}`)).json.error.code).toBe(
      'consumer_unknown',
    );
    for (const [query, code] of [
      ['deliveries?consumer=crm', 'consumer_unknown'],
      ['deliveries?app=nope', 'app_unknown'],
      ['consumers?app=nope', 'app_unknown'],
      ['stream?app=nope', 'app_unknown'],
    ]) {
      const { status, json } = await ask(relay, `/api/${query}`);
      expect([status, json.error.code], query).toEqual([404, code]);
    }
    expect((await ask(relay, '/api/replays/none')).json.error.code).toBe('replay_unknown');
    expect((await post(relay, '/api/replays/none/pause')).json.error.code).toBe('replay_unknown');
    expect((await ask(relay, '/api/nothing')).json.error.code).toBe('route_unknown');
  });

  test('replaying one that is dead delivers it, and its record says who and why', async () => {
    const { id, body } = await send('dead');
    const answer = await post(relay, `/api/deliveries/default/recall/${id}/replay`, { reason: 'Recall is mended' });
    expect(answer.json).toEqual({ result: 'replayed' });
    await eventually('delivered', async () => (await read(id)).json.state === 'delivered');
    expect(relay.recall.requests.filter((request) => request.body.equals(body)).map(({ status }) => status)).toEqual([
      404, 200,
    ]);
    const { json } = await read(id);
    expect(json.attemptLog.map(({ attempt }: { attempt: number }) => attempt)).toEqual([1, 2]);
    expect(json.replays).toEqual([
      expect.objectContaining({ by: 'operator', reason: 'Recall is mended', resign: false }),
    ]);
    expect((await ask(relay, '/api/ledger')).json.addsUp).toBe(true);
  });

  test('replaying one that was delivered asks for force', async () => {
    const { id, body } = await send('delivered');
    const path = `/api/deliveries/default/recall/${id}/replay`;
    expect((await post(relay, path)).json).toEqual({ result: 'delivered_already' });
    expect((await post(relay, path, { force: true })).json).toEqual({ result: 'replayed' });
    await eventually(
      'sent again',
      () => relay.recall.requests.filter((request) => request.body.equals(body)).length === 2,
    );
    await eventually('adds up', async () => (await ask(relay, '/api/ledger')).json.addsUp);
  });

  test('replaying with resign sends a fresh signature that Recall accepts', async () => {
    const { id, body } = await send('dead');
    await post(relay, `/api/deliveries/default/recall/${id}/replay`, { resign: true });
    await eventually('delivered', async () => (await read(id)).json.state === 'delivered');
    const [first, second] = relay.recall.requests.filter((request) => request.body.equals(body));
    expect(second?.status).toBe(200);
    const { json } = await read(id);
    expect(json.headers['x-zm-signature']).toBe(first?.headers['x-zm-signature']);
    expect(json.attemptLog[1].resigned.signature).toBe(second?.headers['x-zm-signature']);
  });

  test('the live stream tells deliveries as they come and change', async () => {
    const stop = new AbortController();
    const answer = await fetch(new URL('/api/stream?event=meeting.*', relay.relay.privateUrl), {
      headers: { authorization: 'Bearer operator-token-for-tests' },
      signal: stop.signal,
    });
    expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const told: string[] = [];
    const reading = (async () => {
      for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>)
        told.push(Buffer.from(chunk).toString());
    })().catch(() => undefined);
    await eventually('it has begun', () => told.length > 0);
    const made = meeting();
    await eventually('told', async () => {
      await relay.post(made.body); // the first look tells nothing: what is there already is no news
      return told.join('').includes(`"notificationId":"${made.id}"`) || undefined;
    });
    stop.abort();
    await reading;
  });

  test('openapi.json describes every route of the API and no other', async () => {
    const { json } = await ask(relay, '/openapi.json');
    expect(json.openapi).toBe('3.1.0');
    const described = Object.keys(json.paths).toSorted();
    expect(described).toContain('/api/deliveries/{app}/{consumer}/{id}/replay');
    expect(described.length).toBeGreaterThan(14);
    for (const path of described) {
      const concrete = path
        .replace('{app}', 'default')
        .replace('{consumer}', 'recall')
        .replace('{action}', 'pause')
        .replace('{id}', '0'.repeat(32));
      for (const method of Object.keys(json.paths[path])) {
        const { status, json: answer } = await ask(relay, concrete, {
          method: method.toUpperCase(),
          ...(method === 'post' && { input: {} }),
        });
        expect(answer?.error?.code, `${method} ${path} ${status}`).not.toBe('route_unknown');
      }
    }
  });
});

test('on Redis, what a notification can be found by is kept beside it, so that no search reads bodies', async () => {
  const store = await createRedisDatabase();
  const relay = await startTestRelay(store.url);
  const client = new Redis(store.url);
  const object = { id: 85_746_065_432, uuid: 'Uuid==', host_id: 'HostId', topic: 'Review' };
  const payload = { account_id: 'Account', operator: 'Jane@Example.com', object };
  const body = Buffer.from(JSON.stringify({ event: 'meeting.created', payload }));
  await relay.post(body, { headers: { 'x-zm-request-id': 'Request-1' } });
  const name = await client.hget(`zoom-relay:{default.recall}:${notificationIdOf(body)}`, 'name');
  client.disconnect();
  await relay.stop();
  await store.remove();
  const expected = ['85746065432', 'uuid==', 'hostid', 'jane@example.com', 'account', 'request-1'];
  expect(name).toBe(`meeting.created#${expected.join('\n')}`);
});
