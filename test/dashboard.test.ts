import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Identity } from '../src/operator/access/identity.ts';
import { findBarriers, isTooWide, openChromium, openPage } from './support/chromium.ts';
import { attemptOf, csrfToken, FakeRelay, minuteMs, nameOf, nasty, type Served, serve } from './support/fake-relay.ts';

/** For the browser: the colour that most of a chart of the last hour has around a time, which is that of its ground. */
const groundOfChart = `(chart, minutesAgo) => {
  const canvas = document.querySelector(chart + ' canvas');
  const [over, all] = [document.querySelector(chart + ' .u-over'), canvas].map((part) => part.getBoundingClientRect());
  const scale = canvas.width / all.width;
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const counts = new Map();
  for (let ago = minutesAgo - 2; ago <= minutesAgo + 2; ago += 0.5) {
    for (let y = over.top; y < over.bottom; y += 2) {
      const x = over.left + over.width * (59 - ago) / 59;
      const [column, row] = [(x - all.left) * scale, (y - all.top) * scale].map(Math.round);
      const at = (row * canvas.width + column) * 4;
      const colour = data.slice(at, at + 4).join();
      counts.set(colour, (counts.get(colour) ?? 0) + 1);
    }
  }
  return [...counts].sort(([, one], [, other]) => other - one)[0][0];
}`;

let browser: Browser;
let served: Served;

/** A relay with a bit of everything. */
function fill(relay: FakeRelay): void {
  for (let index = 0; index < 20; index += 1) relay.add();
  for (let index = 0; index < 12; index += 1) relay.add({ consumer: 'directory', headers: {} });
  const at = new Date(Date.now() - 7 * minuteMs).toISOString();
  const failed = [
    attemptOf(1, at, 90, { status: 503, response: '<html><title>503</title>Service Unavailable</html>' }),
    attemptOf(2, at, 5200, { error: 'ECONNREFUSED' }),
    attemptOf(3, at, 21_000, {
      outcome: 'refused',
      status: 401,
      resigned: { timestamp: '1795000300', signature: 'v0=ab' },
    }),
  ];
  relay.add({
    ...{ notificationId: 'd'.repeat(32), state: 'dead', receivedAt: at, attempts: 3, attemptLog: failed },
    lastAttempt: { outcome: 'refused', status: 401 },
    deathReason: 'attempts_exhausted',
    endedAt: new Date(Date.parse(at) + 22_000).toISOString(),
    replays: [
      {
        replayId: 'one-x1',
        at: new Date(Date.parse(at) + 10_000).toISOString(),
        resign: false,
        by: 'ops',
        reason: 'Recall was redeployed',
      },
    ],
  });
  const { endedAt: _none, ...delayed } = relay.add({
    ...{ notificationId: 'e'.repeat(32), state: 'delayed', attempts: 2, attemptLog: failed.slice(0, 2) },
    lastAttempt: { outcome: 'unavailable', error: 'ECONNREFUSED' },
    nextAttemptAt: new Date(Date.now() + 40_000).toISOString(),
  });
  relay.deliveries[relay.deliveries.findIndex(({ notificationId }) => notificationId === 'e'.repeat(32))] = delayed;
  relay.add({
    ...{
      notificationId: 'f'.repeat(32),
      consumer: 'crm',
      event: nasty,
      about: { email: nasty },
      state: 'dead',
      attempts: 1,
    },
    ...{ lastAttempt: { outcome: 'refused', error: nasty }, deathReason: nasty, headers: { 'user-agent': nasty } },
    attemptLog: [attemptOf(1, at, 50, { response: `</pre></div>${nasty}`, worker: nasty })],
    replays: [{ replayId: nasty, at, resign: true, by: nasty, reason: nasty }],
  });
  const filter = { app: 'default', consumer: 'recall', state: 'dead' as const, since: '2026-11-18T08:00:00.000Z' };
  const plan = { total: 412, alreadyDelivered: 0, onTheirWay: 3, wouldBeResigned: 0, isTruncated: false };
  const asked = { filter, by: 'ops', rate: 20, resign: false, force: false, plan, reason: 'Recall was away' };
  relay.replays.push(
    {
      ...asked,
      id: 'running-1',
      state: 'running',
      createdAt: at,
      progress: { fed: 180, skipped: 2, delivered: 171, dead: 1, pending: 8 },
    },
    {
      ...asked,
      id: 'done-1',
      state: 'done',
      createdAt: at,
      endedAt: new Date(Date.parse(at) + 23_000).toISOString(),
      progress: { fed: 410, skipped: 2, delivered: 400, dead: 10, pending: 0 },
    },
  );
  relay.audit.push(
    { id: 'a1', at, who: 'ops', action: 'login', target: 'address:10.0.0.7' },
    {
      id: 'a2',
      at,
      who: 'ops',
      action: 'replay_started',
      target: 'consumer:default/recall',
      reason: nasty,
      detail: { filter, rate: 20 },
    },
    { id: 'a3', at, who: nasty, action: 'body_viewed', target: `delivery:default/recall/${'d'.repeat(32)}` },
  );
}

