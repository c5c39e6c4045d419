/** The store, Zoom or Recall fails, or two do something at once, at the worst moment. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ConnectRecords } from '../src/connect/ports.ts';
import { refreshLeaseMs } from '../src/connect/tokens/refresh-steps.ts';
import { answering } from '../src/demo/misbehaviour.ts';
import { RelayError } from '../src/errors.ts';
import { Secret } from '../src/secret.ts';
import {
  connected,
  connectPerson,
  consent,
  encryptionKey,
  type House,
  hourMs,
  openHouse,
  openStage,
  type Stage,
  users,
} from './support/connect-house.ts';
import { engines, type TestStore } from './support/engines.ts';
import { defaultApp } from './support/test-relay.ts';

const html = { accept: 'text/html' };
const minutesMs = (count: number): number => count * 60_000;

let folder: TestStore;
let stage: Stage;
let house: House;
beforeAll(async () => {
  folder = await engines[1].createStore();
});
afterAll(() => folder.remove());

async function open(mode: 'recall-managed' | 'customer-managed'): Promise<() => Promise<void>> {
  stage = await openStage();
  house = await openHouse(folder.url, stage, { mode });
  return async () => {
    for (const { id } of await house.connect.list({ limit: 100 })) await house.connect.disconnect(id, true);
    await house[Symbol.asyncDispose]();
    await stage[Symbol.asyncDispose]();
  };
}

/** A house whose store fails when told to. */
function openFlaky(
  mode: 'recall-managed' | 'customer-managed',
  fails: (what: string, key: string) => boolean,
): Promise<House> {
  const away = (what: string, key: string): void => {
    if (fails(what, key)) throw new RelayError('store_unavailable', 'the test says so');
  };
  const wrapRecords = (records: ConnectRecords): ConnectRecords => ({
    async read(key) {
      away('read', key);
      return records.read(key);
    },
    async swap(key, expected, next) {
      away('swap', key);
      return records.swap(key, expected, next);
    },
    async remove(key) {
      away('remove', key);
      return records.remove(key);
    },
    list: (query) => records.list(query),
  });
  return openHouse(folder.url, stage, { mode, wrapRecords });
}

async function maintain(): Promise<void> {
  stage.advance(minutesMs(2));
  await house.connect.maintain(defaultApp);
}

const createsOf = () =>
  stage.recall.api.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('-credentials/'));

