import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isAllowedBaseUrl } from '../src/config/recall-target.ts';
import { secretToken } from '../src/config/values.ts';
import { type Config, type Environment, loadConfig, type Role, roles, variableNames } from '../src/config.ts';
import { parseDuration } from '../src/duration.ts';
import { RelayError } from '../src/errors.ts';
import { recallRegions } from '../src/recall/webhook-url.ts';
import { oauthAppId } from './support/test-relay.ts';

const token = 'current-secret-token';
const previousToken = 'previous-secret-token';
const oneApp: Environment = {
  ZOOM_APP_SECRET_TOKEN: token,
  RECALL_ZOOM_OAUTH_APP_ID: oauthAppId,
  RECALL_REGION: 'us-west-2',
};
const whole: Environment = { ...oneApp, OPERATOR_TOKEN: 'operator-token-for-tests' };
const hourMs = 3_600_000;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'zoom-relay-config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What a refused configuration is told. */
function refusal(env: Environment, role: readonly Role[] = roles): string {
  try {
    loadConfig(env, role);
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    expect(error.code).toBe('configuration_invalid');
    return error.message;
  }
  return expect.unreachable('the configuration was accepted');
}

/** The names before the colon of each problem. */
function named(message: string): string[] {
  const [, ...lines] = message.split('\n');
  return lines.map((line) => line.split(': ', 1).join('').trim());
}

function appsOf(config: Config): { key: string; secrets: string[]; url: string }[] {
  return [...config.apps.values()].map(({ key, secrets, recallWebhookUrl }) => ({
    key,
    secrets: secrets.map((secret) => secret.reveal()),
    url: recallWebhookUrl.href,
  }));
}

function webhookUrl(base: string): string {
  return `${base}/api/v2/zoom-oauth-apps/${oauthAppId}/webhook`;
}

describe('defaults', () => {
  test('are those of the contract', () => {
    const { apps: _apps, storeUrl, operatorTokens, ...rest } = loadConfig(whole, roles);
    expect(storeUrl.reveal()).toBe('file:./data');
    expect(operatorTokens.map(({ name, role, token }) => [name, role, token.reveal()])).toEqual([
      ['operator', 'operate', 'operator-token-for-tests'],
    ]);
    expect(rest).toEqual({
      roles: ['edge', 'worker', 'operator'],
      public: { host: '0.0.0.0', port: 8080 },
      private: { host: '127.0.0.1', port: 9090 },
      publicUrl: undefined,
      encryptionKeys: [],
      zoom: { baseUrl: 'https://zoom.us', apiUrl: 'https://api.zoom.us' },
      operatorPublicHosts: [],
      alertWebhookUrl: undefined,
      ackDeadlineMs: 1500,
      signatureToleranceSec: 300,
      maxBodyBytes: 1_048_576,
      deliveryTimeoutMs: 10_000,
      deliveryConcurrency: 16,
      retryScheduleMs: [
        ...[5000, 15_000, 60_000, 300_000, 900_000, 1_800_000],
        ...[hourMs, 2 * hourMs, 4 * hourMs, 8 * hourMs, 8 * hourMs],
      ],
      deliveryDeadlineMs: 72 * hourMs,
      resign: 'when-refused',
      dangerouslyAllowEviction: false,
      retainDeliveredMs: 7 * 24 * hourMs,
      retainDeliveredCount: 100_000,
      retainDeadMs: 30 * 24 * hourMs,
      retainAuditMs: 365 * 24 * hourMs,
      retainDirectoryMs: 90 * 24 * hourMs,
      handlers: undefined,
      logLevel: 'info',
      tracing: undefined,
    });
  });

  test('an empty or blank variable is one that is not set', () => {
    const names = ['PORT', 'HOST', 'LOG_LEVEL', 'RETRY_SCHEDULE', 'DELIVERY_DEADLINE', 'RECALL_BASE_URL', 'APPS_FILE'];
    for (const blank of ['', ' ', '\t\n']) {
      const env = { ...whole, ...Object.fromEntries(names.map((name) => [name, blank])) };
      expect(loadConfig(env, roles)).toEqual(loadConfig(whole, roles));
    }
  });
});