beforeAll(async () => {
  browser = await openChromium();
  served = await serve(filled());
});

afterAll(async () => {
  await browser.close();
  await served[Symbol.asyncDispose]();
});

const ids = { dead: 'd'.repeat(32), delayed: 'e'.repeat(32), nasty: 'f'.repeat(32), delivered: '1'.padStart(32, '0') };

const pages = {
  overview: '/',
  'overview-day': '/?range=day',
  deliveries: '/deliveries',
  'deliveries-none': '/deliveries?q=nobody',
  'deliveries-partial': '/deliveries?q=98&state=delivered',
  'deliveries-invalid': '/deliveries?since=yesterday&event=Not+Good',
  'delivery-dead': `/deliveries/default/recall/${ids.dead}`,
  'delivery-delayed': `/deliveries/default/recall/${ids.delayed}`,
  'delivery-nasty': `/deliveries/default/crm/${ids.nasty}`,
  'delivery-delivered': `/deliveries/default/recall/${ids.delivered}?done=on_its_way`,
  'delivery-unknown': `/deliveries/default/recall/${'0'.repeat(32)}`,
  replays: '/replays',
  'replay-choice': '/replays/new?state=dead',
  'replay-plan': '/replays/new?state=dead&app=default&consumer=recall',
  'replay-running': '/replays/running-1',
  'replay-done': '/replays/done-1',
  live: '/live',
  apps: '/apps',
  audit: '/audit',
  login: '/login',
} as const;
/** Answered with an error status on purpose, of which the browser tells in its console. */
const refused = ['delivery-unknown', 'deliveries-invalid'];
/** A folder to look at the pages in. */
const shots = process.env.DASHBOARD_SHOTS;

describe.each([1280, 390])('at %i px', (width) => {
  test.each(Object.entries(pages))('%s: no barrier, light or dark, no complaint, nothing wider', async (name, path) => {
    await using opened = await openPage(browser, { viewport: { width, height: 900 } });
    const { page, complaints } = opened;
    await page.goto(served.url + path);
    if (name === 'live') await page.getByText('● live', { exact: true }).waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      if (shots !== undefined) await shoot(page, `${name}-${colorScheme}-${width}`);
      const rules = colorScheme === 'dark' ? ['color-contrast'] : undefined;
      if (colorScheme === 'light' || width === 1280) expect(await findBarriers(page, rules)).toEqual([]);
    }
    expect(await isTooWide(page)).toBe(false);
    expect(await page.evaluate('globalThis.owned')).toBeUndefined();
    const isExpected = (text: string): boolean => refused.includes(name) && text.includes('Failed to load resource');
    expect(complaints.filter((text) => !isExpected(text))).toEqual([]);
  });
});

async function shoot(page: Page, name: string): Promise<void> {
  if (shots !== undefined) await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
}

