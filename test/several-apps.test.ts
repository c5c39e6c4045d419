import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RecallStandIn, startRecallStandIn } from '../src/demo/recall-stand-in.ts';
import { Secret } from '../src/secret.ts';
import { writeAppsFile } from './support/apps-file.ts';
import { uniqueBody } from './support/bodies.ts';
import { createRedisDatabase } from './support/engines.ts';
import { startTestRelay, type TestRelay } from './support/test-relay.ts';

const acme = { secret: 'secret-token-of-the-app-acme', zoomOauthAppId: '11111111-1111-4111-8111-111111111111' };
const umbrella = { secret: 'secret-token-of-umbrella-app', zoomOauthAppId: '22222222-2222-4222-8222-222222222222' };
const [acmeSecret, umbrellaSecret] = [new Secret(acme.secret), new Secret(umbrella.secret)];

let relay: TestRelay;
let acmeRecall: RecallStandIn;
let umbrellaRecall: RecallStandIn;
const removals: (() => Promise<void>)[] = [];

beforeAll(async () => {
  // One stand-in per app: each knows one id and one secret and refuses the other's.
  acmeRecall = await startRecallStandIn(acme.zoomOauthAppId, [acmeSecret]);
  umbrellaRecall = await startRecallStandIn(umbrella.zoomOauthAppId, [umbrellaSecret]);
  const apps = await writeAppsFile({
    acme: { ...acme, recallBaseUrl: acmeRecall.baseUrl },
    umbrella: { ...umbrella, recallBaseUrl: umbrellaRecall.baseUrl },
  });
  relay = await startTestRelay((await createRedisDatabase()).url, { env: apps.env });
  removals.push(apps.remove);
});
afterAll(async () => {
  await relay.stop();
  await Promise.all([acmeRecall.close(), umbrellaRecall.close()]);
  for (const remove of removals) await remove();
});

test('each app has its own secret and its own Recall endpoint', async () => {
  const [forAcme, forUmbrella] = [uniqueBody(), uniqueBody()];
  expect((await relay.post(forAcme, { path: '/webhooks/zoom/acme', secret: acmeSecret })).status).toBe(204);
  expect((await relay.post(forUmbrella, { path: '/webhooks/zoom/umbrella', secret: umbrellaSecret })).status).toBe(204);
  expect((await acmeRecall.seen((request) => request.body.equals(forAcme))).status).toBe(200);
  expect((await umbrellaRecall.seen((request) => request.body.equals(forUmbrella))).status).toBe(200);
  expect(acmeRecall.requests.some((request) => request.body.equals(forUmbrella))).toBe(false);
});

test("one app's secret does not open another app's endpoint", async () => {
  const answer = await relay.post(uniqueBody(), { path: '/webhooks/zoom/acme', secret: umbrellaSecret });
  expect(answer.status).toBe(401);
});

test('the same body for two apps is two notifications', async () => {
  const body = uniqueBody();
  await relay.post(body, { path: '/webhooks/zoom/acme', secret: acmeSecret });
  await relay.post(body, { path: '/webhooks/zoom/umbrella', secret: umbrellaSecret });
  await acmeRecall.seen((request) => request.body.equals(body));
  await umbrellaRecall.seen((request) => request.body.equals(body));
});

test('without an app named default, the short path is unknown', async () => {
  expect((await relay.post(uniqueBody(), { path: '/webhooks/zoom', secret: acmeSecret })).status).toBe(404);
});
