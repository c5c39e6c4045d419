import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answering } from '../src/demo/misbehaviour.ts';
import { type ChainParts, checkChain } from '../src/doctor/chain/check-chain.ts';
import type { ChainLine, Subject } from '../src/doctor/finding.ts';
import type { DoctorApp, KnownConnection, Prober } from '../src/doctor/ports.ts';
import { createUndiciProber } from '../src/doctor/undici-prober.ts';
import { RelayError } from '../src/errors.ts';
import { createRecallApi } from '../src/recall/api/create-recall-api.ts';
import { recallWebhookUrl } from '../src/recall/webhook-url.ts';
import { Secret } from '../src/secret.ts';
import { type ConnectStage, startConnectStage } from './support/connect-stage.ts';
import { connectThrough } from './support/connect-through.ts';
import { startEndpoint } from './support/endpoint.ts';
import { createRedisDatabase, type TestStore } from './support/engines.ts';
import { freePort } from './support/free-port.ts';
import { stopAfterEach } from './support/keep.ts';
import { ask } from './support/operator-client.ts';
import { runCommand, runCommandIn } from './support/run-command.ts';
import { defaultApp, oauthAppId, startTestRelay, testSecret } from './support/test-relay.ts';

const keep = stopAfterEach();
const challenge = (stage: ConnectStage) =>
  stage.recall.requests.filter(({ body }) => body.includes('endpoint.url_validation'));

let store: TestStore;
beforeAll(async () => {
  store = await createRedisDatabase();
});
afterAll(() => store.remove());

describe('the chain of a running relay', () => {
  /** A relay that is where its PUBLIC_URL says, with what it needs around it. */
  async function startWhole(mode: 'recall-managed' | 'customer-managed' = 'customer-managed') {
    const port = await freePort();
    const publicUrl = `http://127.0.0.1:${port}`;
    const stage = await keep(startConnectStage({ storeUrl: store.url, mode, publicUrl, recall: { waf: false } }));
    const env = { ...stage.env, PORT: String(port) };
    const relay = await keep(startTestRelay(store.url, { env }));
    stage.reachAt(relay.endpoint);
    return { stage, relay, publicUrl, env };
  }
  const secretsOf = (env: Readonly<Record<string, string | undefined>>) =>
    ['ZOOM_APP_CLIENT_SECRET', 'RECALL_API_KEY', 'ENCRYPTION_KEY']
      .map((name) => env[name] ?? '')
      .concat(testSecret.reveal());

  test('all that can be told is ✓, and doctor exits 0', async () => {
    const { stage, relay, publicUrl, env } = await startWhole();
    await connectThrough(stage, relay.endpoint);
    const { out, exitCode } = await runCommand(relay, 'doctor');
    const lines = out.split('\n');
    for (const line of [
      /^✓ secret agreement +Recall answered our signed challenge with the token our secret gives$/,
      new RegExp(`^✓ Recall app +${oauthAppId}, user-level: client_id and webhook_secret are ours$`),
      /^✓ credentials +1, healthy$/,
      /^✓ connections +1, none revoked/,
      /^✓ scopes +1 granted what Recall needs$/,
    ]) {
      expect(lines, out).toContainEqual(expect.stringMatching(line));
    }
    expect(out).toMatch(new RegExp(`\\? public URL +${publicUrl}/webhooks/zoom/default leads to a zoom-relay`));
    expect([out.includes('✗'), exitCode]).toEqual([false, 0]);
    for (const secret of secretsOf(env)) expect(out).not.toContain(secret);
  });

  test('what is wrong is ✗ with the fix, and doctor exits 1', async () => {
    const { stage, relay, env } = await startWhole('recall-managed');
    const { credential } = await connectThrough(stage, relay.endpoint);
    stage.recall.api.markUnhealthy(credential, 'The user removed the app.');
    const { out, exitCode } = await runCommand(relay, 'doctor');
    expect(out).toMatch(
      /✗ credentials +1 of 1 unhealthy:\n +Zoom user \S+: The user removed the app\.\n +→ send the person a new link: zoom-relay connections link --connection [0-9a-f]{24}\n/,
    );
    expect(out).toMatch(/\? scopes +cannot tell what was granted/);
    expect(exitCode).toBe(1);
    for (const secret of secretsOf(env)) expect(out).not.toContain(secret);
    const { out: json } = await runCommand(relay, 'doctor', '--json');
    expect(JSON.parse(json)).toContainEqual(
      expect.objectContaining({ mark: '✗', subject: 'credentials', app: 'default', fix: expect.any(String) }),
    );
  });

  test('many who ask at once, and shortly after, cost Recall one look', async () => {
    const { stage, relay } = await startWhole();
    const answers = await Promise.all([1, 2, 3].map(() => ask(relay, '/api/doctor/chain')));
    answers.push(await ask(relay, '/api/doctor/chain'));
    for (const { json } of answers) expect(json).toEqual(answers[0]?.json);
    expect(challenge(stage)).toHaveLength(1);
    expect(stage.recall.api.requests.filter(({ path }) => path.includes(oauthAppId))).toHaveLength(1);
  });

  test('without an API key and PUBLIC_URL what cannot be told is ?, and the secrets are proved all the same', async () => {
    const relay = await keep(startTestRelay(store.url));
    const { json } = await ask(relay, '/api/doctor/chain');
    expect(json.lines.map(({ mark, subject }: ChainLine) => [mark, subject])).toEqual([
      ['unknown', 'public URL'],
      ['sound', 'secret agreement'],
      ['unknown', 'Recall app'],
    ]);
    const [proof] = relay.recall.requests;
    expect(proof?.status).toBe(200);
    expect(proof?.headers).toMatchObject({ 'user-agent': 'Zoom Marketplace/1.0a' });
  });

  test('it counts as no notification', async () => {
    const { relay } = await startWhole();
    await ask(relay, '/api/doctor/chain');
    const counts = relay.relay.intakeCounts(defaultApp);
    expect(counts).toEqual({ ...counts, accepted: 0, duplicate: 0, challenge: 0, rejected: {} });
  });
});