describe.each(['recall-managed', 'customer-managed'] as const)('%s', (mode) => {
  beforeEach(() => open(mode));

  test('a store that is away for a moment after consent loses nothing', async () => {
    let failures = 0;
    await using flaky = await openFlaky(
      mode,
      (what, key) => what === 'swap' && key.startsWith('connection:') && failures++ < 2,
    );
    const end = await connectPerson(flaky, stage);
    expect(end.status).toBe(302);
    expect(failures).toBeGreaterThan(2);
    expect(await house.connect.list({ limit: 10 })).toMatchObject([{ state: 'healthy' }]);
  });

  test('a store that stays away is said, and what was granted is not left to nobody', async () => {
    let isAway = false;
    await using flaky = await openFlaky(
      mode,
      (what, key) => isAway && what === 'swap' && key.startsWith('connection:'),
    );
    const { back, cookie } = await consent(flaky, stage);
    isAway = true;
    const end = await flaky.ask(back, { ...html, cookie });
    expect(end.status).toBe(503);
    expect(end.text).toContain('it could not be kept here');
    const [credential] = stage.recall.api.credentials();
    const told = { kind: 'grant_unkept', app: 'default', credential: credential?.id };
    expect(flaky.events).toContainEqual(expect.objectContaining(told));
    if (mode === 'customer-managed') expect(stage.zoom.tokenOf(users[0].id)).toBeUndefined();
    isAway = false;
    expect((await connectPerson(flaky, stage)).status).toBe(302);
  });

  test('while the store is away people are told, and Recall gets 503', async () => {
    const { id } = await connected(house, stage);
    let isAway = false;
    await using flaky = await openFlaky(mode, () => isAway);
    const { back, cookie } = await consent(flaky, stage);
    isAway = true;
    const statuses = [
      (await flaky.ask(back, { ...html, cookie })).status,
      (await flaky.ask(`/zoom-token/${id}?auth_token=x`)).status,
    ];
    expect(statuses).toEqual([503, 503]);
    expect(flaky.events).toContainEqual(
      expect.objectContaining({ kind: 'consent_refused', code: 'store_unavailable' }),
    );
    expect(flaky.events).toContainEqual(expect.objectContaining({ kind: 'token_refused', code: 'token_unavailable' }));
    isAway = false;
    expect((await flaky.ask(back, { ...html, cookie })).status).toBe(302); // it was not used up
  });

  test('URLs for bots outlive the key they were sealed with: they are sealed anew, or made anew with the next consent', async () => {
    const { id } = await connected(house, stage);
    const before = (await house.connect.botUrls(id)).zak.reveal();
    const newer = new Secret(randomBytes(32).toString('base64'));
    const rotated = await openHouse(folder.url, stage, { mode, encryptionKeys: [newer, encryptionKey] });
    await rotated.connect.maintain(defaultApp);
    await rotated[Symbol.asyncDispose]();
    await using without = await openHouse(folder.url, stage, { mode, encryptionKeys: [newer] });
    expect((await without.connect.botUrls(id)).zak.reveal()).toBe(before);
    expect((await without.ask(before)).status).toBe(200);
    const newest = new Secret(randomBytes(32).toString('base64'));
    await using lost = await openHouse(folder.url, stage, { mode, encryptionKeys: [newest] });
    await expect(lost.connect.botUrls(id)).rejects.toMatchObject({ code: 'connection_unknown' });
    await connected(lost, stage);
    const made = (await lost.connect.botUrls(id)).zak.reveal();
    expect(made).not.toBe(before);
    expect((await lost.ask(made)).status).toBe(200);
    expect((await lost.ask(before)).status).toBe(401);
  });

  test('who connects again while they are being disconnected stays connected', async () => {
    const { id } = await connected(house, stage);
    const gate = stage.recall.api.hold(({ method }) => method === 'DELETE');
    const ending = house.connect.disconnect(id, false);
    await gate.held;
    await connected(house, stage);
    gate.release();
    expect(await ending).toEqual({ kind: 'kept', leftBehind: ['the person has connected again meanwhile'] });
    expect((await house.connect.read(id)).id).toBe(id);
  });

  test('a connection that a newer release has written is neither read nor written over', async () => {
    const { id } = await connected(house, stage);
    let written = '';
    const newer = await openHouse(folder.url, stage, {
      mode,
      wrapRecords(records) {
        return {
          read: async (key) => (key === `connection:${id}` ? JSON.stringify({ v: 2, id }) : records.read(key)),
          async swap(key, expected, next) {
            if (key === `connection:${id}`) written = next.value;
            return records.swap(key, expected, next);
          },
          remove: (key) => records.remove(key),
          list: (query) => records.list(query),
        };
      },
    });
    expect((await newer.ask(`/zoom-token/${id}?auth_token=x`)).status).toBe(503);
    expect((await connectPerson(newer, stage)).status).toBe(503);
    expect(written).toBe('');
    await newer[Symbol.asyncDispose]();
  });
});

