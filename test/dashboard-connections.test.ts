import { join } from 'node:path';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Identity } from '../src/operator/access/identity.ts';
import { findBarriers, isTooWide, openChromium, openPage } from './support/chromium.ts';
import { followLink } from './support/connect-person.ts';
import { ada, startConnectStage } from './support/connect-stage.ts';
import { createRedisDatabase } from './support/engines.ts';
import { FakeConnections } from './support/fake-connections.ts';
import { csrfToken, FakeRelay, nasty, type Served, serve } from './support/fake-relay.ts';
import { stopAfterEach } from './support/keep.ts';
import { operatorToken } from './support/operator-client.ts';
import { startTestRelay } from './support/test-relay.ts';

const keep = stopAfterEach();
/** A folder to look at the pages in. */
const shots = process.env.DASHBOARD_SHOTS;

let browser: Browser;
let served: Served;
beforeAll(async () => {
  browser = await openChromium();
  const { relay, connections } = filled();
  served = await serve(relay, {}, connections.serviceOf());
});
afterAll(async () => {
  await browser.close();
  await served[Symbol.asyncDispose]();
});

interface World {
  readonly relay: FakeRelay;
  readonly connections: FakeConnections;
}

function empty(): World {
  const relay = new FakeRelay();
  return { relay, connections: new FakeConnections(relay) };
}

/** One in each state, and one of a stranger; ids from 1, the oldest first. */
function filled(): World {
  const world = empty();
  const { connections, relay } = world;
  connections.add();
  connections.add({
    state: 'revoked',
    needsPerson: true,
    detail: 'the app was removed at Zoom on 2026-11-18T08:00:00Z',
  });
  connections.add({ state: 'refresh_failing', detail: 'Zoom did not answer within 4 s' });
  connections.add({
    state: 'missing_scopes',
    detail: 'not granted: meeting:read:local_recording_token, user:read:zak',
  });
  connections.add({ state: 'unconfirmed', detail: 'Recall has not confirmed the credential yet; it is asked again' });
  connections.add({
    state: 'unhealthy_at_recall',
    needsPerson: true,
    detail: 'Recall holds the credential to be unhealthy',
  });
  connections.add({ user: nasty, email: nasty, zoomUserId: nasty, state: 'revoked', needsPerson: true, detail: nasty });
  relay.note('ops', 'connection_ended', `connection:${idOf(1)}`);
  return world;
}

const idOf = (index: number): string => index.toString(16).padStart(24, '0');

async function open(
  path: string,
  { relay, connections }: World = filled(),
  identity: Partial<Identity> = {},
  options: BrowserContextOptions = {},
  apps?: readonly string[],
) {
  const own = await serve(relay, identity, connections.serviceOf(apps));
  const opened = await openPage(browser, options);
  await opened.page.goto(own.url + path);
  return {
    ...opened,
    url: own.url,
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]();
      await own[Symbol.asyncDispose]();
    },
  };
}

/** Each page, and what has to be pressed to come to it. */
const pages: readonly (readonly [string, string, string?])[] = [
  ['connections', '/connections'],
  ['connections-filtered', '/connections?state=revoked'],
  ['connections-none', '/connections?state=healthy&app=acme'],
  ['connections-ended', '/connections?done=disconnected'],
  ['connection', `/connections/${idOf(1)}`],
  ['connection-revoked', `/connections/${idOf(2)}?done=synced`],
  ['connection-nasty', `/connections/${idOf(7)}`],
  ['connection-link', `/connections/${idOf(2)}`, 'Make reconnect link'],
  ['connection-disconnect', `/connections/${idOf(1)}/disconnect`],
  ['connection-audit', `/audit?target=connection:${idOf(1)}`],
];