describe('tuning', () => {
  test.each([
    ['PORT', '0', { public: { host: '0.0.0.0', port: 0 } }],
    ['PORT', ' 65535 ', { public: { host: '0.0.0.0', port: 65_535 } }],
    ['HOST', '::1', { public: { host: '::1', port: 8080 } }],
    ['OPERATOR_HOST', 'relay.internal', { private: { host: 'relay.internal', port: 9090 } }],
    ['OPERATOR_PORT', '1', { private: { host: '127.0.0.1', port: 1 } }],
    ['ACK_DEADLINE_MS', '2500', { ackDeadlineMs: 2500 }],
    ['SIGNATURE_TOLERANCE_SEC', '1', { signatureToleranceSec: 1 }],
    ['SIGNATURE_TOLERANCE_SEC', '1000000000', { signatureToleranceSec: 1_000_000_000 }],
    ['MAX_BODY_BYTES', '1024', { maxBodyBytes: 1024 }],
    ['DELIVERY_TIMEOUT_MS', '100', { deliveryTimeoutMs: 100 }],
    ['DELIVERY_CONCURRENCY', '1', { deliveryConcurrency: 1 }],
    ['RETRY_SCHEDULE', '100ms, 2m ,24h', { retryScheduleMs: [100, 120_000, 24 * hourMs] }],
    ['RETRY_SCHEDULE', 'none', { retryScheduleMs: [] }],
    ['DELIVERY_DEADLINE', '90s', { deliveryDeadlineMs: 90_000 }],
    ['RETAIN_DELIVERED', '1d', { retainDeliveredMs: 24 * hourMs }],
    ['RETAIN_DELIVERED_COUNT', '1', { retainDeliveredCount: 1 }],
    ['RETAIN_DEAD', '1h', { retainDeadMs: hourMs }],
    ['RETAIN_AUDIT', '1d', { retainAuditMs: 24 * hourMs }],
    ['OPERATOR_PUBLIC_HOST', 'Relay.example.com, ops-1', { operatorPublicHosts: ['relay.example.com', 'ops-1'] }],
    ['LOG_LEVEL', 'silent', { logLevel: 'silent' }],
  ])('%s=%s is taken', (name, value, expected) => {
    expect(loadConfig({ ...whole, [name]: value }, roles)).toMatchObject(expected);
  });

  test.each([
    ['PORT', ['abc', '-1', '65536', '80.5', '8e3', '0x50', '８０', '8080x', '99999999999999999999']],
    ['OPERATOR_PORT', ['abc', '65536']],
    ['HOST', ['a b', 'http://x', 'x/y', 'é']],
    ['OPERATOR_HOST', ['a b', '::1%eth0']],
    ['ACK_DEADLINE_MS', ['0', '49', '2501', '1s']],
    ['SIGNATURE_TOLERANCE_SEC', ['0', '1000000001', '-300', '5m']],
    ['MAX_BODY_BYTES', ['1023', '16777217', '1MB']],
    ['DELIVERY_TIMEOUT_MS', ['99', '120001', '10s']],
    ['DELIVERY_CONCURRENCY', ['0', '1001']],
    [
      'RETRY_SCHEDULE',
      ['5', '5s,', ',5s', '5s;15s', '0s', '99ms', '25h', '-5s', '5S', 'never', `${'1s,'.repeat(50)}1s`],
    ],
    ['DELIVERY_DEADLINE', ['0s', '366d', '72', '1.5h', 'forever']],
    ['RETAIN_DELIVERED', ['0s', '366d', '7 d']],
    ['RETAIN_DELIVERED_COUNT', ['0', '100000001']],
    ['RETAIN_DEAD', ['59m', '3651d']],
    ['RETAIN_AUDIT', ['23h', '3651d', 'none']],
    ['OPERATOR_PUBLIC_HOST', ['relay:9090', 'https://relay', 'a,,b', 'a,', '*', '.relay', 'é', '[::1]', 'a b']],
    ['LOG_LEVEL', ['trace', 'INFO', 'verbose']],
    ['STORE_URL', ['file:', 'redis://', 'postgres://', 'mysql://db', './data', 'redis+sentinel://one']],
    ['RECALL_ZOOM_OAUTH_APP_ID', ['1', `${oauthAppId}x`, oauthAppId.replaceAll('-', '')]],
    ['RECALL_REGION', ['us', 'US-WEST-2', 'us-east-1,us-west-2']],
  ])('%s is bounded: a wrong value is an error that names it alone', (name, values) => {
    for (const value of values) expect(named(refusal({ ...whole, [name]: value }))).toEqual([name]);
  });

  test('a duration is a whole number and one unit', () => {
    const units = { ms: 1, s: 1000, m: 60_000, h: hourMs, d: 24 * hourMs };
    fc.assert(
      fc.property(fc.nat({ max: 999_999_999 }), fc.constantFrom('ms', 's', 'm', 'h', 'd'), (amount, unit) => {
        expect(parseDuration(`${amount}${unit}`)).toBe(amount * units[unit]);
      }),
    );
    for (const text of ['', 's', '1', '1w', '1us', '1h30m', ' 1s', '1s\n', '-1s', '1234567890s']) {
      expect(parseDuration(text)).toBeUndefined();
    }
  });
});

