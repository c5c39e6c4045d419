import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readAppsFile } from '../src/config/apps-file.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zoom-relay-consumers-'));
});
afterAll(() => rm(folder, { recursive: true }));

const env = {
  ZOOM_SECRET: 'a-secret-token-for-tests-only',
  HOOK_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
  SHORT_SECRET: `whsec_${Buffer.alloc(8, 7).toString('base64')}`,
};

/** Reads an apps file whose one app, `acme`, has this besides what it needs. */
async function read(own: Readonly<Record<string, unknown>>) {
  const recall = { zoomOauthAppId: '6ba7b810-9dad-11d1-80b4-00c04fd430c8', region: 'us-east-1' };
  const path = join(folder, 'apps.json');
  await writeFile(
    path,
    JSON.stringify({ apps: { acme: { zoomSecretToken: { env: 'ZOOM_SECRET' }, recall, ...own } } }),
  );
  const { apps, problems } = readAppsFile(path, env);
  return { consumers: apps[0]?.consumers ?? [], problems: problems.map(({ where, what }) => `${where}: ${what}`) };
}

test('a consumer needs a URL and nothing else', async () => {
  const { consumers, problems } = await read({ consumers: { crm: { url: 'https://crm.example.com/hooks?key=1' } } });
  expect(problems).toEqual([]);
  expect(consumers).toEqual([
    {
      key: 'crm',
      url: new URL('https://crm.example.com/hooks?key=1'),
      patterns: ['*'],
      standardWebhooksSecrets: undefined,
      allowedHosts: [],
      concurrency: undefined,
      rateLimit: undefined,
      timeoutMs: undefined,
      scheduleMs: undefined,
    },
  ]);
});

test('its settings are read, durations in milliseconds, secrets by reference', async () => {
  const crm = {
    url: 'https://crm.example.com/',
    events: ['meeting.*', 'user.updated'],
    signature: { standardWebhooks: { env: 'HOOK_SECRET' } },
    concurrency: 4,
    rateLimit: { max: 10, per: '1s' },
    timeout: '30s',
    retrySchedule: ['5s', '1m'],
  };
  const { consumers, problems } = await read({ consumers: { crm } });
  expect(problems).toEqual([]);
  expect(consumers[0]).toMatchObject({
    patterns: ['meeting.*', 'user.updated'],
    concurrency: 4,
    rateLimit: { max: 10, durationMs: 1000 },
    timeoutMs: 30_000,
    scheduleMs: [5000, 60_000],
  });
  expect(consumers[0]?.standardWebhooksSecrets?.map((secret) => secret.reveal())).toEqual([env.HOOK_SECRET]);
});

describe('a destination', () => {
  const withUrl = async (url: string, allowPrivateHosts?: string[]) => {
    const { problems } = await read({ consumers: { crm: { url } }, ...(allowPrivateHosts && { allowPrivateHosts }) });
    return problems;
  };

  test.each([
    'http://crm.example.com/',
    'ftp://crm.example.com/',
    'https://user:password@crm.example.com/',
    'https://crm.example.com/#fragment',
    'crm.example.com',
    '',
  ])('%j is refused', async (url) => {
    expect(await withUrl(url)).toEqual([
      expect.stringMatching(/^APPS_FILE apps.acme.consumers.crm.url: must be an https:/),
    ]);
  });

  test.each(['https://10.0.0.5/', 'https://[::1]/', 'https://169.254.169.254/latest', 'https://2130706433/'])(
    '%s is refused as not on the internet',
    async (url) => expect(await withUrl(url)).toEqual([expect.stringMatching(/is not on the internet/)]),
  );

  test.each([
    ['https://10.0.0.5/', '10.0.0.5'],
    ['http://crm.internal:8080/', 'crm.internal'],
    ['http://CRM.internal/', 'Crm.Internal'],
    ['http://[fd00::1]/', '[fd00::1]'],
  ])('%s may be used when the file allows its host', async (url, host) => {
    expect(await withUrl(url, [host])).toEqual([]);
  });

  test('is not allowed by another host’s name, nor by a suffix', async () => {
    for (const host of ['internal', 'b.internal', '10.0.0']) {
      expect(await withUrl('http://crm.internal/', [host])).not.toEqual([]);
    }
  });
});

test.each<[string, Record<string, unknown>, RegExp]>([
  ["the relay's own name", { recall: { url: 'https://a.example/' } }, /consumers.recall: the key is taken/],
  ['the directory’s name', { directory: { url: 'https://a.example/' } }, /consumers.directory: the key is taken/],
  [
    'a handler’s name',
    { 'on-x': { url: 'https://a.example/' } },
    /consumers.on-x: keys with on- are those of handlers/,
  ],
  ['a key that is none', { 'a.b': { url: 'https://a.example/' } }, /the key must be 1 to 60 of/],
  ['no URL', { crm: {} }, /consumers.crm.url: is missing: an https: URL/],
  ['unknown settings', { crm: { url: 'https://a.example/', retries: 1 } }, /crm: has unknown key retries/],
  [
    'a filter that is none',
    { crm: { url: 'https://a.example/', events: ['Meeting*'] } },
    /events.0: must be an event name/,
  ],
  ['no filter at all', { crm: { url: 'https://a.example/', events: [] } }, /events: must be at least 1/],
  ['a secret itself', { crm: { url: 'https://a.example/', signature: 'whsec_AAAA' } }, /signature: must be "zoom" or/],
  [
    'a secret that is not set',
    { crm: { url: 'https://a.example/', signature: { standardWebhooks: { env: 'NOWHERE' } } } },
    /refers to a variable NOWHERE that is not set/,
  ],
  [
    'a secret that is too short',
    { crm: { url: 'https://a.example/', signature: { standardWebhooks: { env: 'SHORT_SECRET' } } } },
    /variable SHORT_SECRET it refers to must be whsec_ and the base64 of 24 to 64 bytes/,
  ],
  [
    'a timeout that is none',
    { crm: { url: 'https://a.example/', timeout: '3m' } },
    /timeout: must be a duration from 100ms to 2m/,
  ],
  ['concurrency 0', { crm: { url: 'https://a.example/', concurrency: 0 } }, /concurrency: must be at least 1/],
  [
    'a schedule that is none',
    { crm: { url: 'https://a.example/', retrySchedule: ['soon'] } },
    /retrySchedule: must be up to/,
  ],
  [
    'a rate of nothing',
    { crm: { url: 'https://a.example/', rateLimit: { max: 0, per: '1s' } } },
    /rateLimit.max: must be at least 1/,
  ],
])('%s is refused, named by where it stands', async (_what, consumers, reason) => {
  const { problems } = await read({ consumers });
  expect(problems.join('\n')).toMatch(reason);
  expect(problems.join('\n')).not.toContain('whsec_AAAA');
});
