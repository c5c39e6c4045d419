import { expect, test, vi } from 'vitest';
import type { AppKey } from '../src/delivery/names.ts';
import { RelayError } from '../src/errors.ts';
import { createLog } from '../src/log.ts';
import { type ConnectionFigures, createFiguresReader } from '../src/operator/connections/connection-figures.ts';
import { createMetrics, type MetricsParts } from '../src/operator/metrics.ts';
import { connectMetricLabels, reportConnect } from '../src/report-connect.ts';
import { connectPerson } from './support/connect-person.ts';
import { ada, startConnectStage } from './support/connect-stage.ts';
import { createRedisDatabase } from './support/engines.ts';
import { stopAfterEach } from './support/keep.ts';
import { startTestRelay } from './support/test-relay.ts';

const keep = stopAfterEach();
const acme = 'acme' as AppKey;

function create(
  readFigures: () => Promise<readonly ConnectionFigures[]> = async () => [],
  parts: Partial<MetricsParts> = {},
) {
  return createMetrics({
    consumers: [],
    results: [],
    connect: { ...connectMetricLabels([acme]), readFigures },
    store: () => ({ ready: true, findings: [] }),
    readQueues: async () => [],
    nowMs: () => performance.now(),
    ...parts,
  });
}

/** The series of connecting, without those at 0. */
function countedIn(text: string): readonly string[] {
  const lines = text.match(/^zoom_relay_(?:consents|token_requests|token_refreshes|connections).*$/gm) ?? [];
  return lines.filter((line) => !line.endsWith(' 0')).toSorted();
}

const figures = { app: acme, total: 9, needPerson: 3, failing: 2 };
const working = 'zoom_relay_connections{app="acme",state="working"} 4';

test('every series is there from the start at 0, with every value of its labels', async () => {
  const { body } = await create().render();
  expect(countedIn(body)).toEqual([]);
  const results = ['connected', 'consent_denied', 'consent_failed', 'state_unknown', 'state_foreign', 'recall_refused'];
  for (const result of results) expect(body).toContain(`zoom_relay_consents_total{app="acme",result="${result}"} 0`);
  for (const token of ['access_token', 'zak', 'obf', 'join_token']) {
    for (const result of ['served', 'callback_refused', 'token_unavailable', 'scope_missing']) {
      expect(body).toContain(`zoom_relay_token_requests_total{app="acme",token="${token}",result="${result}"} 0`);
    }
  }
  for (const result of ['refreshed', 'revoked', 'refresh_lost', 'refresh_failing', 'key_missing']) {
    expect(body).toContain(`zoom_relay_token_refreshes_total{app="acme",result="${result}"} 0`);
  }
  for (const state of ['working', 'failing', 'needs_person']) {
    expect(body).toContain(`zoom_relay_connections{app="acme",state="${state}"} 0`);
  }
});

test('each thing that happens to connections is counted once, by its result', async () => {
  const metrics = create();
  const observe = reportConnect({ log: createLog('silent'), metrics });
  const about = { app: acme, connection: 'c1' };
  observe({ kind: 'consent_started', app: acme });
  observe({ kind: 'connected', ...about, isNew: true, isByPerson: true, isOtherUser: false });
  observe({ kind: 'connected', ...about, isNew: false, isByPerson: false, isOtherUser: false }); // Recall confirmed it: no consent
  observe({ kind: 'consent_refused', app: acme, code: 'consent_denied' });
  observe({ kind: 'consent_refused', app: undefined, code: 'state_unknown' });
  observe({ kind: 'token_served', ...about, what: 'zak' });
  observe({ kind: 'token_refused', ...about, what: 'access_token', code: 'callback_refused' });
  observe({ kind: 'token_refreshed', ...about });
  observe({ kind: 'refresh_failed', ...about, reason: 'refresh_failing', detail: 'Zoom answered 503' });
  const { body } = await metrics.render();
  expect(countedIn(body)).toEqual([
    'zoom_relay_consents_total{app="",result="state_unknown"} 1',
    'zoom_relay_consents_total{app="acme",result="connected"} 1',
    'zoom_relay_consents_total{app="acme",result="consent_denied"} 1',
    'zoom_relay_token_refreshes_total{app="acme",result="refresh_failing"} 1',
    'zoom_relay_token_refreshes_total{app="acme",result="refreshed"} 1',
    'zoom_relay_token_requests_total{app="acme",token="access_token",result="callback_refused"} 1',
    'zoom_relay_token_requests_total{app="acme",token="zak",result="served"} 1',
  ]);
});

test('connections are shown by what they need, and keep their values while they cannot be read', async () => {
  let isAway = false;
  let nowMs = 0;
  const readFigures = async () => {
    if (isAway) throw new RelayError('store_unavailable', 'away');
    return [figures];
  };
  const metrics = create(readFigures, { nowMs: () => nowMs });
  const shown = [
    'zoom_relay_connections{app="acme",state="failing"} 2',
    'zoom_relay_connections{app="acme",state="needs_person"} 3',
    working,
  ];
  expect(countedIn((await metrics.render()).body)).toEqual(shown);
  isAway = true;
  nowMs += 5000;
  expect(countedIn((await metrics.render()).body)).toEqual(shown);
});

test('a reading of connections that hangs holds a scrape up for 2 s at most', async () => {
  vi.useFakeTimers();
  const metrics = create(() => new Promise(() => {}));
  let rendered: string | undefined;
  const rendering = metrics.render().then(({ body }) => {
    rendered = body;
  });
  await vi.advanceTimersByTimeAsync(1999);
  expect(rendered).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1);
  vi.useRealTimers();
  await rendering;
  expect(rendered).toContain('zoom_relay_connections{app="acme",state="working"} 0');
});

test('connections are read at most once a minute, however many ask; after a failure by the next who asks', async () => {
  let nowMs = 1_000_000;
  let isAway = true;
  const readHealth = vi.fn(async () => {
    if (isAway) throw new RelayError('store_unavailable', 'away');
    return { total: 9, needPerson: 3, failing: 2 };
  });
  const read = createFiguresReader([acme], readHealth, () => nowMs);
  await expect(Promise.all([read(), read()])).rejects.toThrow('away');
  expect(readHealth).toHaveBeenCalledTimes(1);
  isAway = false;
  expect(await read()).toEqual([figures]);
  nowMs += 59_999;
  await Promise.all([read(), read()]);
  expect(readHealth).toHaveBeenCalledTimes(2);
  nowMs += 1;
  await read();
  expect(readHealth).toHaveBeenCalledTimes(3);
});

test('of running relays, a person who connects is counted by the one that saw it, and the connection by each', async () => {
  const { url } = await createRedisDatabase();
  const stage = await keep(startConnectStage({ storeUrl: url, mode: 'customer-managed' }));
  const relay = await keep(startTestRelay(url, { env: stage.env }));
  await connectPerson(stage, relay, 'ada', ada.id);
  const other = await keep(startTestRelay(url, { env: stage.env, role: ['edge'] }));
  const [seen, shared] = await Promise.all(
    [relay, other].map(async ({ relay: { privateUrl } }) => (await fetch(new URL('/metrics', privateUrl))).text()),
  );
  expect(countedIn(seen ?? '')).toEqual(
    expect.arrayContaining([
      'zoom_relay_consents_total{app="default",result="connected"} 1',
      expect.stringMatching(/^zoom_relay_token_requests_total{app="default",token="access_token",result="served"}/),
    ]),
  );
  expect(countedIn(shared ?? '')).toEqual(['zoom_relay_connections{app="default",state="working"} 1']);
});
