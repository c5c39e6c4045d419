import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connected, consent, type House, makeLink, openHouse, openStage, type Stage } from './support/connect-house.ts';
import { engines } from './support/engines.ts';

let stage: Stage;
let house: House;
let callback: string;
let id: string;
beforeAll(async () => {
  const folder = await engines[1].createStore();
  stage = await openStage();
  house = await openHouse(folder.url, stage);
  ({ callback, id } = await connected(house, stage));
});
afterAll(async () => {
  await house[Symbol.asyncDispose]();
  await stage[Symbol.asyncDispose]();
});

const html = { accept: 'text/html' };
/** What strangers try besides nonsense: the right thing, slightly wrong. */
const changed = (text: string) =>
  fc
    .tuple(fc.nat({ max: Math.max(text.length - 1, 0) }), fc.constantFrom('A', '0', '-', '.', '%00', '\u0000', 'é', ''))
    .map(([at, other]) => text.slice(0, at) + other + text.slice(at + 1))
    .filter((made) => made !== text);
const nonsense = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ maxLength: 3000 }),
  fc.constantFrom(
    '',
    '__proto__',
    'constructor',
    '[]',
    '{}',
    '../',
    '%',
    '\r\nset-cookie: x=y',
    '<script>',
    "' or 1=1",
    '‮',
  ),
);

function query(entries: Readonly<Record<string, string>>): string {
  return new URLSearchParams(entries).toString();
}

test('no callback URL but the right one gives a token, and none an error of ours', async () => {
  const { pathname, search } = new URL(callback);
  const secret = new URLSearchParams(search).get('auth_token') ?? '';
  const path = fc.oneof(
    fc.constant(pathname),
    changed(id).map((made) => `/zoom-token/${encodeURIComponent(made)}`),
  );
  const token = fc.oneof(changed(secret), nonsense);
  const extra = fc.dictionary(fc.constantFrom('meeting_id', 'auth_token', 'x', 'constructor'), nonsense, {
    maxKeys: 2,
  });
  const kind = fc.constantFrom('', '/zak', '/obf', '/join-token');
  await fc.assert(
    fc.asyncProperty(path, kind, token, extra, async (where, what, given, more) => {
      const { status, text } = await house.ask(`${where}${what}?${query({ ...more, auth_token: given })}`);
      expect([400, 401, 404]).toContain(status);
      expect(text).not.toContain('eyJ');
    }),
    { numRuns: 400 },
  );
});

test('no link but a signed one starts consent', async () => {
  const link = await makeLink(house, stage);
  const token = link.searchParams.get('token') ?? '';
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(changed(token), nonsense),
      fc.constantFrom('default', 'other', '%00', '..'),
      async (given, app) => {
        const { status } = await house.ask(`/connect/zoom/${app}?${query({ token: given })}`, html);
        expect([401, 404]).toContain(status);
      },
    ),
    { numRuns: 300 },
  );
});

test('no state but an open one of this browser connects anything', async () => {
  const { back, cookie } = await consent(house, stage);
  const state = back.searchParams.get('state') ?? '';
  const before = stage.zoom.counts.exchanges;
  const cookies = fc.oneof(
    fc.constant(cookie),
    changed(cookie).filter((made) => !/[^ -~]/.test(made)),
    fc.constant(''),
  );
  const states = fc.oneof(changed(state), nonsense);
  const rest = fc.record({ code: nonsense, error: nonsense, error_description: nonsense }, { requiredKeys: [] });
  await fc.assert(
    fc.asyncProperty(states, cookies, rest, async (given, own, more) => {
      const { status } = await house.ask(`/oauth-callback/zoom?${query({ ...more, state: given })}`, {
        ...html,
        cookie: own,
      });
      expect([400, 412]).toContain(status);
    }),
    { numRuns: 300 },
  );
  await fc.assert(
    fc.asyncProperty(
      changed(cookie).filter((made) => !/[^ -~]/.test(made)),
      async (own) => {
        const { status } = await house.ask(back, { ...html, cookie: own });
        expect(status).toBe(412);
      },
    ),
    { numRuns: 50 },
  );
  expect(stage.zoom.counts.exchanges).toBe(before);
  expect((await house.ask(back, { ...html, cookie })).status).toBe(302); // none of that has used it up
});

test('whatever comes back with an open state, nobody gets in and nothing is an error of ours', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({ code: nonsense, error: nonsense, error_description: nonsense }, { requiredKeys: [] }),
      async (more) => {
        const { back, cookie } = await consent(house, stage);
        const state = back.searchParams.get('state') ?? '';
        const answer = await house.ask(`/oauth-callback/zoom?${query({ ...more, state })}`, { ...html, cookie });
        expect([403, 422, 424, 502]).toContain(answer.status);
        expect(answer.text).not.toContain('<script>');
      },
    ),
    { numRuns: 40 },
  );
});

test('raw nonsense in a path or query is no error of ours either', async () => {
  for (const path of [
    '/oauth-callback/zoom?state=%',
    '/oauth-callback/zoom?state=%ff&code=%c3%28',
    '/oauth-callback/zoom?%00=%00',
    '/oauth-callback/zoom?state=a&state=b&code=c&code=d',
    '/connect/zoom/%ff?token=%ff',
    '/connect/zoom/default?token',
    `/zoom-token/%ff?auth_token=%ff`,
    `/zoom-token/${id}?auth_token`,
    `/zoom-token/${id}/`,
    `/zoom-token/${id}/other`,
  ]) {
    const { status } = await house.ask(path, html);
    expect([400, 401, 404], path).toContain(status);
  }
});
