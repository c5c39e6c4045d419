import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exitCodeOf } from '../src/cli/exit-code.ts';
import type { Environment } from '../src/config.ts';
import { RelayError } from '../src/errors.ts';
import type { RecallApp } from '../src/recall/api/recall-api.ts';
import { planRegistration, type WantedApp } from '../src/recall/registration/plan-registration.ts';
import { Secret } from '../src/secret.ts';
import { neededScopes } from '../src/zoom/oauth/scopes.ts';
import { startEndpoint } from './support/endpoint.ts';
import { stopAfterEach } from './support/keep.ts';
import { runCommandIn } from './support/run-command.ts';

const keep = stopAfterEach();
const ids = ['32721c6e-3acf-4511-851c-55772cfb34b7', '0b1c6e5a-0000-4000-8000-000000000001'] as const;
const [firstId, secondId] = ids;
const secrets = {
  RECALL_API_KEY: 'a-recall-api-key-for-tests',
  ZOOM_APP_CLIENT_SECRET: 'zoom-client-secret-for-tests',
  ZOOM_APP_SECRET_TOKEN: 'a-secret-token-for-tests-only',
};

interface AppAtRecall {
  readonly id: string;
  readonly kind: string;
  readonly client_id: string;
  client_secret: string;
  webhook_secret: string;
}

/** The apps of a workspace, as Recall's API has them. */
async function startRecallApps(...apps: AppAtRecall[]) {
  const endpoint = await keep(
    startEndpoint(({ method, path, body, headers }, response) => {
      const give = (status: number, json: unknown) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
      if (headers.authorization !== `Token ${secrets.RECALL_API_KEY}`) return give(401, { detail: 'Invalid token.' });
      const input = body.length === 0 ? {} : JSON.parse(body.toString());
      if (method === 'GET') return give(200, { next: null, previous: null, results: apps });
      if (method === 'POST') {
        const made = { id: firstId, ...input, webhook_last_validation: null };
        apps.push(made);
        return give(201, made);
      }
      const app = apps.find(({ id }) => path.includes(id));
      return app === undefined ? give(404, { detail: 'Not found.' }) : give(200, Object.assign(app, input));
    }),
  );
  const changing = () => endpoint.requests.filter(({ method }) => method !== 'GET');
  return { apps, endpoint, changing };
}

const atRecall: AppAtRecall = {
  id: firstId,
  kind: 'user_level',
  client_id: 'zoom-client-id',
  client_secret: secrets.ZOOM_APP_CLIENT_SECRET,
  webhook_secret: secrets.ZOOM_APP_SECRET_TOKEN,
};

function environment(recallUrl: string, more: Environment = {}): Environment {
  return { ...secrets, RECALL_BASE_URL: recallUrl, ZOOM_APP_CLIENT_ID: 'zoom-client-id', ...more };
}

async function refusal(env: Environment, ...args: string[]): Promise<RelayError> {
  const error = await runCommandIn(env, 'register', ...args).catch((cause: unknown) => cause);
  if (error instanceof RelayError) return error;
  return expect.unreachable('it was not refused');
}

