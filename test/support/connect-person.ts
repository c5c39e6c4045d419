import type { ConnectStage } from './connect-stage.ts';
import { post } from './operator-client.ts';
import type { TestRelay } from './test-relay.ts';

/** Goes the way of a person with a link, without a browser; gives the status that they see in the end. */
export async function followLink(stage: ConnectStage, relay: TestRelay, link: string, userId: string): Promise<number> {
  const here = (url: URL): URL => new URL(`${url.pathname}${url.search}`, relay.endpoint);
  const started = await fetch(here(new URL(link)), { redirect: 'manual' });
  const consent = started.headers.get('location');
  if (consent === null) return started.status;
  const cookie = (started.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const back = stage.zoom.consent(consent, { userId });
  const { status } = await fetch(here(back), { redirect: 'manual', headers: { cookie } });
  return status;
}

/** Connects a person and gives the connection's id. */
export async function connectPerson(
  stage: ConnectStage,
  relay: TestRelay,
  user: string,
  userId: string,
): Promise<string> {
  stage.reachAt(relay.endpoint);
  const { json } = await post(relay, '/api/connections/links', { app: 'default', user });
  const status = await followLink(stage, relay, json.url, userId);
  const connected = relay.logged.findLast(({ event }) => event === 'connected');
  if (status === 200 && typeof connected?.connection === 'string') return connected.connection;
  throw new Error(`${user} could not connect: ${status} ${JSON.stringify(relay.logged.slice(-3))}`);
}
