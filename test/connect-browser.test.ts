import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKeyRing } from '../src/connect/key-ring.ts';
import { Secret } from '../src/secret.ts';
import { findBarriers, isTooWide, openChromium, openPage } from './support/chromium.ts';
import { type ConnectStage, startConnectStage } from './support/connect-stage.ts';
import { startEndpoint, type TestEndpoint } from './support/endpoint.ts';
import { createRedisDatabase } from './support/engines.ts';
import { freePort } from './support/free-port.ts';
import { startTestRelay, type TestRelay } from './support/test-relay.ts';

let stage: ConnectStage;
let relay: TestRelay;
let browser: Browser;
/** The company's own app, that people return to. */
let home: TestEndpoint;
beforeAll(async () => {
  const store = await createRedisDatabase();
  const port = String(await freePort());
  home = await startEndpoint((_request, response) => response.end('<!doctype html><title>Settings</title>'));
  const publicUrl = `http://127.0.0.1:${port}`;
  stage = await startConnectStage({ storeUrl: store.url, publicUrl, recall: { waf: false } });
  const env = { ...stage.env, PORT: port, CONNECT_RETURN_ORIGINS: home.url };
  relay = await startTestRelay(store.url, { env });
  browser = await openChromium();
});
afterAll(async () => {
  await browser.close();
  await relay.stop();
  await stage.stop();
  await home.stop();
});

async function makeLink(returnTo?: string, expiresAtMs = Date.now() + 60_000): Promise<string> {
  const keys = createKeyRing([new Secret(stage.env.ENCRYPTION_KEY ?? '')]);
  const claims = { user: 'ada', ...(returnTo !== undefined && { returnTo }) };
  return `${stage.publicUrl}/connect/zoom/default?token=${await keys.sign(claims, 'zoom-relay connect default', expiresAtMs)}`;
}

describe.each([
  { colorScheme: 'light', width: 1280 },
  { colorScheme: 'dark', width: 390 },
] as const)('in Chromium, $colorScheme, $width px wide', ({ colorScheme, width }) => {
  const look = { colorScheme, viewport: { width, height: 800 } };

  test('a person clicks the link, consents, and lands on the return page', async () => {
    await using watched = await openPage(browser, look);
    const { page, complaints } = watched;
    await page.goto(await makeLink(`${home.url}/settings?tab=zoom`));
    expect(new URL(page.url()).origin).toBe(stage.zoom.baseUrl);
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.waitForURL(`${home.url}/settings?tab=zoom&zoom_connection=*`);
    expect(await page.title()).toBe('Settings');
    expect(complaints).toEqual([]);
    expect(stage.recall.api.credentials()).toHaveLength(1);
  });

  test('without a return page they are told that it is done', async () => {
    await using watched = await openPage(browser, look);
    const { page, complaints } = watched;
    await page.goto(await makeLink());
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.getByRole('heading', { name: 'Your Zoom is connected' }).waitFor();
    expect(await findBarriers(page)).toEqual([]);
    expect(await isTooWide(page)).toBe(false);
    expect(complaints).toEqual([]);
  });

  test('who declines is told so, and can change their mind', async () => {
    await using watched = await openPage(browser, look);
    const { page, complaints } = watched;
    await page.goto(await makeLink());
    await page.getByRole('button', { name: 'Decline' }).click();
    await page.getByRole('heading', { name: 'Zoom is not connected' }).waitFor();
    expect(await findBarriers(page)).toEqual([]);
    expect(await isTooWide(page)).toBe(false);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter'); // Try again
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.getByRole('heading', { name: 'Your Zoom is connected' }).waitFor();
    // Chromium itself notes that the page came with 403.
    expect(complaints.filter((text) => !text.includes('403'))).toEqual([]);
  });

  test('going back and forth does not connect twice', async () => {
    await using watched = await openPage(browser, look);
    const { page } = watched;
    await page.goto(await makeLink());
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.getByRole('heading', { name: 'Your Zoom is connected' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'This has been done already' }).waitFor();
    expect(await findBarriers(page)).toEqual([]);
  });

  test('a consent page that somebody else began connects nothing', async () => {
    await using attacker = await openPage(browser, look);
    await attacker.page.goto(await makeLink());
    await using victim = await openPage(browser, look);
    await victim.page.goto(attacker.page.url());
    await victim.page.getByRole('button', { name: 'Allow' }).click();
    await victim.page.getByRole('heading', { name: 'This was begun in another browser' }).waitFor();
    expect(await findBarriers(victim.page)).toEqual([]);
    expect(await isTooWide(victim.page)).toBe(false);
  });

  test('an expired link says what to do', async () => {
    await using watched = await openPage(browser, look);
    await watched.page.goto(await makeLink(undefined, Date.now() - 1000));
    await watched.page.getByRole('heading', { name: 'This link has expired' }).waitFor();
    expect(await findBarriers(watched.page)).toEqual([]);
  });
});