describe('store', () => {
  test.each([
    ['file:/var/lib/zoom-relay', 'file:./data'],
    ['postgres://user:pw@db/relay', 'postgresql://db/relay'],
    ['redis://cache', 'rediss://:pw@cache:6380/1'],
    ['redis+sentinel://one,two/mymaster', 'rediss+cluster://one'],
  ])('%s and %s are taken', (...urls) => {
    for (const url of urls) expect(loadConfig({ ...whole, STORE_URL: url }, roles).storeUrl.reveal()).toBe(url);
  });

  test('REDIS_URL is used when STORE_URL is absent, and only then', () => {
    const REDIS_URL = 'redis://from-redis-url';
    expect(loadConfig({ ...whole, REDIS_URL }, roles).storeUrl.reveal()).toBe(REDIS_URL);
    expect(loadConfig({ ...whole, REDIS_URL, STORE_URL: '' }, roles).storeUrl.reveal()).toBe(REDIS_URL);
    const both = { ...whole, REDIS_URL, STORE_URL: 'postgres://db/relay' };
    expect(loadConfig(both, roles).storeUrl.reveal()).toBe('postgres://db/relay');
  });

  test.each<[readonly Role[]]>([[['edge']], [['worker']], [['edge', 'worker']], [['worker', 'operator']]])(
    'a file: store takes one process, so it refuses the roles %j alone',
    (some) => {
      expect(named(refusal(whole, some))).toEqual(['STORE_URL']);
      expect(named(refusal({ ...whole, STORE_URL: 'file:/data' }, some))).toEqual(['STORE_URL']);
      expect(loadConfig({ ...whole, STORE_URL: 'redis://cache' }, some).roles).toEqual(some);
      expect(loadConfig({ ...whole, STORE_URL: 'postgres://db/relay' }, some).roles).toEqual(some);
    },
  );
});

describe('operator token', () => {
  const split = { ...oneApp, STORE_URL: 'redis://cache' };

  test('the operator role does not start without one', () => {
    expect(named(refusal(oneApp))).toEqual(['OPERATOR_TOKEN']);
    expect(named(refusal({ ...oneApp, OPERATOR_TOKEN: ' ' }))).toEqual(['OPERATOR_TOKEN']);
    expect(named(refusal(split, ['operator']))).toEqual(['OPERATOR_TOKEN']);
  });

  test.each<[readonly Role[]]>([[['edge']], [['worker']], [['edge', 'worker']]])('the roles %j need none', (some) => {
    expect(loadConfig(split, some).operatorTokens).toEqual([]);
  });

  test('one that anybody could guess is refused', () => {
    for (const weak of ['x', 'secret', 'fifteen-letters', 'a token with spaces']) {
      expect(named(refusal({ ...oneApp, OPERATOR_TOKEN: weak }))).toEqual(['OPERATOR_TOKEN']);
    }
  });
});