describe('registering an app', () => {
  test('creates it when Recall has none of this client id, without an id, a store or an operator token', async () => {
    const recall = await startRecallApps({ ...atRecall, id: secondId, client_id: 'of-another-app' });
    const { out, exitCode } = await runCommandIn(environment(recall.endpoint.url), 'register');
    expect(exitCode).toBe(0);
    expect(out).toContain(`✓ created ${firstId}`);
    expect(out).toContain(`RECALL_ZOOM_OAUTH_APP_ID=${firstId}`);
    const [create] = recall.changing();
    expect(JSON.parse(create?.body.toString() ?? '')).toEqual({
      kind: 'user_level',
      client_id: 'zoom-client-id',
      client_secret: secrets.ZOOM_APP_CLIENT_SECRET,
      webhook_secret: secrets.ZOOM_APP_SECRET_TOKEN,
    });
    expect(create?.headers['idempotency-key']).toMatch(/^[\w-]{20,}$/);
    expect(recall.changing()).toHaveLength(1);
  });

  test('a second time finds it and changes nothing', async () => {
    const recall = await startRecallApps();
    const env = environment(recall.endpoint.url);
    await runCommandIn(env, 'register');
    const { out } = await runCommandIn(env, 'register');
    expect(out).toContain(`✓ found ${firstId}, nothing to change`);
    expect(recall.changing()).toHaveLength(1);
  });

  test.each([
    ['client_secret', 'ZOOM_APP_CLIENT_SECRET'],
    ['webhook_secret', 'ZOOM_APP_SECRET_TOKEN'],
  ] as const)('only the secret that differs is sent: %s', async (member, variable) => {
    const recall = await startRecallApps({ ...atRecall, [member]: 'an-older-secret' });
    const { out } = await runCommandIn(environment(recall.endpoint.url), 'register');
    expect(out).toContain(`✓ found ${firstId} and gave it the present ${variable}:`);
    expect(recall.changing().map(({ method, body }) => [method, JSON.parse(body.toString())])).toEqual([
      ['PATCH', { [member]: secrets[variable] }],
    ]);
  });

  test('of two Secret Tokens the current one is registered', async () => {
    const recall = await startRecallApps({ ...atRecall });
    const env = environment(recall.endpoint.url, {
      ZOOM_APP_SECRET_TOKEN: `the-new-secret-token-for-tests,${secrets.ZOOM_APP_SECRET_TOKEN}`,
    });
    await runCommandIn(env, 'register');
    expect(recall.apps[0]?.webhook_secret).toBe('the-new-secret-token-for-tests');
  });

  test('customer-managed, Recall is not given the client secret, and whatever it has is left', async () => {
    const recall = await startRecallApps();
    const { ZOOM_APP_CLIENT_SECRET: secret, ...rest } = environment(recall.endpoint.url, {
      CONNECT_MODE: 'customer-managed',
    });
    await runCommandIn(rest, 'register');
    expect(recall.apps[0]?.client_secret).toBe('x');
    const { out } = await runCommandIn({ ...rest, ZOOM_APP_CLIENT_SECRET: secret }, 'register');
    expect(out).toContain('nothing to change');
    expect(recall.apps[0]?.client_secret).toBe('x');
  });

  test('of another kind it is refused, because Recall cannot change that, and says what to do', async () => {
    const recall = await startRecallApps({ ...atRecall, kind: 'account_level' });
    const error = await refusal(environment(recall.endpoint.url));
    expect(error.message).toMatch(/account-level.*cannot change that.*ZOOM_APP_KIND=account-level.*delete/);
    expect(exitCodeOf(error)).toBe(78);
    expect(recall.changing()).toEqual([]);
  });

  test('says when the relay is configured with another id than the one found', async () => {
    const recall = await startRecallApps({ ...atRecall });
    const same = environment(recall.endpoint.url, { RECALL_ZOOM_OAUTH_APP_ID: firstId });
    expect((await runCommandIn(same, 'register')).out).not.toContain('▲');
    const other = environment(recall.endpoint.url, { RECALL_ZOOM_OAUTH_APP_ID: secondId });
    expect((await runCommandIn(other, 'register')).out).toContain(
      `▲ RECALL_ZOOM_OAUTH_APP_ID is ${secondId}, which is not this app: replace it by ${firstId}`,
    );
  });

  test('a refused key says which variable to look at', async () => {
    const recall = await startRecallApps();
    const env = environment(recall.endpoint.url, { RECALL_API_KEY: 'a-key-of-another-region' });
    const error = await refusal(env);
    expect([error.code, exitCodeOf(error)]).toEqual(['recall_refused', 1]);
    expect(error.message).toMatch(/Invalid token\. Check RECALL_API_KEY: .* RECALL_BASE_URL names/);
    expect(error.message).not.toContain('a-key-of-another-region');
  });
});