describe('customer-managed', () => {
  beforeEach(() => open('customer-managed'));

  test('a round does not register what somebody is connecting at that moment', async () => {
    const { back, cookie } = await consent(house, stage);
    const gate = stage.recall.api.hold(({ method }) => method === 'POST');
    const end = house.ask(back, { ...html, cookie });
    await gate.held;
    await house.connect.maintain(defaultApp);
    gate.release();
    expect((await end).status).toBe(302);
    expect(createsOf()).toHaveLength(1);
  });

  test('a URL at Recall that is not ours is seen, and replaced', async () => {
    const { id, credentialId } = await connected(house, stage);
    expect((await stage.recall.api.callCallback(credentialId)).status).toBe(200);
    // Another process registered at the same time, and Recall took its URL last.
    await using other = await openHouse(folder.url, stage);
    const gate = stage.recall.api.hold(({ method }) => method === 'POST');
    const slow = connectPerson(house, stage);
    await gate.held;
    await connected(other, stage);
    gate.release();
    await slow;
    await maintain();
    const { state, credentialId: now } = await house.connect.read(id);
    expect(state).toBe('healthy');
    expect((await stage.recall.api.callCallback(now ?? '')).status).toBe(200);
  });

  test('whoever connects again during an outage of Recall keeps the URL that Recall has', async () => {
    const { id, callback } = await connected(house, stage);
    stage.recall.api.misbehaveAlways(answering(500));
    for (let times = 1; times <= 5; times += 1) expect((await connectPerson(house, stage)).status).toBe(502);
    stage.recall.api.misbehaveAlways();
    expect((await house.ask(callback)).status).toBe(200);
    expect((await house.connect.read(id)).state).not.toBe('healthy');
    await maintain();
    const { state, credentialId } = await house.connect.read(id);
    expect(state).toBe('healthy');
    const { status, body } = await stage.recall.api.callCallback(credentialId ?? '');
    expect([status, body]).toEqual([200, stage.zoom.tokenOf(users[0].id)?.accessToken]);
  });

  test('from Recall-managed to customer-managed: a create that fails is made later', async () => {
    const managed = await openHouse(folder.url, stage, { mode: 'recall-managed' });
    const { id } = await connected(managed, stage);
    await managed[Symbol.asyncDispose]();
    stage.recall.api.settings.resolve = {};
    house = await openHouse(folder.url, stage, { mode: 'customer-managed' });
    stage.recall.api.misbehaveAlways(answering(500));
    expect((await connectPerson(house, stage)).text).toContain('almost');
    stage.recall.api.misbehaveAlways();
    expect((await house.connect.read(id)).state).not.toBe('healthy');
    await maintain();
    const { state, credentialId } = await house.connect.read(id);
    expect(state).toBe('healthy');
    expect((await stage.recall.api.callCallback(credentialId ?? '')).status).toBe(200);
  });

  test('a refresh that was cut off is noticed without anybody asking for a token', async () => {
    const { id } = await connected(house, stage);
    stage.advance(hourMs);
    const other = await openHouse(folder.url, stage);
    const gate = stage.zoom.holdRefresh();
    const { callback } = { callback: stage.recall.api.credentials()[0]?.access_token_callback_url ?? '' };
    const cut = other.ask(callback);
    await gate.held;
    stage.advance(refreshLeaseMs + 1); // as if its process had died over it
    await maintain();
    const { state, detail } = await house.connect.read(id);
    expect(state).toBe('refresh_failing');
    expect(detail).toContain('was cut off');
    expect(house.events).toContainEqual(expect.objectContaining({ kind: 'refresh_failed', reason: 'refresh_lost' }));
    gate.drop();
    await cut;
    await other[Symbol.asyncDispose]();
  });

  test('a refresh that failed is tried again without anybody asking for a token', async () => {
    const { id, callback } = await connected(house, stage);
    stage.advance(hourMs);
    stage.zoom.misbehave(answering(503));
    expect((await house.ask(callback)).status).toBe(503);
    expect((await house.connect.read(id)).state).toBe('refresh_failing');
    await maintain();
    expect((await house.connect.read(id)).state).toBe('healthy');
  });

  test('access that could not be revoked at Zoom is not said to be', async () => {
    const { id, callback } = await connected(house, stage);
    stage.advance(hourMs);
    const gate = stage.zoom.holdRefresh();
    const asked = house.ask(callback);
    await gate.held;
    gate.drop();
    await asked;
    stage.advance(minutesMs(1));
    await house.ask(callback); // the refresh was lost
    const kept = await house.connect.disconnect(id, false);
    expect(kept).toEqual({ kind: 'kept', leftBehind: [expect.stringContaining('not revoked at Zoom')] });
    expect(stage.recall.api.credentials()).toHaveLength(1);
  });

  test('a token is answered in time, or 503, though the store is slow', async () => {
    const { callback } = await connected(house, stage);
    const never = new Promise<undefined>(() => {});
    await using slow = await openHouse(folder.url, stage, {
      wrapRecords: (records) => ({
        read: (key) => (key.startsWith('connection:') ? never : records.read(key)),
        swap: (key, expected, next) => records.swap(key, expected, next),
        remove: (key) => records.remove(key),
        list: (query) => records.list(query),
      }),
    });
    expect((await slow.ask(callback)).status).toBe(503);
  });
});

describe('recall-managed', () => {
  beforeEach(() => open('recall-managed'));

  test('who declines the second consent is told that the first connection is gone', async () => {
    stage.recall.api.settings.reauth = 'conflict';
    await connected(house, stage);
    const { back, cookie } = await consent(house, stage);
    const again = await house.ask(back, { ...html, cookie });
    const end = await house.ask(stage.zoom.consent(again.location, { decision: 'decline' }), { ...html, cookie });
    expect(end.status).toBe(403);
    expect(end.text).toContain('Zoom is not connected any more');
  });

  test('what Recall refuses to say is not taken for revoked', async () => {
    const { id } = await connected(house, stage);
    stage.recall.api.misbehave(answering(402));
    const kept = await house.connect.disconnect(id, false);
    expect(kept).toEqual({ kind: 'kept', leftBehind: [expect.stringContaining('not revoked at Zoom')] });
    expect(stage.zoom.counts.revocations).toBe(0);
    expect(stage.recall.api.credentials()).toHaveLength(1);
  });
});