describe('alert webhook URL', () => {
  test.each([
    ...[
      'https://hooks.slack.com/services/T0/B0/x',
      'https://hooks.example:8443/a?sig=b%2Fc',
      'http://127.0.0.1:4000/x',
    ],
    ...['http://localhost/', 'http://[::1]:4000/x'],
  ])('%s is taken', (url) => {
    expect(loadConfig({ ...whole, ALERT_WEBHOOK_URL: ` ${url}\n` }, roles).alertWebhookUrl?.reveal()).toBe(url);
  });

  test.each([
    ...[
      'http://hooks.slack.com/services/x',
      'http://10.0.0.1/x',
      'https://user:pw@hooks.example/x',
      'ftp://localhost/x',
    ],
    ...['hooks.slack.com/services/x', 'https://', 'x'],
  ])('%s is refused, and not repeated', (url) => {
    const message = refusal({ ...whole, ALERT_WEBHOOK_URL: url });
    expect(named(message)).toEqual(['ALERT_WEBHOOK_URL']);
    if (url.length > 10) expect(message).not.toContain(url);
  });
});

describe('one app', () => {
  test('is called default and goes to the Recall of its region', () => {
    for (const region of recallRegions) {
      expect(appsOf(loadConfig({ ...whole, RECALL_REGION: region }, roles))).toEqual([
        { key: 'default', secrets: [token], url: webhookUrl(`https://${region}.recall.ai`) },
      ]);
    }
  });

  test('while rotating it has two secrets, the current one first', () => {
    const env = { ...whole, ZOOM_APP_SECRET_TOKEN: ` ${token} , ${previousToken}\n` };
    expect(appsOf(loadConfig(env, roles))).toMatchObject([{ secrets: [token, previousToken] }]);
  });

  test.each([
    ['three secrets', `${token},${previousToken},a-third-secret-token`],
    ['a secret that is too short', 'fifteen-letters'],
    ['a second secret that is too short', `${token},short`],
    ['an empty second secret', `${token},`],
    ['a secret with a space in it', 'a secret token with spaces'],
    ['a secret that is not ASCII', 'sécrét-tokén-of-zoom'],
  ])('%s is refused', (_name, ZOOM_APP_SECRET_TOKEN) => {
    expect(named(refusal({ ...whole, ZOOM_APP_SECRET_TOKEN }))).toEqual(['ZOOM_APP_SECRET_TOKEN']);
  });

  test('everything that is missing is said at once', () => {
    expect(named(refusal({})).sort()).toEqual([
      'OPERATOR_TOKEN',
      'RECALL_REGION',
      'RECALL_ZOOM_OAUTH_APP_ID',
      'ZOOM_APP_SECRET_TOKEN',
    ]);
  });

  test('RECALL_BASE_URL stands in for the region, and both together are refused', () => {
    const { RECALL_REGION: _region, ...noRegion } = whole;
    const RECALL_BASE_URL = 'https://stand-in.example';
    expect(appsOf(loadConfig({ ...noRegion, RECALL_BASE_URL }, roles))).toMatchObject([
      { url: webhookUrl(RECALL_BASE_URL) },
    ]);
    expect(named(refusal({ ...whole, RECALL_BASE_URL }))).toEqual(['RECALL_REGION']);
  });

  test.each([
    ['https://stand-in.example/', 'https://stand-in.example'],
    ['https://stand-in.example/a/path//', 'https://stand-in.example/a/path'],
    ['http://127.0.0.1:4000', 'http://127.0.0.1:4000'],
    ['http://localhost:4000/', 'http://localhost:4000'],
  ])('the webhook URL has no trailing slash, and one of the base is not doubled: %s', (RECALL_BASE_URL, base) => {
    const [app] = appsOf(loadConfig({ ...whole, RECALL_REGION: '', RECALL_BASE_URL }, roles));
    expect(app?.url).toBe(webhookUrl(base));
  });
});