test('where nobody answers, it says so, and what to look at', async () => {
  const error = await refusal(environment('http://127.0.0.1:1'));
  expect(error.message).toBe(
    'no answer from 127.0.0.1:1 (ECONNREFUSED): check the network and RECALL_BASE_URL, then run this again',
  );
});

describe('what is to be pasted into Zoom', () => {
  test.each(['user-level', 'account-level'] as const)('%s: all scopes under both names, and the URLs', async (kind) => {
    const recall = await startRecallApps();
    const env = environment(recall.endpoint.url, { ZOOM_APP_KIND: kind, PUBLIC_URL: 'https://relay.example.com/' });
    const { out } = await runCommandIn(env, 'register');
    for (const url of ['webhooks/zoom/default', 'oauth-callback/zoom']) {
      expect(out).toContain(`https://relay.example.com/${url}`);
    }
    const lines = out.split('\n');
    for (const { granular, classic } of neededScopes[kind === 'user-level' ? 'user_level' : 'account_level']) {
      expect(lines.some((line) => line.includes(` ${granular} `) && line.includes(` ${classic} `))).toBe(true);
    }
    expect(out).toMatch(/meeting\.created .*Meeting has been created/);
    expect(out).toContain("User's profile info has been updated");
    expect(out).not.toContain('YOUR-HOST');
  });

  test('without PUBLIC_URL there are placeholders and a hint', async () => {
    const recall = await startRecallApps();
    const { out } = await runCommandIn(environment(recall.endpoint.url), 'register');
    expect(out).toContain('https://YOUR-HOST/webhooks/zoom/default');
    expect(out).toContain('set PUBLIC_URL');
  });

  test('--json says the same, and neither prints a secret', async () => {
    const recall = await startRecallApps();
    const env = environment(recall.endpoint.url, { PUBLIC_URL: 'https://relay.example.com' });
    const { out } = await runCommandIn(env, 'register', '--json');
    expect(JSON.parse(out)).toMatchObject({
      app: 'default',
      id: firstId,
      result: 'created',
      set: { where: 'RECALL_ZOOM_OAUTH_APP_ID', value: firstId },
      zoom: {
        eventNotificationUrl: 'https://relay.example.com/webhooks/zoom/default',
        deauthorizationUrl: 'https://relay.example.com/webhooks/zoom/default',
        redirectUrl: 'https://relay.example.com/oauth-callback/zoom',
      },
    });
    const text = (await runCommandIn(env, 'register')).out;
    for (const secret of Object.values(secrets)) expect(`${out}${text}`).not.toContain(secret);
  });
});