test('a relay without this route is one line that cannot tell', async () => {
  const old = await keep(
    startEndpoint(({ path }, response) => {
      const answers: Readonly<Record<string, unknown>> = {
        '/api/store': { engine: 'redis', ready: true, findings: [] },
        '/api/doctor': {
          version: '0.0.9',
          node: '26.0.0',
          nowMs: Date.now(),
          roles: ['edge'],
          listeners: { private: 'x' },
        },
      };
      const answer = answers[path] ?? { error: { code: 'route_unknown', message: 'there is nothing at this path' } };
      response
        .writeHead(path in answers ? 200 : 404, { 'content-type': 'application/json' })
        .end(JSON.stringify(answer));
    }),
  );
  const env = { ZOOM_RELAY_URL: old.url, OPERATOR_TOKEN: 'operator-token-for-tests' };
  const { out, exitCode } = await runCommandIn(env, 'doctor');
  expect(out).toMatch(/✓ relay +zoom-relay 0\.0\.9/);
  expect(out).toMatch(/\? chain +not looked at: this relay is older/);
  expect(exitCode).toBe(0);
});

describe('each link', () => {
  const previous = new Secret('the-previous-secret-token');
  let stage: ConnectStage;
  beforeEach(async () => {
    stage = await startConnectStage({ storeUrl: store.url });
    return () => stage.stop();
  });

  async function look(
    subject: Subject,
    more: Partial<Omit<ChainParts, 'apps'>> & { readonly app?: Partial<DoctorApp>; readonly apiUrl?: string } = {},
  ): Promise<readonly ChainLine[]> {
    const { app, apiUrl = stage.recall.baseUrl, ...parts } = more;
    const apiKey = new Secret(stage.recall.api.apiKey);
    const recall = createRecallApi({ baseUrl: apiUrl, apiKey, timeoutMs: 7000, nowMs: Date.now, random: Math.random });
    const prober = createUndiciProber();
    const whole: DoctorApp = {
      key: defaultApp,
      secrets: [testSecret, previous],
      recallWebhookUrl: recallWebhookUrl(stage.recall.baseUrl, oauthAppId),
      oauthApp: oauthAppId,
      recall,
      client: {
        kind: 'user_level',
        clientId: stage.app.clientId,
        clientSecret: new Secret(stage.app.clientSecret),
        isCustomerManaged: false,
      },
      ...app,
    };
    const lines = await checkChain({
      apps: [whole],
      publicUrl: undefined,
      prober,
      lastHeardMs: async () => undefined,
      connections: async () => [],
      onError: () => {},
      nowMs: Date.now,
      randomBytes,
      ...parts,
    });
    await Promise.all([recall.close(), prober.close()]);
    return lines.filter((line) => line.subject === subject);
  }

  test('a Recall that holds the previous secret is told, also when it refuses the current one unread', async () => {
    const app = { secrets: [new Secret('the-new-secret-token-of-zoom'), testSecret] as const };
    expect(await look('secret agreement', { app })).toMatchObject([
      {
        mark: 'wrong',
        text: expect.stringMatching(/still has the previous/),
        fix: expect.stringMatching(/zoom-relay register/),
      },
    ]);
    expect(challenge(stage).map(({ status }) => status)).toEqual([400, 200]);
  });

  test('a Recall that holds another secret refuses, and its own note on that is shown', async () => {
    const app = { secrets: [new Secret('a-secret-that-nobody-has')] as const };
    expect(await look('secret agreement', { app })).toMatchObject([
      { mark: 'wrong', text: expect.stringMatching(/refused.*400/) },
    ]);
    expect(await look('Recall app', { app })).toMatchObject([
      { mark: 'wrong', text: expect.stringMatching(/none of ours\nRecall noted \d+ m?s ago: A webhook was refused/) },
    ]);
  });

  test('registering gives Recall the secrets, and then they agree', async () => {
    const secret = new Secret('the-secret-that-zoom-made-anew');
    const app = { secrets: [secret] as const };
    expect(await look('Recall app', { app })).toMatchObject([{ mark: 'wrong' }]);
    await runCommandIn({ ...stage.env, ZOOM_APP_SECRET_TOKEN: secret.reveal() }, 'register');
    expect(await look('Recall app', { app })).toMatchObject([{ mark: 'sound' }]);
    expect(await look('secret agreement', { app })).toMatchObject([{ mark: 'sound' }]);
  });

  test('an app that Recall does not have, and a key that it does not take', async () => {
    const unknown = '00000000-0000-4000-8000-000000000009';
    const missing = { oauthApp: unknown, recallWebhookUrl: recallWebhookUrl(stage.recall.baseUrl, unknown) };
    expect(await look('Recall app', { app: missing })).toMatchObject([
      { mark: 'wrong', text: `Recall has no app ${unknown}` },
    ]);
    expect(await look('secret agreement', { app: missing })).toMatchObject([
      { mark: 'wrong', text: expect.stringMatching(/refused/), fix: expect.stringMatching(/RECALL_ZOOM_OAUTH_APP_ID/) },
    ]);
    stage.recall.api.misbehaveAlways(answering(401));
    expect(await look('Recall app')).toMatchObject([{ mark: 'wrong', fix: expect.stringMatching(/RECALL_API_KEY/) }]);
    expect(await look('credentials')).toMatchObject([{ mark: 'wrong', fix: expect.stringMatching(/RECALL_API_KEY/) }]);
  });

  test('redirects are not followed: that of a public URL is wrong, that of Recall too', async () => {
    const other = await keep(startEndpoint());
    const redirecting = await keep(
      startEndpoint((_request, response) => response.writeHead(308, { location: `${other.url}/elsewhere` }).end()),
    );
    const recallUrl = recallWebhookUrl(redirecting.url, oauthAppId);
    const publicUrl = redirecting.url;
    expect(await look('public URL', { publicUrl })).toMatchObject([
      { mark: 'wrong', text: expect.stringMatching(/redirects/) },
    ]);
    expect(await look('secret agreement', { app: { recallWebhookUrl: recallUrl } })).toMatchObject([{ mark: 'wrong' }]);
    expect(other.requests).toEqual([]);
  });

  test('a public URL that nothing answers at is one that cannot be told, with when Zoom was last heard of', async () => {
    const publicUrl = `http://127.0.0.1:${await freePort()}`;
    const lastHeardMs = async () => Date.now() - 120_000;
    expect(await look('public URL', { publicUrl, lastHeardMs })).toMatchObject([
      { mark: 'unknown', text: expect.stringMatching(/ECONNREFUSED\); Zoom last reached it 2 min ago/) },
    ]);
  });

  test('with everything hanging, each look cannot tell after its time, and all end together', async () => {
    const dead = await keep(startEndpoint(() => {}));
    const patienceMs = 400;
    const hanging: Partial<ChainParts> = { patienceMs, publicUrl: dead.url, connections: () => new Promise(() => {}) };
    const startedAt = performance.now();
    const subjects: readonly Subject[] = [
      'public URL',
      'secret agreement',
      'Recall app',
      'credentials',
      'connections',
      'scopes',
    ];
    const app = { recallWebhookUrl: recallWebhookUrl(dead.url, oauthAppId) };
    const recall = neverAnswering();
    const looks = await Promise.all(subjects.map((subject) => look(subject, { ...hanging, app: { ...app, recall } })));
    expect(looks.flat().map(({ mark }) => mark)).toEqual(subjects.map(() => 'unknown'));
    expect(
      looks
        .flat()
        .map(({ text }) => text)
        .slice(2),
    ).toEqual(subjects.slice(2).map(() => 'cannot tell: no answer within 0.4 s'));
    expect(performance.now() - startedAt).toBeLessThan(10 * patienceMs);
  });

  test('what fails here is told as that, and is not silent', async () => {
    const errors: unknown[] = [];
    const connections = async (): Promise<readonly KnownConnection[]> => {
      throw new RelayError('store_unavailable', 'away');
    };
    const found = await look('connections', { connections, onError: (error) => void errors.push(error) });
    expect(found).toMatchObject([{ mark: 'unknown', text: 'cannot tell: the store is away' }]);
    const prober: Prober = { probe: () => Promise.reject(new Error('a bug')), close: async () => {} };
    const [line] = await look('secret agreement', { prober, onError: (error) => void errors.push(error) });
    expect(line).toMatchObject({ mark: 'unknown', text: 'cannot tell: the look itself failed' });
    expect(errors.length).toBeGreaterThanOrEqual(2);
  });
});

function neverAnswering(): NonNullable<DoctorApp['recall']> {
  const never = () => new Promise<never>(() => {});
  return {
    readApp: never,
    readAppLog: never,
    listCredentials: never,
    readCredential: never,
    readCredentialLog: never,
    listMeetings: never,
    close: async () => {},
  };
}