describe('base URL', () => {
  test.each([
    ...['https://recall.example', 'https://recall.example:8443/path', 'https://192.0.2.1', 'https://[2001:db8::7]'],
    ...['http://127.0.0.1', 'http://127.1.2.3:4000', 'http://localhost', 'http://LOCALHOST:1', 'http://[::1]:4000'],
  ])('%s is taken', (url) => {
    expect(isAllowedBaseUrl(url)).toBe(true);
  });

  test.each([
    ...['http://recall.example', 'http://192.168.0.1', 'http://10.0.0.1', 'http://0.0.0.0', 'http://[::]'],
    ...['http://localhost.example', 'http://127.0.0.1.example', 'http://127.example', 'http://1270.0.0.1'],
    ...[
      'http://[2001:db8::1]',
      'http://user@localhost',
      'https://user:pw@recall.example',
      'https://:pw@recall.example',
    ],
    ...['https://recall.example?a=1', 'https://recall.example/#a', 'ftp://localhost', 'file:///etc/passwd'],
    ...['recall.example', '//recall.example', '/path', '', 'https://', 'javascript:alert(1)'],
  ])('%j is refused', (url) => {
    expect(isAllowedBaseUrl(url)).toBe(false);
    const env = { ...whole, RECALL_REGION: '', RECALL_BASE_URL: url || 'x' };
    expect(named(refusal(env))).toEqual(['RECALL_BASE_URL']);
  });
});