describe('what is configured', () => {
  test('everything that is missing is told at once, by name', async () => {
    const error = await refusal({ PUBLIC_URL: 'relay.example.com', ZOOM_APP_KIND: 'both' });
    expect(exitCodeOf(error)).toBe(78);
    for (const name of [
      ...Object.keys(secrets),
      'ZOOM_APP_CLIENT_ID',
      'RECALL_REGION',
      'PUBLIC_URL',
      'ZOOM_APP_KIND',
    ]) {
      expect(error.message).toContain(`\n  ${name}: `);
    }
    expect(error.message).not.toContain('both');
  });

  test('a value that is wrong is not shown', async () => {
    const error = await refusal(environment('http://recall.example.com', { RECALL_API_KEY: 'too short a key' }));
    expect(error.message).toMatch(/RECALL_BASE_URL: must be an https: URL/);
    expect(error.message).toMatch(/RECALL_API_KEY: must be 16 or more/);
    expect(error.message).not.toMatch(/recall\.example\.com|too short a key/);
  });

  describe('in an apps file', () => {
    let folder: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'zoom-relay-register-'));
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    function write(apps: Readonly<Record<string, unknown>>): Environment {
      const path = join(folder, 'apps.json');
      writeFileSync(path, JSON.stringify({ apps }));
      return { ...secrets, APPS_FILE: path };
    }
    const entry = (baseUrl: string, more = {}) => ({
      zoomSecretToken: { env: 'ZOOM_APP_SECRET_TOKEN' },
      recall: { baseUrl },
      connect: { clientId: 'zoom-client-id', clientSecret: { env: 'ZOOM_APP_CLIENT_SECRET' }, ...more },
    });

    test('the id may be missing, and the one that has none is told where it belongs', async () => {
      const recall = await startRecallApps();
      const env = write({ acme: entry(recall.endpoint.url, { kind: 'account-level' }) });
      const { out } = await runCommandIn(env, 'register');
      expect(out).toContain(`apps.acme.recall.zoomOauthAppId of APPS_FILE: "${firstId}"`);
      expect(out).toContain('/webhooks/zoom/acme');
      expect(recall.apps).toMatchObject([{ kind: 'account_level' }]);
    });

    test('--app says which of several; what is wrong with the others does not matter', async () => {
      const recall = await startRecallApps();
      const env = write({ acme: entry(recall.endpoint.url), umbrella: { recall: {} } });
      expect((await refusal(env)).message).toContain('--app: must name one of the apps in the file: acme, umbrella');
      expect((await runCommandIn(env, 'register', '--app', 'acme')).out).toContain('created');
      const error = await refusal(env, '--app', 'umbrella');
      for (const place of ['zoomSecretToken', 'connect']) {
        expect(error.message).toContain(`APPS_FILE apps.umbrella.${place}: is missing: `);
      }
    });
  });
});

describe('what is to be done', () => {
  const app = (id: string, more: Partial<RecallApp> = {}): RecallApp => ({
    id,
    kind: 'user_level',
    clientId: 'ours',
    clientSecret: new Secret('client-secret'),
    webhookSecret: new Secret('webhook-secret'),
    lastValidationAtMs: undefined,
    ...more,
  });
  const wanted: WantedApp = {
    kind: 'user_level',
    clientId: 'ours',
    clientSecret: new Secret('client-secret'),
    webhookSecret: new Secret('webhook-secret'),
    configuredId: undefined,
  };
  const other: Partial<RecallApp> = { kind: 'account_level' };

  test.each<[string, readonly RecallApp[], Partial<WantedApp>, unknown]>([
    ['there is none: create', [], {}, { kind: 'create' }],
    ['one of another client id is none', [app(firstId, { clientId: 'theirs' })], {}, { kind: 'create' }],
    [
      'the configured one comes before others',
      [app(firstId), app(secondId)],
      { configuredId: secondId },
      { kind: 'keep', app: { id: secondId } },
    ],
    [
      'one of the kind comes before one of the other',
      [app(firstId, other), app(secondId)],
      {},
      { kind: 'keep', app: { id: secondId } },
    ],
    ['several of the kind are for a person to choose from', [app(firstId), app(secondId)], {}, { kind: 'ambiguous' }],
    [
      'the configured one of another kind is wrong',
      [app(firstId, other), app(secondId)],
      { configuredId: firstId },
      { kind: 'wrong_kind', app: { id: firstId } },
    ],
    [
      'both secrets may differ',
      [app(firstId)],
      { clientSecret: new Secret('a'), webhookSecret: new Secret('b') },
      { kind: 'update', changed: ['clientSecret', 'webhookSecret'] },
    ],
    [
      'a longer secret is another one',
      [app(firstId)],
      { webhookSecret: new Secret('webhook-secret-') },
      { kind: 'update', changed: ['webhookSecret'] },
    ],
  ])('%s', (_rule, found, more, expected) => {
    expect(planRegistration(found, { ...wanted, ...more })).toMatchObject(expected as object);
  });
});