describe.each([1280, 390])('at %i px', (width) => {
  test.each(pages)('%s: no barrier, light or dark, no complaint, nothing wider', async (name, path, pressed) => {
    await using opened = await openPage(browser, { viewport: { width, height: 900 } });
    const { page, complaints } = opened;
    await page.goto(served.url + path);
    if (pressed !== undefined) await page.getByRole('button', { name: pressed }).click();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      if (shots !== undefined)
        await page.screenshot({ path: join(shots, `${name}-${colorScheme}-${width}.png`), fullPage: true });
      const rules = colorScheme === 'dark' ? ['color-contrast'] : undefined;
      if (colorScheme === 'light' || width === 1280) expect(await findBarriers(page, rules)).toEqual([]);
    }
    expect(await isTooWide(page)).toBe(false);
    expect(await page.evaluate('globalThis.owned')).toBeUndefined();
    expect(complaints).toEqual([]);
  });

  test('a try to disconnect that was not carried out, and a form that is wrong, are without barriers, too', async () => {
    const world = filled();
    world.connections.leftBehind = ['access was not revoked at Zoom (no answer)'];
    await using opened = await open(
      `/connections/${idOf(1)}/disconnect`,
      world,
      {},
      { viewport: { width, height: 900 } },
    );
    const { page, url } = opened;
    await page.getByRole('button', { name: 'Disconnect' }).click();
    await page.getByText('It is kept, so that it can be tried again:').waitFor();
    if (shots !== undefined)
      await page.screenshot({ path: join(shots, `connection-kept-light-${width}.png`), fullPage: true });
    expect(await findBarriers(page)).toEqual([]);
    await page.goto(`${url}/connections`);
    await page.getByLabel('Person').fill('ada');
    await page.getByLabel('Good for').fill('2 years');
    await page.getByLabel('Return to').fill('https://evil.example/');
    await page.getByRole('button', { name: 'Make the link' }).click();
    await page.getByRole('heading', { level: 1, name: 'Connect somebody' }).waitFor();
    await page.getByText('✗ must be how long, from 1m to 30d').waitFor();
    if (shots !== undefined)
      await page.screenshot({ path: join(shots, `connection-form-light-${width}.png`), fullPage: true });
    expect(await findBarriers(page)).toEqual([]);
    expect(await isTooWide(page)).toBe(false);
  });
});

describe('the list', () => {
  test('has a sign and a word for each state, says what to do, and is filtered by state', async () => {
    await using opened = await open('/connections');
    const { page } = opened;
    const row = page.getByRole('row', { name: 'person-2@example.com' });
    expect(await row.textContent()).toMatch(/▲\srevoked.*The person has to connect again\. Why: the app was removed/s);
    expect(await page.getByRole('row', { name: 'person-1@example.com' }).textContent()).toMatch(/●\shealthy/);
    await page.getByLabel('State').selectOption('refresh_failing');
    await page.getByRole('button', { name: 'Show' }).click();
    expect(await page.getByRole('row').count()).toBe(2);
    await page.getByText('It is tried again by itself.').waitFor();
  });

  test('goes on page by page', async () => {
    const world = empty();
    for (let index = 0; index < 60; index += 1) world.connections.add();
    await using opened = await open('/connections', world);
    const { page } = opened;
    expect(await page.getByRole('row').count()).toBe(51);
    await page.getByRole('link', { name: 'Next page' }).click();
    expect(await page.getByRole('row').count()).toBe(11);
    expect(await page.getByRole('link', { name: 'Next page' }).count()).toBe(0);
    await page.getByRole('link', { name: 'First page' }).click();
    expect(await page.getByRole('row').count()).toBe(51);
  });

  test('an empty one says what will appear and how to make it appear', async () => {
    await using opened = await open('/connections', empty());
    await opened.page.getByText('People who have connected their Zoom appear here').waitFor();
    await opened.page.getByText('Make a link below and send it to the first of them.').waitFor();
  });

  test('is in the menu where people can connect, and only there', async () => {
    const menuOf = async (url: string) => (await (await fetch(url)).text()).includes('<a href="/connections"');
    expect(await menuOf(served.url)).toBe(true);
    await using without = await serve(new FakeRelay());
    expect(await menuOf(without.url)).toBe(false);
    const answer = await fetch(`${without.url}/connections`);
    expect(answer.status).toBe(404);
    expect(await answer.text()).toContain('set ZOOM_APP_CLIENT_ID, ZOOM_APP_CLIENT_SECRET');
  });
});