describe('apps file', () => {
  const base: Environment = { OPERATOR_TOKEN: 'operator-token-for-tests' };
  const recall = { zoomOauthAppId: oauthAppId, region: 'eu-central-1' };
  const app = { zoomSecretToken: { env: 'ACME_SECRET' }, recall };

  function write(document: unknown): Environment {
    const path = join(folder, 'apps.json');
    writeFileSync(path, typeof document === 'string' ? document : JSON.stringify(document));
    return { ...base, ACME_SECRET: token, OTHER_SECRET: previousToken, APPS_FILE: path };
  }

  test('names several apps, their secrets in variables or in files relative to it', () => {
    mkdirSync(join(folder, 'secrets'), { recursive: true });
    writeFileSync(join(folder, 'secrets', 'other'), `${previousToken}\r\n`);
    const absolute = join(folder, 'absolute');
    writeFileSync(absolute, `${token}\n`);
    const env = write({
      $schema: './apps.schema.json',
      apps: {
        acme: app,
        'other-1': {
          zoomSecretToken: [{ file: 'secrets/other' }, { env: 'ACME_SECRET' }],
          recall: { zoomOauthAppId: oauthAppId, baseUrl: 'http://127.0.0.1:4000/' },
        },
        third: { ...app, zoomSecretToken: { file: absolute } },
      },
    });
    expect(appsOf(loadConfig(env, roles))).toEqual([
      { key: 'acme', secrets: [token], url: webhookUrl('https://eu-central-1.recall.ai') },
      { key: 'other-1', secrets: [previousToken, token], url: webhookUrl('http://127.0.0.1:4000') },
      { key: 'third', secrets: [token], url: webhookUrl('https://eu-central-1.recall.ai') },
    ]);
  });

  test.each([
    ['no apps at all', {}, ['APPS_FILE apps']],
    ['an empty list of apps', { apps: {} }, ['APPS_FILE apps']],
    ['no object', [], ['APPS_FILE']],
    ['null', null, ['APPS_FILE']],
    ['an unknown key', { apps: { acme: app }, storeUrl: 'x' }, ['APPS_FILE']],
    ['an unknown key in an app', { apps: { acme: { ...app, x: 1 } } }, ['APPS_FILE apps.acme']],
    [
      'an unknown key in recall',
      { apps: { acme: { ...app, recall: { ...recall, apiUrl: 'x' } } } },
      ['APPS_FILE apps.acme.recall'],
    ],
    ['a bad key of an app', { apps: { 'Acme.Inc': app } }, ['APPS_FILE apps.Acme.Inc']],
    ['no recall', { apps: { acme: { zoomSecretToken: app.zoomSecretToken } } }, ['APPS_FILE apps.acme.recall']],
    ['no secret', { apps: { acme: { recall } } }, ['APPS_FILE apps.acme.zoomSecretToken']],
    [
      'an app id that is no uuid',
      { apps: { acme: { ...app, recall: { ...recall, zoomOauthAppId: 'x' } } } },
      ['APPS_FILE apps.acme.recall.zoomOauthAppId'],
    ],
    [
      'an unknown region',
      { apps: { acme: { ...app, recall: { ...recall, region: 'us' } } } },
      ['APPS_FILE apps.acme.recall.region'],
    ],
    [
      'region and baseUrl together',
      { apps: { acme: { ...app, recall: { ...recall, baseUrl: 'https://recall.example' } } } },
      ['APPS_FILE apps.acme.recall'],
    ],
    [
      'neither region nor baseUrl',
      { apps: { acme: { ...app, recall: { zoomOauthAppId: oauthAppId } } } },
      ['APPS_FILE apps.acme.recall'],
    ],
    [
      'http: to another machine',
      { apps: { acme: { ...app, recall: { zoomOauthAppId: oauthAppId, baseUrl: 'http://recall.example' } } } },
      ['APPS_FILE apps.acme.recall.baseUrl'],
    ],
    ...[
      ['a secret in place of a reference', token],
      ['three secrets', [{ env: 'ACME_SECRET' }, { env: 'ACME_SECRET' }, { env: 'OTHER_SECRET' }]],
      ['an empty list of secrets', []],
      ['a reference of both kinds', { env: 'ACME_SECRET', file: 'x' }],
      ['a reference of no kind', {}],
      ['a variable that is not set', { env: 'NOT_SET' }],
      ['a variable that is blank', { env: 'BLANK_SECRET' }],
      ['a variable whose secret is too short', { env: 'SHORT_SECRET' }],
      ['a file that is not there', { file: 'not-there' }],
      ['a folder in place of a file', { file: '.' }],
    ].map(([name, zoomSecretToken]): [unknown, unknown, string[]] => [
      name,
      { apps: { acme: { zoomSecretToken, recall } } },
      ['APPS_FILE apps.acme.zoomSecretToken'],
    ]),
  ])('with %s is refused, naming the place', (_name, document, places) => {
    const env = { ...write(document), BLANK_SECRET: ' ', SHORT_SECRET: 'short' };
    expect(named(refusal(env))).toEqual(places);
  });

  test('all problems of all apps are said at once, with those of the variables', () => {
    const env = write({
      apps: {
        'A B': app,
        acme: { zoomSecretToken: { env: 'NOT_SET' }, recall: { zoomOauthAppId: oauthAppId } },
        other: { zoomSecretToken: [{ file: 'not-there' }, { env: 'OTHER_SECRET' }], recall },
      },
    });
    const message = refusal({ ...env, PORT: 'abc', LOG_LEVEL: 'x' });
    expect(named(message).sort()).toEqual([
      'APPS_FILE apps.A B',
      'APPS_FILE apps.acme.recall',
      'APPS_FILE apps.acme.zoomSecretToken',
      'APPS_FILE apps.other.zoomSecretToken',
      'LOG_LEVEL',
      'PORT',
    ]);
    expect(message).toContain('NOT_SET');
    expect(message).toMatch(/^the configuration has 6 problems:\n/);
  });

  test('what is missing is told as missing, with what to write', () => {
    const secret = { env: 'NAME' };
    const message = refusal(
      write({ apps: { acme: { recall: { region: 'us-west-2' } }, other: { zoomSecretToken: secret } } }),
    );
    expect(message).toContain('apps.acme.recall.zoomOauthAppId: is missing: zoom-relay register --app acme gives it');
    expect(message).toContain('apps.acme.zoomSecretToken: is missing: the Secret Token of the Zoom app');
    expect(message).toContain('apps.other.recall: is missing: {"zoomOauthAppId"');
    expect(refusal(write({ apps: { acme: { ...app, recall: 1 } } }))).toContain('apps.acme.recall: must be an object');
  });

  test('a list is offered only where one is taken', () => {
    const connect = { clientId: 'id', clientSecret: 'itself' };
    const message = refusal(write({ apps: { acme: { ...app, zoomSecretToken: 'itself', connect } } }));
    expect(message).toMatch(
      /clientSecret: must be \{"env": "NAME"\} or \{"file": "path"\}; a secret itself is not taken/,
    );
    expect(message).toMatch(/zoomSecretToken: must be .*, or a list of one or two of them; a secret itself/);
  });

  test.each(['', '{', 'apps: {}', '{"apps":{}} x'])('that is no JSON (%j) is refused', (text) => {
    expect(named(refusal(write(text)))).toEqual(['APPS_FILE']);
  });

  test('that cannot be read is refused', () => {
    expect(named(refusal({ ...base, APPS_FILE: join(folder, 'not-there.json') }))).toEqual(['APPS_FILE']);
    expect(named(refusal({ ...base, APPS_FILE: folder }))).toEqual(['APPS_FILE']);
  });

  test.each(Object.entries({ ...oneApp, RECALL_BASE_URL: 'https://recall.example' }))(
    'together with %s is refused: it belongs to one app',
    (name, value) => {
      expect(named(refusal({ ...write({ apps: { acme: app } }), [name]: value }))).toEqual([name]);
    },
  );
});

