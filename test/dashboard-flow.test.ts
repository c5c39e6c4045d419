import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answering } from '../src/demo/recall-stand-in.ts';
import { openChromium, openPage, type WatchedPage } from './support/chromium.ts';
import { createRedisDatabase, type TestStore } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { ask, operatorToken } from './support/operator-client.ts';
import { startTestRelay, type TestRelay } from './support/test-relay.ts';

let store: TestStore;
let relay: TestRelay;
let browser: Browser;
let watched: WatchedPage;
let page: Page;

beforeAll(async () => {
  store = await createRedisDatabase();
  relay = await startTestRelay(store.url, { env: { RETRY_SCHEDULE: 'none', RETAIN_DIRECTORY: '90d' } });
  browser = await openChromium();
  watched = await openPage(browser, { baseURL: relay.relay.privateUrl.href });
  ({ page } = watched);
});
afterAll(async () => {
  await watched[Symbol.asyncDispose]();
  await browser.close();
  await relay.stop();
  await store.remove();
});

let serial = 0;
function meeting(): { readonly id: number; readonly body: string } {
  serial += 1;
  const id = 82_000_000_000 + serial;
  const object = { id, uuid: `uuid-${serial}`, host_id: 'host-1', topic: 'Review' };
  return {
    id,
    body: JSON.stringify({ event: 'meeting.created', event_ts: Date.now(), payload: { account_id: 'a', object } }),
  };
}

async function deadOnes(): Promise<number> {
  const { json } = await ask(relay, '/api/consumers');
  return json.consumers.find(({ consumer }: { consumer: string }) => consumer === 'recall').dead;
}

/** So many that Recall refuses for good. */
async function bury(count: number): Promise<readonly number[]> {
  relay.recall.misbehaveAlways(answering(404));
  const before = await deadOnes();
  const made = Array.from({ length: count }, meeting);
  for (let from = 0; from < count; from += 50) {
    await Promise.all(made.slice(from, from + 50).map(({ body }) => relay.post(body)));
  }
  await eventually('all dead', async () => (await deadOnes()) === before + count);
  relay.recall.misbehaveAlways();
  return made.map(({ id }) => id);
}

test('an operator logs in, finds a dead delivery by its meeting, sees why, replays it and sees it delivered', async () => {
  const [id] = await bury(1);
  await page.goto('/');
  expect(new URL(page.url()).pathname).toBe('/login');
  await page.getByLabel(/token/i).fill('not-the-operator-token');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByText('This is not an operator token of this relay.').waitFor();
  await page.getByLabel(/token/i).fill(operatorToken);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('link', { name: 'Deliveries' }).click();
  await page.getByRole('searchbox').or(page.locator('input[name="q"]')).first().fill(String(id));
  await page
    .locator('form[method="get"] button[type="submit"], form:not([method]) button[type="submit"]')
    .first()
    .click();
  await page.waitForURL(/[?&]q=82/);
  await page.locator('main a[href*="/deliveries/default/recall/"]').first().click();
  await page.getByText(/Attempt 1: 404/).waitFor();
  await page.locator('input[name="reason"]').fill('Recall is mended');
  await page.getByRole('button', { name: 'Replay', exact: true }).click();
  await page.getByText(/Replayed by operator/).waitFor();
  await eventually('shown as delivered', async () => {
    await page.reload();
    return (await page.getByText(/Attempt 2: 200/).count()) > 0;
  });
  await page.getByText(/Recall is mended/).waitFor();
  const shown = await page.locator('main').textContent();
  expect(shown).toContain('delivered');
}, 200_000);

test('five hundred are replayed by filter: plan, progress, pause, resume, all delivered', async () => {
  await bury(500);
  await page.goto('/deliveries?app=default&consumer=recall&state=dead');
  await page
    .getByRole('link', { name: /replay all/i })
    .or(page.getByRole('button', { name: /replay all/i }))
    .first()
    .click();
  await page.getByRole('heading', { name: 'Plan' }).waitFor();
  expect(await page.locator('#plan').textContent()).toContain('500');
  await page.locator('input[name="rate"]').fill('60');
  await page.locator('input[name="reason"]').fill('the outage is over');
  await page.getByRole('button', { name: 'Start the replay' }).click();
  await page.waitForURL(/\/replays\/\d/);
  await page.getByRole('button', { name: /pause/i }).click();
  await page.getByRole('button', { name: /resume/i }).waitFor();
  const { json: paused } = await ask(relay, '/api/replays');
  expect(paused.replays[0]).toMatchObject({ state: 'paused', reason: 'the outage is over', by: 'operator' });
  expect(await deadOnes()).toBeGreaterThan(0);
  await page.getByRole('button', { name: /resume/i }).click();
  await eventually('done', async () => (await ask(relay, '/api/replays')).json.replays[0].state === 'done');
  const { json: done } = await ask(relay, '/api/replays');
  expect(done.replays[0].progress).toEqual({ fed: 500, skipped: 0, delivered: 500, dead: 0, pending: 0 });
  await eventually(
    'the page says so by itself',
    async () =>
      /500/.test((await page.locator('main').textContent()) ?? '') &&
      /done/i.test((await page.locator('main').textContent()) ?? ''),
  );
  expect((await ask(relay, '/api/ledger')).json.addsUp).toBe(true);
}, 200_000);

test('two of three are ticked and replayed, and only these are delivered', async () => {
  const [first, second, third] = await bury(3);
  const before = await deadOnes();
  await page.goto('/deliveries?app=default&consumer=recall&state=dead');
  for (const id of [first, third])
    await page
      .getByRole('row', { name: String(id) })
      .getByRole('checkbox')
      .check();
  await page.getByRole('button', { name: 'Replay those chosen…' }).click();
  await page.getByText('2 of 2 deliveries would be attempted again.').waitFor();
  await page.getByLabel('Reason').fill('only these two');
  await page.getByRole('button', { name: 'Replay', exact: true }).click();
  await page.getByText('2 of 2 deliveries are attempted again.').waitFor();
  await eventually('delivered', async () => (await deadOnes()) === before - 2);
  const { json } = await ask(relay, `/api/deliveries?state=dead&q=${second}`);
  expect(json.deliveries).toHaveLength(1);
  const { json: audit } = await ask(relay, '/api/audit');
  const noted = audit.entries.filter(({ reason }: { reason?: string }) => reason === 'only these two');
  expect(noted).toMatchObject([{ action: 'delivery_replayed' }, { action: 'delivery_replayed', who: 'operator' }]);
}, 200_000);

test('the tail shows what comes, the audit who did what, and after logging out nothing is shown', async () => {
  await page.goto('/live');
  const { id, body } = meeting();
  await eventually('on the page', async () => {
    await relay.post(body);
    return (await page.getByText(String(id)).count()) > 0;
  });
  await page.goto('/audit');
  const audit = await page.locator('main').textContent();
  for (const what of ['Recall is mended', 'the outage is over']) expect(audit).toContain(what);
  await page
    .getByRole('button', { name: 'Log out' })
    .or(page.getByRole('link', { name: 'Log out' }))
    .first()
    .click();
  await page.waitForURL(/\/login/);
  await page.goto('/deliveries');
  expect(new URL(page.url()).pathname).toBe('/login');
  expect(watched.complaints.filter((complaint) => !complaint.includes('401'))).toEqual([]);
}, 200_000);