describe.each([true, false])('with scripts: %s', (javaScriptEnabled) => {
  const options = { javaScriptEnabled };

  test('a link for somebody new is made by a form and shown once, in no URL', async () => {
    const world = filled();
    await using opened = await open('/connections', world, {}, options, ['default', 'acme']);
    const { page, url } = opened;
    await page.getByLabel('App', { exact: true }).last().selectOption('acme');
    await page.getByLabel('Person').fill('ada@example.com');
    await page.getByLabel('Return to').fill('https://app.example.com/settings');
    await page.getByRole('button', { name: 'Make the link' }).click();
    await page.getByRole('heading', { name: 'A link for ada@example.com' }).waitFor();
    expect(await page.getByLabel('Link').inputValue()).toMatch(
      /^https:\/\/relay\.example\/connect\/zoom\/acme\?token=/,
    );
    expect(page.url()).toBe(`${url}/connections/links`);
    expect(world.connections.links).toEqual([
      { app: 'acme', user: 'ada@example.com', returnTo: 'https://app.example.com/settings' },
    ]);
    expect(world.relay.audit[0]).toMatchObject({ who: 'ops', action: 'connect_link_made', target: 'app:acme' });
  });

  test('a return to elsewhere is refused in the form, which keeps what was typed', async () => {
    await using opened = await open('/connections', filled(), {}, options);
    const { page } = opened;
    await page.getByLabel('Person').fill('ada');
    await page.getByLabel('Return to').fill('https://evil.example/');
    await page.getByRole('button', { name: 'Make the link' }).click();
    await page.getByText('✗ returnTo must be elsewhere').waitFor();
    expect(await page.getByLabel('Person').inputValue()).toBe('ada');
  });

  test('who has to connect again gets a link from the page of the connection', async () => {
    const world = filled();
    await using opened = await open(`/connections/${idOf(2)}`, world, {}, options);
    await opened.page.getByRole('button', { name: 'Make reconnect link' }).click();
    await opened.page.getByLabel('Link').waitFor();
    expect(world.connections.links).toMatchObject([{ app: 'default', user: 'person-2@example.com' }]);
  });

  test('meetings are synced; what Recall says against it is a page', async () => {
    const world = filled();
    await using opened = await open(`/connections/${idOf(1)}`, world, {}, options);
    const { page, url } = opened;
    await page.getByRole('button', { name: 'Sync meetings' }).click();
    await page.getByText('Recall reads the meetings of this person anew.').waitFor();
    expect(world.connections.synced).toEqual([idOf(1)]);
    await page.goto(`${url}/connections/${idOf(6)}`);
    await page.getByRole('button', { name: 'Sync meetings' }).click();
    await page.getByText('Recall: refused (400): the credential is unhealthy').waitFor();
  });

  test('a connection ends after it was confirmed, with the reason', async () => {
    const world = filled();
    await using opened = await open(`/connections/${idOf(1)}`, world, {}, options);
    const { page } = opened;
    await page.getByRole('link', { name: 'Disconnect…' }).click();
    expect(world.connections.known).toHaveLength(7);
    await page.getByLabel('Reason').fill('left the company');
    await page.getByRole('button', { name: 'Disconnect' }).click();
    await page.getByText('The connection has ended, at Zoom, at Recall and here.').waitFor();
    expect(world.connections.known.map(({ id }) => id)).not.toContain(idOf(1));
    expect(world.relay.audit[0]).toMatchObject({ action: 'connection_ended', target: `connection:${idOf(1)}` });
  });

  test('one that Zoom or Recall keeps is kept here, and deleted all the same only on purpose', async () => {
    const world = filled();
    world.connections.leftBehind = ['access was not revoked at Zoom (no answer)'];
    await using opened = await open(`/connections/${idOf(1)}/disconnect`, world, {}, options);
    const { page } = opened;
    await page.getByRole('button', { name: 'Disconnect' }).click();
    await page.getByText('access was not revoked at Zoom (no answer)').waitFor();
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('It is kept, so that it can be tried again:').waitFor();
    expect(world.connections.known).toHaveLength(7);
    await page.getByLabel('Delete it here all the same').check();
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('heading', { name: 'person-1@example.com is disconnected here' }).waitFor();
    await page.getByText('access was not revoked at Zoom (no answer)').waitFor();
    expect(world.connections.known).toHaveLength(6);
  });
});