describe('no value is ever told', () => {
  const prefixes = ['', 'redis://:', 'rediss+sentinel://user:', 'postgres:', 'https://', 'file', '5s,', '{', '9999999'];
  const garbage = fc
    .tuple(fc.constantFrom(...prefixes), fc.constantFrom('', '@host:port/x', ',', '"', '\n', '\0'))
    .map(([before, after]) => `${before}hunter2-SECRET value!${after}`);
  const names = [...variableNames, 'REDIS_URL'];
  const marks = /hunter2|SECRET value/;

  /** Everything an error could show: message, stack, cause, own properties. */
  function shown(env: Environment): string {
    try {
      loadConfig(env, roles);
    } catch (error) {
      return `${inspect(error, { depth: null, showHidden: true })} ${JSON.stringify(error)}`;
    }
    return expect.unreachable('the configuration was accepted');
  }

  test.each(names)('of %s, when it is garbage', (name) => {
    fc.assert(
      fc.property(garbage, (value) => {
        expect(shown({ ...whole, [name]: value })).not.toMatch(marks);
      }),
    );
  });

  test('when every variable is garbage, and every one is named', () => {
    const wrong = names.filter((name) => !['APPS_FILE', 'REDIS_URL'].includes(name));
    const env = Object.fromEntries(wrong.map((name) => [name, 'hunter2-SECRET value!']));
    expect(shown(env)).not.toMatch(marks);
    expect(new Set(named(refusal(env)))).toEqual(new Set(wrong));
    const everything = Object.fromEntries(names.map((name) => [name, 'hunter2-SECRET value!']));
    expect(shown(everything)).not.toMatch(marks);
  });

  test('of an apps file, whatever stands in it and wherever', () => {
    const value = fc.oneof(
      garbage,
      garbage.map((text) => [text]),
      garbage.map((text) => ({ file: text })),
    );
    const place = fc.constantFrom('document', 'apps', 'app', 'secret', 'secrets', 'recall', 'id', 'region', 'baseUrl');
    const secret = { env: 'ACME_SECRET' };
    const path = join(folder, 'garbage.json');
    fc.assert(
      fc.property(place, value, (at, wrong) => {
        const put = (here: typeof at, right: unknown): unknown => (here === at ? wrong : right);
        const recall = put('recall', {
          zoomOauthAppId: put('id', oauthAppId),
          region: put('region', 'us-east-1'),
          ...(at === 'baseUrl' && { baseUrl: wrong }),
        });
        const acme = put('app', { zoomSecretToken: put('secret', [secret, put('secrets', secret)]), recall });
        writeFileSync(path, JSON.stringify(put('document', { apps: put('apps', { acme }) })));
        expect(shown({ OPERATOR_TOKEN: whole.OPERATOR_TOKEN, ACME_SECRET: token, APPS_FILE: path })).not.toMatch(marks);
      }),
    );
  });

  test('of an apps file that is no JSON, nor of one that is a secret itself', () => {
    const path = join(folder, 'no.json');
    for (const text of ['{"apps": hunter2-SECRET value!', 'hunter2-SECRET value!', '"hunter2-SECRET value!"']) {
      writeFileSync(path, text);
      expect(shown({ OPERATOR_TOKEN: whole.OPERATOR_TOKEN, APPS_FILE: path })).not.toMatch(marks);
    }
  });

  test('of a secret that a reference leads to', () => {
    const path = join(folder, 'bad-secrets.json');
    writeFileSync(join(folder, 'bad-secret'), 'hunter2-SECRET value!');
    for (const reference of [{ env: 'BAD_SECRET' }, { file: 'bad-secret' }]) {
      const acme = { zoomSecretToken: reference, recall: { zoomOauthAppId: oauthAppId, region: 'us-east-1' } };
      writeFileSync(path, JSON.stringify({ apps: { acme } }));
      const env = { OPERATOR_TOKEN: whole.OPERATOR_TOKEN, BAD_SECRET: 'hunter2-SECRET value!', APPS_FILE: path };
      expect(shown(env)).not.toMatch(marks);
    }
  });

  test('by a Config that is printed', () => {
    const config = loadConfig(
      {
        ...whole,
        ZOOM_APP_SECRET_TOKEN: 'hunter2-SECRET-value-1,hunter2-SECRET-value-2',
        OPERATOR_TOKEN: 'hunter2-SECRET-value-3',
        STORE_URL: 'redis://user:hunter2-SECRET-value-4@cache',
        ALERT_WEBHOOK_URL: 'https://hooks.example/hunter2-SECRET-value-5',
      },
      roles,
    );
    const apps = [...config.apps.values()];
    const printed = [
      JSON.stringify({ ...config, apps }),
      inspect({ config, apps }, { depth: null, showHidden: true }),
      inspect({ config, apps }, { depth: null, customInspect: false }),
      `${config.storeUrl} ${config.operatorTokens.map(({ token: operator }) => operator)} ${apps[0]?.secrets}`,
    ].join('\n');
    expect(printed).toContain('[secret]');
    expect(printed).toContain(oauthAppId);
    expect(printed).not.toMatch(/hunter2|SECRET-value/);
  });
});