async function open(
  path: string,
  relay?: FakeRelay,
  identity: Partial<Identity> = {},
  options: BrowserContextOptions = {},
) {
  const own = await serve(relay ?? filled(), identity);
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

function filled(): FakeRelay {
  const relay = new FakeRelay();
  fill(relay);
  return relay;
}

describe('the overview', () => {
  test('says in a sentence how things are, and refreshes itself without moving or losing the focus', async () => {
    const relay = filled();
    await using opened = await open('/', relay);
    const { page, complaints } = opened;
    await page.getByRole('heading', { level: 1, name: '2 deliveries are dead: see why, then replay.' }).waitFor();
    await page.getByRole('button', { name: 'Pause crm of default' }).focus();
    await page.evaluate('scrollTo(0, 200)');
    relay.downSinceMs = Date.now() - 6 * minuteMs;
    await page
      .getByRole('heading', { level: 1, name: /Recall has been unavailable for 6 min\./ })
      .waitFor({ timeout: 20_000 });
    await page.getByText(/live, \d\d:\d\d:\d\d UTC/).waitFor();
    expect(await page.evaluate('document.activeElement.id')).toBe('hold.default.crm');
    expect(await page.evaluate('scrollY')).toBe(200);
    expect(complaints).toEqual([]);
  });

  test('a consumer is paused and resumed by the keyboard, in place', async () => {
    const relay = filled();
    await using opened = await open('/', relay);
    const { page } = opened;
    await page.getByRole('button', { name: 'Pause directory of default' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Resume directory of default' }).waitFor();
    expect([...relay.paused]).toEqual(['directory']);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Pause directory of default' }).waitFor();
    expect([...relay.paused]).toEqual([]);
    expect(page.url()).toBe(`${opened.url}/`);
  });

  test('the charts are drawn, from the same figures as the table under them', async () => {
    await using opened = await open('/');
    await opened.page.locator('[data-chart] canvas').first().waitFor();
    expect(await opened.page.locator('[data-chart] canvas').count()).toBe(5);
    expect(await opened.page.getByRole('table', { name: 'Latencies' }).textContent()).toContain(
      'until Zoom is answered',
    );
  });

  test.each(['light', 'dark'] as const)(
    'an outage of the past is shaded in its chart and told in words, %s',
    async (colorScheme) => {
      const relay = filled();
      await using opened = await open('/', relay, {}, { colorScheme });
      const { page, complaints } = opened;
      const chartOf = (consumer: string): string => `[data-chart="default/${consumer}"]`;
      await page
        .locator(chartOf('recall'))
        .getByText(/down \d\d:\d\d to \d\d:\d\d UTC/)
        .waitFor();
      expect(await page.getByRole('table', { name: 'Latencies' }).textContent()).toMatch(/\d\d:\d\d to \d\d:\d\d UTC/);
      expect(complaints).toEqual([]); // before the pixels are read, of which the browser complains
      const colourOf = async (consumer: string, minutesAgo: number): Promise<unknown> =>
        page.evaluate(`(${groundOfChart})('${chartOf(consumer)}', ${minutesAgo})`);
      const ground = await colourOf('recall', 50);
      expect(await colourOf('recall', 34)).not.toBe(ground);
      expect(await colourOf('recall', 15)).toBe(ground);
      expect(await colourOf('directory', 34)).toBe(ground);
      expect(await page.locator(chartOf('directory')).getByText(/down/).count()).toBe(0);
    },
  );

  test('when the store goes away, the page stays and says since when it is not fresh', async () => {
    const relay = filled();
    await using opened = await open('/', relay);
    relay.isAway = true;
    await opened.page.getByText(/not fresh since .* the store is away \(503\)/).waitFor({ timeout: 20_000 });
    expect(await opened.page.getByRole('table', { name: 'Consumers' }).isVisible()).toBe(true);
  });

  test('an action that fails is told', async () => {
    const relay = filled();
    await using opened = await open('/', relay);
    relay.isAway = true;
    await opened.page.getByRole('button', { name: 'Pause recall of default' }).click();
    expect(await opened.page.getByRole('alert').textContent()).toContain(
      'The store is away (503). Nothing was changed',
    );
  });
});

describe('without JavaScript', () => {
  const options = { javaScriptEnabled: false };

  test('a consumer is paused by a form', async () => {
    const relay = filled();
    await using opened = await open('/', relay, {}, options);
    await opened.page.getByRole('button', { name: 'Pause recall of default' }).click();
    expect(opened.page.url()).toBe(`${opened.url}/`);
    await opened.page.getByRole('button', { name: 'Resume recall of default' }).waitFor();
    expect([...relay.paused]).toEqual(['recall']);
  });

  test('a replay is planned, planned again when the choice changed, and started', async () => {
    const relay = filled();
    await using opened = await open('/deliveries?state=dead&consumer=recall&app=default', relay, {}, options);
    const { page } = opened;
    await page.getByRole('link', { name: 'Replay all that match…' }).click();
    await page.getByText('1 delivery would be attempted again').waitFor();
    await page.getByLabel('Reason').fill('Recall was redeployed');
    await page.getByLabel('Re-sign').check();
    await page.getByRole('button', { name: 'Start the replay' }).click();
    await page.getByText('The plan changed with your choice').waitFor();
    await page.getByText('1 of them would carry a fresh timestamp').waitFor();
    expect(relay.replays).toHaveLength(2);
    await page.getByRole('button', { name: 'Start the replay' }).click();
    await page.getByText('Running: 0 of 1 delivery').waitFor();
    const [started] = relay.replays;
    expect(started).toMatchObject({ reason: 'Recall was redeployed', resign: true, force: false, rate: 20, by: 'ops' });
    expect(started?.filter).toEqual({ app: 'default', consumer: 'recall', state: 'dead' });
  });

  test('a body is shown on request, as text, and that is audited', async () => {
    const relay = filled();
    await using opened = await open(pages['delivery-dead'], relay, {}, options);
    expect(relay.audit.filter(({ who }) => who === 'ops').map(({ action }) => action)).not.toContain('body_viewed');
    await opened.page.getByRole('button', { name: 'Show the body' }).click();
    expect(await opened.page.locator('#body-text').textContent()).toContain('<script>owned=1</script>');
    expect(relay.audit[0]).toMatchObject({
      who: 'ops',
      action: 'body_viewed',
      target: `delivery:default/recall/${ids.dead}`,
    });
  });
});

describe('deliveries', () => {
  test('the filter is said as a sentence, kept in the URL and in the form', async () => {
    await using opened = await open('/deliveries');
    const { page } = opened;
    await page.getByLabel('State').selectOption('dead');
    await page.getByLabel('Consumer').selectOption('recall');
    await page.getByLabel('Received since').fill('2026-11-18 08:00');
    await page.keyboard.press('Enter');
    await page
      .getByText('Dead deliveries to recall, received since 2026-11-18 08:00:00 UTC, latest dead first.')
      .waitFor();
    expect(new URL(page.url()).searchParams.get('state')).toBe('dead');
    expect(await page.getByLabel('Received since').inputValue()).toBe('2026-11-18 08:00');
    expect(await page.getByRole('row').count()).toBe(2);
  });

  test('pages follow each other by cursor, and the last says that it is the last', async () => {
    const relay = new FakeRelay();
    for (let index = 0; index < 60; index += 1) relay.add();
    await using opened = await open('/deliveries?state=delivered', relay);
    const { page } = opened;
    expect(await page.getByRole('row').count()).toBe(51);
    await page.getByRole('link', { name: 'Next page' }).click();
    await page.getByText('End of what is kept.').waitFor();
    expect(await page.getByRole('row').count()).toBe(11);
    expect(page.url()).toContain('state=delivered');
    await page.getByRole('link', { name: 'First page' }).click();
    expect(await page.getByRole('row').count()).toBe(51);
  });

  test('a dead one is replayed with a reason, and is followed until it is delivered', async () => {
    const relay = filled();
    await using opened = await open(pages['delivery-dead'], relay);
    const { page } = opened;
    await page.getByLabel('Reason').fill('secret was rotated');
    await page.getByRole('button', { name: 'Replay re-signed' }).click();
    await page.getByText('It is replayed: it was put back and is attempted anew.').waitFor();
    await page.getByText('Replayed, to be signed afresh, by ops').waitFor();
    relay.change(ids.dead, { state: 'delivered', endedAt: new Date().toISOString() });
    await page.locator('.time-line').getByText('Delivered', { exact: true }).waitFor({ timeout: 10_000 });
    expect(await page.locator('#progress').getAttribute('hx-trigger')).toBeNull();
  });

  /** Ticks by where they stand in the list, newest first, and asks for the plan. */
  async function choose(page: Page, ...places: number[]): Promise<void> {
    for (const place of places) await page.getByRole('checkbox').nth(place).check();
    await page.getByRole('button', { name: 'Replay those chosen…' }).click();
    await page.getByRole('heading', { name: 'Plan' }).waitFor();
  }

  const mixed = (): FakeRelay => {
    const relay = new FakeRelay();
    relay.add();
    relay.add({ state: 'dead' });
    relay.add({ state: 'dead', consumer: 'crm' });
    relay.add({ state: 'waiting' });
    relay.add({ state: 'dead' });
    return relay;
  };
  const replayedIn = (relay: FakeRelay) => relay.audit.filter(({ action }) => action === 'delivery_replayed');

  test.each([
    { javaScriptEnabled: false },
    { colorScheme: 'dark' as const },
    { viewport: { width: 390, height: 900 } },
  ])('those that are ticked are replayed, each noted in the audit: plan, confirmation, result; %o', async (options) => {
    const relay = mixed();
    await using opened = await open('/deliveries?event=meeting.created', relay, {}, options);
    const { page } = opened;
    const name = `chosen-${Object.values(options).map((value) => JSON.stringify(value).replaceAll(/\W/g, ''))}`;
    const look = async (step: string): Promise<void> => {
      await shoot(page, `${name}-${step}`);
      expect(await isTooWide(page)).toBe(false);
      if (options.javaScriptEnabled !== false) expect(await findBarriers(page)).toEqual([]);
    };
    await look('list');
    await choose(page, 0, 1, 2);
    await page.getByText('1 of 3 deliveries would be attempted again.').waitFor();
    await page.getByText('1 that was delivered is left out, unless you say so below.').waitFor();
    await page.getByText('1 is on the way already and left alone.').waitFor();
    expect(replayedIn(relay)).toEqual([]);
    await look('plan');
    await page.getByLabel('Reason').fill('Recall is mended');
    await page.getByRole('button', { name: 'Replay', exact: true }).click();
    await page.getByText('1 of 3 deliveries is attempted again.').waitFor();
    await look('result');
    const results = await page.getByRole('table', { name: 'Results' }).getByRole('row').allTextContents();
    expect(results.map((text) => /replayed|delivered|on its way/.exec(text)?.[0])).toEqual([
      ...[undefined, 'delivered', 'replayed', 'on its way'],
    ]);
    const note = { who: 'ops', reason: 'Recall is mended' };
    expect(replayedIn(relay)).toMatchObject([note, note]); // what was delivered already was not
    expect(relay.deliveries.map(({ state }) => state)).toEqual(['delivered', 'waiting', 'dead', 'waiting', 'dead']);
    await page.getByRole('link', { name: 'Back to the list' }).click();
    expect(page.url()).toBe(`${opened.url}/deliveries?event=meeting.created`);
    expect(opened.complaints).toEqual([]);
  });

  test('boxes are ticked by the keyboard, and are named for who cannot see them', async () => {
    const relay = mixed();
    await using opened = await open('/deliveries?state=dead', relay);
    const { page } = opened;
    await page.getByRole('checkbox', { name: /^Choose user\.updated to crm of app default, received 20/ }).focus();
    await page.keyboard.press('Space');
    for (const key of ['Tab', 'Tab', 'Space', 'Enter']) await page.keyboard.press(key);
    await page.getByText('2 of 2 deliveries would be attempted again.').waitFor();
    await page.getByText('2 dead ones are put back and attempted anew, with the whole schedule.').waitFor();
    await page.getByLabel('Re-sign').check();
    await page.getByRole('button', { name: 'Replay', exact: true }).click();
    await page.getByText('2 of 2 deliveries are attempted again.').waitFor();
    expect(replayedIn(relay)).toHaveLength(2);
    const marks = relay.deliveries.flatMap(({ replays }) => replays);
    expect(marks.map(({ resign }) => resign)).toEqual([true, true]);
  });

  test('who may only look is shown no boxes', async () => {
    await using opened = await open('/deliveries', mixed(), { role: 'read' });
    expect(await opened.page.getByRole('checkbox').count()).toBe(0);
    expect(await opened.page.getByRole('row').count()).toBe(6);
  });

  test.each<[string, number, string, readonly string[]]>([
    ['none', 400, 'No delivery was chosen', []],
    [
      'more than 200',
      400,
      'At most 200 can be chosen',
      Array.from({ length: 201 }, (_, n) => `default/recall/${n.toString(16).padStart(32, '0')}`),
    ],
    ['one of nobody', 404, 'No such app or consumer', [`default/nobody/${ids.dead}`]],
    ['what is no id', 404, 'No such delivery', ['default/recall/0', 'x']],
  ])('%s: refused with %i, and nothing is done', async (_what, status, text, chosen) => {
    const relay = filled();
    await using own = await serve(relay);
    for (const path of ['/deliveries/chosen', '/deliveries/replay']) {
      const body = new URLSearchParams([['csrf', csrfToken], ...chosen.map((value) => ['delivery', value])]);
      const answer = await fetch(own.url + path, { method: 'POST', body, headers: { accept: 'text/html' } });
      expect(answer.status).toBe(status);
      expect(await answer.text()).toContain(text);
    }
    expect(replayedIn(relay)).toEqual([]);
  });

  test('as many as 200 are taken, a copy counts once, and one that is gone by now is told', async () => {
    const relay = new FakeRelay();
    for (let index = 0; index < 199; index += 1) relay.add({ state: 'dead' });
    await using own = await serve(relay);
    const names = [...relay.deliveries.map(({ notificationId }) => notificationId), 'f'.repeat(32)];
    const fields = [...names, ...names].map((id) => ['delivery', `default/recall/${id}`]);
    const post = async (path: string): Promise<string> => {
      const body = new URLSearchParams([['csrf', csrfToken], ...fields]);
      return (await fetch(own.url + path, { method: 'POST', body })).text();
    };
    expect(await post('/deliveries/chosen')).toContain('1 is not kept any more.');
    expect(await post('/deliveries/replay')).toContain('199 of 200 deliveries are attempted again.');
    expect(replayedIn(relay)).toHaveLength(199);
  });

  test('one that was delivered is sent again only on purpose', async () => {
    const relay = filled();
    await using opened = await open(pages['delivery-delivered'], relay);
    const { page } = opened;
    await page.getByRole('button', { name: 'Replay', exact: true }).click();
    expect(await page.evaluate('document.querySelector("input[name=force]").validity.valueMissing')).toBe(true);
    await page.getByLabel('Send it again although recall has it').check();
    await page.getByRole('button', { name: 'Replay', exact: true }).click();
    await page.getByText('It is replayed').waitFor();
  });
});

describe('replays', () => {
  test('the plan follows the choice, and nothing secret gets into a URL', async () => {
    await using opened = await open('/replays/new?consumer=directory&app=default');
    const { page } = opened;
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.getByText('Nothing matches that could be replayed.').waitFor();
    await page.getByLabel('Force').check();
    await page.getByText('12 deliveries would be attempted again').waitFor();
    expect(asked.filter((url) => url.includes('force=true'))).toHaveLength(1);
    expect(asked.join()).not.toContain(csrfToken);
  });

  test('progress is followed, and it is paused, resumed and cancelled in place', async () => {
    const relay = filled();
    await using opened = await open(pages['replay-running'], relay);
    const { page } = opened;
    await page.getByText('Running: 182 of 412 deliveries, 20 a second, 12 s left.').waitFor();
    relay.changeReplay('running-1', { waitingFor: 'the consumer is paused' });
    await page.getByText('Waits at 182 of 412 deliveries: the consumer is paused. It goes on by itself.').waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused at 182 of 412').waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText(/Cancelled after/).waitFor();
    expect(await page.getByRole('button', { name: 'Resume' }).count()).toBe(0);
    expect(await page.locator('#replay').getAttribute('hx-trigger')).toBeNull();
  });
});

describe('the tail', () => {
  test('rows come and change by themselves, and stand still under pointer, focus and button', async () => {
    const relay = filled();
    await using opened = await open('/live', relay);
    const { page, complaints } = opened;
    await page.getByText('● live', { exact: true }).waitFor();
    const top = page.locator('#live-rows tr').first();
    const now = (): string => new Date().toISOString();
    relay.add({ notificationId: 'a'.repeat(32), event: 'meeting.started', state: 'waiting', receivedAt: now() });
    await top.getByText('meeting.started').waitFor();
    relay.change('a'.repeat(32), { state: 'delivered', attempts: 2 });
    await top.locator('.mark.good').waitFor();

    await page.getByRole('button', { name: 'Pause' }).click();
    relay.add({ notificationId: 'b'.repeat(32), event: nasty, receivedAt: now() });
    await page.getByText('○ paused, 1 new or changed').waitFor();
    await page.getByRole('button', { name: 'Go on' }).click();
    await top.getByText('<script>owned=1</script>').waitFor();

    await top.hover();
    await page.getByText('○ paused').waitFor();
    await page.mouse.move(0, 0);
    await page.getByText('● live', { exact: true }).waitFor();
    await top.getByRole('link').focus();
    relay.add({ notificationId: 'c'.repeat(32), event: 'user.deleted', receivedAt: now() });
    await page.getByText('○ paused, 1 new or changed').waitFor();
    expect(await page.evaluate('globalThis.owned')).toBeUndefined();
    expect(complaints).toEqual([]);
  });

  test('only so many may watch, and those who watch do not hold up the end of the process', async () => {
    await using own = await serve(filled());
    const ends = new AbortController();
    const answers = await Promise.all(
      Array.from({ length: 21 }, () => fetch(`${own.url}/live/events`, { signal: ends.signal })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(20);
    expect(answers.filter(({ status }) => status === 503)).toHaveLength(1);
    // Leaving the block stops the server, which would hang if streams went on.
  });

  test('who stops watching makes room', async () => {
    await using own = await serve(filled());
    for (let index = 0; index < 25; index += 1) {
      const leave = new AbortController();
      const { status } = await fetch(`${own.url}/live/events`, { signal: leave.signal });
      expect(status).toBe(200);
      leave.abort();
      await delay(20);
    }
  });
});

describe('who may only look', () => {
  test('sees no button that acts, and is refused with a page', async () => {
    await using opened = await open('/', undefined, { role: 'read' });
    const { page, url } = opened;
    expect(await page.getByRole('button', { name: /Pause|Resume/ }).count()).toBe(0);
    await page.goto(`${url}/deliveries`);
    expect(await page.getByText('Replay all that match…').count()).toBe(0);
    await page.goto(`${url}${pages['delivery-dead']}`);
    expect(await page.getByRole('button', { name: /Replay/ }).count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Show the body' }).count()).toBe(1);
    const answer = await page.goto(`${url}/replays/new`);
    expect(answer?.status()).toBe(403);
    await page.getByText('You may look, not act').first().waitFor();
    const acted = await fetch(`${url}/consumers/default/recall/pause`, {
      method: 'POST',
      headers: { 'x-csrf-token': csrfToken },
    });
    expect(acted.status).toBe(403);
  });
});

describe('where there are several apps', () => {
  const names = [nameOf('acme', 'recall'), nameOf('beta', 'recall'), nameOf('beta', 'crm')];

  test.each([1280, 390])('an outage is told, also at %i px', async (width) => {
    const relay = new FakeRelay(names);
    for (const { app, consumer } of names) relay.add({ app, consumer });
    relay.downSinceMs = Date.now() - 6 * minuteMs;
    relay.paused.add('crm');
    relay.incidents = [
      {
        kind: 'circuit_open',
        app: 'acme',
        consumer: 'recall',
        sinceMs: relay.downSinceMs,
        text: 'acme/recall does not answer: its circuit has been open since 2026-11-18 10:02 UTC. Nothing to do here: it is probed by itself.',
      },
      { kind: 'store_unsafe', sinceMs: relay.downSinceMs, text: nasty },
    ];
    await using opened = await open('/', relay, {}, { viewport: { width, height: 900 } });
    const { page, complaints } = opened;
    await page.getByText('Recall of app acme has been unavailable for 6 min. Nothing waits.').waitFor();
    await page.getByRole('heading', { name: '2 open incidents' }).waitFor();
    await shoot(page, `outage-light-${width}`);
    expect(await findBarriers(page)).toEqual([]);
    expect(await isTooWide(page)).toBe(false);
    expect(complaints).toEqual([]);
  });

  test('one of them is looked at, and the menu remembers it', async () => {
    const relay = new FakeRelay(names);
    for (const { app, consumer } of names) relay.add({ app, consumer });
    await using opened = await open('/', relay);
    const { page } = opened;
    await page.getByLabel('App', { exact: true }).selectOption('beta');
    await page.getByRole('button', { name: 'Show' }).click();
    expect(await page.getByRole('table', { name: 'Consumers' }).getByRole('row').count()).toBe(3);
    await page.getByRole('navigation', { name: 'Menu' }).getByRole('link', { name: 'Deliveries' }).click();
    await page.getByText('All deliveries of app beta, newest first.').waitFor();
    expect(await findBarriers(page)).toEqual([]);
  });

  test('a replay asks for which consumer', async () => {
    await using opened = await open('/replays/new', new FakeRelay(names));
    await opened.page.getByRole('link', { name: 'crm of app beta' }).click();
    await opened.page.getByText('All deliveries to crm of app beta.').waitFor();
  });
});

describe('nothing there yet', () => {
  test.each([
    ['/', 'Nothing has been accepted yet. Nothing needs you.'],
    ['/', 'send a sample'],
    ['/deliveries', 'A delivery appears here for each notification and consumer.'],
    ['/replays', 'Replays of many deliveries appear here.'],
    ['/audit', 'Who logs in, pauses, replays or looks at a body is noted here'],
    ['/live', 'Nothing has come yet.'],
  ])('%s says “%s”', async (path, text) => {
    await using own = await serve(new FakeRelay());
    expect(await (await fetch(own.url + path)).text()).toContain(text);
  });
});

describe('pages and their headers', () => {
  test.each([
    ['/deliveries/default/recall/0', 404, 'No such delivery'],
    [pages['delivery-unknown'], 404, 'No such delivery'],
    ['/deliveries/default/nobody/0', 404, 'No such delivery'],
    [`/deliveries/default/nobody/${ids.dead}`, 404, 'No such app or consumer'],
    ['/?app=nobody', 404, 'No such app or consumer'],
    ['/deliveries?cursor=nonsense', 400, 'This page of the list is gone'],
    ['/deliveries?since=yesterday', 400, 'must be how long ago'],
    ['/replays/none-such', 404, 'No such replay'],
    ['/replays/UPPER', 404, 'No such replay'],
    ['/nowhere', 404, 'There is nothing here'],
  ])('%s is answered with %i: %s', async (path, status, text) => {
    const answer = await fetch(served.url + path, { headers: { accept: 'text/html' } });
    expect(answer.status).toBe(status);
    expect(await answer.text()).toContain(text);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  test.each(['/', '/deliveries', '/replays', '/live', '/apps', '/audit'])(
    '%s without its store says that nothing is lost',
    async (path) => {
      const relay = filled();
      relay.isAway = true;
      await using own = await serve(relay);
      const answer = await fetch(own.url + path);
      expect(answer.status).toBe(503);
      expect(await answer.text()).toContain('What was acknowledged is in the store and is not lost.');
    },
  );

  test('a form that is too old is refused with a page', async () => {
    const body = new URLSearchParams({ csrf: 'of yesterday' });
    const init = { method: 'POST', body, headers: { accept: 'text/html' } };
    const answer = await fetch(`${served.url}/consumers/default/recall/pause`, init);
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain('This form is too old');
  });

  test('a page is kept by nobody and lets nothing in from elsewhere', async () => {
    const { headers } = await fetch(served.url);
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    );
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('same-origin');
  });

  test('every asset a page links to carries its version and is kept forever, and its plain name is not', async () => {
    const text = await (await fetch(served.url)).text();
    const links = [...text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, link = '']) => link);
    expect(links).toHaveLength(7);
    for (const link of links) {
      const versioned = await fetch(served.url + link);
      expect(versioned.status).toBe(200);
      expect(versioned.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
      const plain = await fetch(served.url + link.replace(/\?.*/, ''));
      expect(plain.headers.get('cache-control')).toBe('no-cache');
      const again = await fetch(plain.url, { headers: { 'if-none-match': plain.headers.get('etag') ?? '' } });
      expect(again.status).toBe(304);
    }
    expect((await fetch(`${served.url}/assets/%2e%2e%2fports.ts`)).status).toBe(404);
  });

  test.each(Object.entries(pages))(
    '%s has no inline script or style and no markup of strangers',
    async (_name, path) => {
      const text = await (await fetch(served.url + path)).text();
      expect(text).not.toMatch(/<script(?! defer src=")/);
      expect(text).not.toMatch(/<style|\sstyle=|\son[a-z]+="|<img/);
    },
  );

  test.each([
    ['/deliveries', 'q'],
    ['/deliveries', 'event'],
    ['/deliveries', 'state'],
    ['/deliveries', 'since'],
    ['/deliveries', 'consumer'],
    ['/audit', 'target'],
    ['/live', 'app'],
    ['/replays/new', 'q'],
    ['/replays/new', 'app'],
    ['/', 'app'],
    [pages['delivery-dead'], 'done'],
  ])('%s?%s= shows markup as text', async (path, name) => {
    const text = await (await fetch(`${served.url}${path}?${new URLSearchParams({ [name]: nasty })}`)).text();
    expect(text).not.toContain('<script>owned');
    expect(text).not.toContain('<img');
  });
});