test('a link is copied by a button', async () => {
  await using opened = await open(
    `/connections/${idOf(2)}`,
    filled(),
    {},
    {
      permissions: ['clipboard-read', 'clipboard-write'],
    },
  );
  const { page } = opened;
  await page.getByRole('button', { name: 'Make reconnect link' }).click();
  await page.getByRole('button', { name: 'Copy the link' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  expect(await page.evaluate('navigator.clipboard.readText()')).toBe(await page.getByLabel('Link').inputValue());
});

const acting = ['/links', `/${idOf(1)}/link`, `/${idOf(1)}/sync`, `/${idOf(1)}/disconnect`];

test('who may only look sees no button that acts, and nothing is done for them', async () => {
  const world = filled();
  await using opened = await open('/connections', world, { role: 'read' });
  const { page, url } = opened;
  expect(await page.getByText('Connect somebody').count()).toBe(0);
  await page.goto(`${url}/connections/${idOf(2)}`);
  expect(await page.getByRole('button', { name: /link|Sync/ }).count()).toBe(0);
  expect(await page.getByText('Disconnect…').count()).toBe(0);
  for (const path of acting) {
    const init = { method: 'POST', headers: { 'x-csrf-token': csrfToken } };
    expect((await fetch(`${url}/connections${path}`, init)).status).toBe(403);
  }
  expect([world.connections.known.length, world.connections.links]).toEqual([7, []]);
});

test.each(acting)('a form to %s that is too old does nothing', async (path) => {
  const body = new URLSearchParams({ csrf: 'of yesterday', app: 'default', user: 'ada', force: 'true' });
  const answer = await fetch(`${served.url}/connections${path}`, {
    method: 'POST',
    body,
    headers: { accept: 'text/html' },
  });
  expect([answer.status, await answer.text()]).toEqual([403, expect.stringContaining('This form is too old')]);
});

test.each([
  ['/connections?before=nonsense', 400, 'This page of the list is gone'],
  ['/connections?state=lost', 400, 'there is no such app or state'],
  [`/connections/${'0'.repeat(24)}`, 404, 'No such connection'],
  ['/connections/..%2f..', 404, 'No such connection'],
  [`/connections/${'0'.repeat(24)}/disconnect`, 404, 'No such connection'],
])('%s is answered with %i: %s', async (path, status, text) => {
  const answer = await fetch(served.url + path, { headers: { accept: 'text/html' } });
  expect(answer.status).toBe(status);
  expect((await answer.text()).toLowerCase()).toContain(text.toLowerCase());
});

test('without its store a page says that nothing is lost', async () => {
  const world = filled();
  world.relay.isAway = true;
  await using own = await serve(world.relay, {}, world.connections.serviceOf());
  for (const path of ['/connections', `/connections/${idOf(1)}`]) {
    const answer = await fetch(own.url + path);
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain('What was acknowledged is in the store and is not lost.');
  }
});

test('an operator makes a link, the person connects, and the connection is seen, looked at and ended', async () => {
  const { url } = await createRedisDatabase();
  const stage = await keep(startConnectStage({ storeUrl: url, mode: 'customer-managed' }));
  const relay = await keep(startTestRelay(url, { env: stage.env }));
  await using opened = await openPage(browser, { baseURL: relay.relay.privateUrl.href });
  const { page, complaints } = opened;
  await page.goto('/connections');
  await page.getByLabel(/token/i).fill(operatorToken);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByText('People who have connected their Zoom appear here').waitFor();
  await page.getByLabel('Person').fill('ada');
  await page.getByRole('button', { name: 'Make the link' }).click();
  const link = await page.getByLabel('Link').inputValue();
  stage.reachAt(relay.endpoint);
  expect(await followLink(stage, relay, link, ada.id)).toBe(200);
  await page.getByRole('link', { name: 'Connections' }).click();
  await page.getByRole('link', { name: 'ada', exact: true }).click();
  await page.getByText(ada.email).waitFor();
  await page.getByRole('button', { name: 'Sync meetings' }).click();
  await page.getByText('Recall reads the meetings of this person anew.').waitFor();
  await page.getByRole('link', { name: 'Disconnect…' }).click();
  await page.getByRole('button', { name: 'Disconnect' }).click();
  await page.getByText('The connection has ended, at Zoom, at Recall and here.').waitFor();
  expect(stage.recall.api.credentials()).toEqual([]);
  await page.getByRole('link', { name: 'Audit' }).click();
  for (const action of ['connect link made', 'meetings synced', 'connection ended']) {
    await page.getByText(action, { exact: true }).waitFor();
  }
  expect(complaints).toEqual([]);
});