describe('secret token', () => {
  test('is 16 or more printable ASCII characters, white space around it trimmed', () => {
    const printable = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code));
    fc.assert(
      fc.property(fc.string({ unit: printable, minLength: 16, maxLength: 200 }), (text) => {
        expect(secretToken(`\n ${text}\r\n`)?.reveal()).toBe(text);
      }),
    );
    for (const text of [
      '',
      ' '.repeat(20),
      'a'.repeat(15),
      `${'a'.repeat(15)} a`,
      `${'a'.repeat(15)}\0a`,
      'é'.repeat(16),
    ]) {
      expect(secretToken(text)).toBeUndefined();
    }
  });
});

describe('what was found by using it', () => {
  const needed = {
    ZOOM_APP_SECRET_TOKEN: 'a-secret-token-for-tests-only',
    RECALL_ZOOM_OAUTH_APP_ID: '6ba7b810-9dad-11d1-80b4-00c04fd430c8',
    RECALL_REGION: 'us-east-1',
  };
  const messageOf = (env: Record<string, string>, wantedRoles: readonly Role[] = ['edge']): string => {
    try {
      loadConfig({ ...needed, STORE_URL: 'redis://h', ...env }, wantedRoles);
      return '';
    } catch (error) {
      return error instanceof Error ? error.message : '';
    }
  };

  test('a blank STORE_URL does not hide REDIS_URL', () => {
    const config = loadConfig({ ...needed, STORE_URL: ' ', REDIS_URL: 'redis://h' }, ['edge']);
    expect(config.storeUrl.reveal()).toBe('redis://h');
  });

  test('a wrong REDIS_URL is named as such', () => {
    expect(messageOf({ STORE_URL: '', REDIS_URL: 'mysql://x' })).toContain('  REDIS_URL: ');
  });

  test('a wrong variable does not hide that a file: store takes all roles', () => {
    const message = messageOf({ STORE_URL: '', PORT: 'abc' });
    expect(message).toContain('  PORT: ');
    expect(message).toContain('  STORE_URL: ');
  });

  test.each(['https://h?', 'https://h#', 'https://h/ ', 'https://h/?a'])('a base URL %j is refused', (baseUrl) => {
    expect(messageOf({ RECALL_REGION: '', RECALL_BASE_URL: `${baseUrl}x` })).toContain('RECALL_BASE_URL');
  });
});
