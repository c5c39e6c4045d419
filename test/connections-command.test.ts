import { afterAll, beforeAll, expect, test } from 'vitest';
import { answering } from '../src/demo/misbehaviour.ts';
import { connectPerson, followLink } from './support/connect-person.ts';
import { ada, bob, type ConnectStage, startConnectStage } from './support/connect-stage.ts';
import { createRedisDatabase, type TestStore } from './support/engines.ts';
import { runCommand } from './support/run-command.ts';
import { startTestRelay, type TestRelay } from './support/test-relay.ts';

let store: TestStore;
let stage: ConnectStage;
let relay: TestRelay;

beforeAll(async () => {
  store = await createRedisDatabase();
  stage = await startConnectStage({ storeUrl: store.url, mode: 'customer-managed' });
  relay = await startTestRelay(store.url, { env: { ...stage.env, CONNECT_RETURN_ORIGINS: 'https://app.example.com' } });
});
afterAll(async () => {
  await relay.stop();
  await stage.stop();
  await store.remove();
});

const command = (...args: string[]) => runCommand(relay, 'connections', ...args);

/** The person removes the app at Zoom. */
async function remove(user: typeof ada | typeof bob): Promise<void> {
  const payload = { user_id: user.id, account_id: user.accountId, client_id: stage.app.clientId, signature: 'x' };
  const atMs = new Date(Date.now() + 5000).toISOString();
  await relay.post(JSON.stringify({ event: 'app_deauthorized', payload: { ...payload, deauthorization_time: atMs } }));
}

test('an empty list says how to fill it, a filter without a match does not', async () => {
  expect((await command()).out).toBe(
    'nobody has connected yet: "connections link --app KEY --user NAME" makes a link to send to somebody\n',
  );
  expect((await command('list', '--state', 'revoked')).out).toBe('no connections match\n');
});

test('a link connects whom it is sent to, and the list shows them with a sign and a word for the state', async () => {
  stage.reachAt(relay.endpoint);
  const args = ['--app', 'default', '--user', 'ada', '--return-to', 'https://app.example.com/x', '--expires', '1h'];
  const [url = '', note] = (await command('link', ...args)).out.split('\n');
  expect(note).toMatch(/^good until \d{4}-\S+Z, for whoever has it: send it to that person only/);
  expect(await followLink(stage, relay, url, ada.id)).toBe(302);
  const [headings, row, ...rest] = (await command('list')).out.split('\n');
  expect(headings?.split(/ {2,}/)).toEqual(['connection', 'app', 'user', 'state', 'at Zoom', 'connected']);
  expect(row).toMatch(/^[0-9a-f]{24} {2}default {2}ada {3}● healthy {2}ada@example\.com {2}\d{4}-\S+Z$/);
  expect(rest).toEqual(['']);
  const { connections } = JSON.parse((await command('list', '--json')).out);
  expect(connections).toEqual([expect.objectContaining({ user: 'ada', state: 'healthy' })]);
});

test('for each that needs the person the list says why, and by which command to connect again', async () => {
  const id = await connectPerson(stage, relay, 'bob\u202e', bob.id);
  await remove(bob);
  await expect.poll(async () => (await command('list', '--state', 'revoked')).out).toContain(id);
  const { out } = await command('list');
  expect(out).toMatch(/ ▲ revoked /);
  expect(out).toMatch(
    /▲ bob\\u202e: the app was removed at Zoom on \S+\n {2}reconnect: zoom-relay connections link --connection /,
  );
  const again = await command('link', '--connection', id, '--json');
  expect(JSON.parse(again.out).url).toContain('/connect/zoom/default?token=');
  expect((await command('disconnect', id, '--force')).out).toMatch(/^connection \w+ is /);
});

test('a page ends with how to go on', async () => {
  const id = await connectPerson(stage, relay, 'bob', bob.id);
  const { out } = await command('list', '--limit', '1');
  const [, cursor = ''] = /^more: --before (\w+)$/m.exec(out) ?? [];
  expect((await command('list', '--limit', '1', '--before', cursor)).out).not.toContain('more:');
  expect((await command('disconnect', id)).out).toBe(
    `connection ${id} is revoked at Zoom, deleted at Recall and here\n`,
  );
});

test('bot URLs are printed as Create Bot calls them; a sync says what happens', async () => {
  const { connections } = JSON.parse((await command('list', '--json')).out);
  const { id } = connections[0];
  const { out } = await command('bot-urls', id);
  expect(out).toMatch(/^zak_url {9}https:\/\/relay\.example\/zoom-token\/\w+\/zak\?auth_token=\S+$/m);
  expect(out).toMatch(/^join_token_url {2}https:\S+$/m);
  expect(JSON.parse((await command('bot-urls', id, '--json')).out)).toHaveProperty('obfTokenUrl');
  expect((await command('sync', id)).out).toBe(`Recall reads the meetings of ${id} anew\n`);
  stage.recall.api.misbehave(answering(403));
  await expect(command('sync', id)).rejects.toMatchObject({ code: 'request_refused', message: /^Recall: .*403/ });
});

test('what is not disconnected everywhere is kept, and the refusal says what to do; by force it tells what is left', async () => {
  const { connections } = JSON.parse((await command('list', '--json')).out);
  const { id } = connections[0];
  stage.recall.api.misbehaveAlways(answering(403));
  await expect(command('disconnect', id)).rejects.toMatchObject({
    code: 'request_refused',
    message: /the credential was not deleted at Recall .* To delete it here all the same, force it/,
  });
  const { out } = await command('disconnect', id, '--force', '--reason', 'gone');
  stage.recall.api.misbehaveAlways();
  expect(out).toMatch(/^connection \w+ is deleted here\n▲ left behind: the credential was not deleted at Recall/);
});

test.each<[string, string[], RegExp]>([
  ['a link for nobody', ['link'], /say for whom: --app KEY --user NAME, or --connection ID/],
  ['a link for an app alone', ['link', '--app', 'default'], /say for whom/],
  ['a link for both', ['link', '--app', 'default', '--user', 'a', '--connection', 'x'], /say for whom: .*, not both$/],
  ['an app that is not there', ['link', '--app', 'acme', '--user', 'a'], /to these they can: default/],
  ['a list of an app that is not there', ['list', '--app', 'nope'], /app nope; to these they can: default/],
  ['a list of a state that is none', ['list', '--state', 'nope'], /^state: must be one of healthy, unconfirmed, /],
  ['a link for a year', ['link', '--app', 'default', '--user', 'a', '--expires', '365d'], /from 1m to 30d/],
  ['a connection that is not there', ['sync', '0'.repeat(24)], /no such connection/],
])('%s is refused with what to do', async (_what, args, message) => {
  await expect(command(...args)).rejects.toThrow(message);
});

test('where nobody can connect, the refusal says what to configure', async () => {
  const own = await createRedisDatabase();
  const without = await startTestRelay(own.url);
  await expect(runCommand(without, 'connections', 'list')).rejects.toThrow(/set ZOOM_APP_CLIENT_ID/);
  await without.stop();
  await own.remove();
});
