import { randomInt, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Agent, request } from 'undici';
import { zoomHeaders } from '../../src/demo/zoom-stand-in.ts';
import { Secret } from '../../src/secret.ts';
import { writeAppsFile } from '../support/apps-file.ts';

const secret = new Secret('secret-token-of-every-app-of-the-bench');
/** More than a relay may take before something is wrong with it. */
const arrivalTimeoutMs = 120_000;

/** Stands in for Zoom and for Recall's endpoint of each app, and knows when what was sent arrived. */
export interface ManyApps {
  readonly keys: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Posts a notification nobody has sent before; resolves when it is acknowledged. */
  post(relay: URL, app: string): Promise<{ readonly arrival: Promise<number> }>;
  stop(): Promise<void>;
}

const handlersModule = `import { defineHandlers } from 'zoom-relay';
export default defineHandlers({ 'meeting.created': () => {} });
`;

/** @returns what makes a relay have so many apps, each with Recall, a handler and a directory */
export async function openManyApps(count: number): Promise<ManyApps> {
  const folder = await mkdtemp(join(tmpdir(), 'zoom-relay-bench-'));
  const handlers = join(folder, 'handlers.ts');
  await writeFile(handlers, handlersModule);
  const waiting = new Map<string, (atMs: number) => void>();
  const server = createServer(async (incoming, response) => {
    const body = await buffer(incoming);
    const id = uuidOf(body);
    waiting.get(id)?.(performance.now());
    waiting.delete(id);
    response.end('OK');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const recallBaseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const keys = Array.from({ length: count }, (_, index) => `app${index}`);
  const entries = keys.map((key, index) => {
    const zoomOauthAppId = `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
    return [key, { secret: secret.reveal(), zoomOauthAppId, recallBaseUrl }] as const;
  });
  const apps = await writeAppsFile(Object.fromEntries(entries));
  const agent = new Agent({ connections: 64 });
  return {
    keys,
    env: { ...apps.env, HANDLERS: handlers },
    async post(relay, app) {
      const body = makeBody();
      const sentAtMs = performance.now();
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      const timer = setTimeout(() => reject(new Error(`${app}: nothing arrived`)), arrivalTimeoutMs);
      waiting.set(uuidOf(body), (atMs) => {
        clearTimeout(timer);
        resolve(atMs - sentAtMs);
      });
      const headers = zoomHeaders(secret, body, Date.now());
      const url = new URL(`/webhooks/zoom/${app}`, relay);
      const answer = await request(url, { method: 'POST', headers, body, dispatcher: agent });
      await answer.body.dump();
      if (answer.statusCode !== 204) {
        waiting.get(uuidOf(body))?.(Number.NaN);
        throw new Error(`${app}: ${answer.statusCode}`);
      }
      return { arrival: promise };
    },
    async stop() {
      await agent.close();
      server.close();
      server.closeAllConnections();
      await apps.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** One that the directory keeps and the handler gets. */
function makeBody(): Buffer {
  const object = { uuid: randomUUID(), id: randomInt(10_000_000_000, 99_999_999_999), host_id: randomUUID() };
  const about = { ...object, topic: 'Weekly', type: 2, start_time: new Date().toISOString(), duration: 30 };
  const payload = { account_id: 'VjZoEArIT5y-HlWxkV-tVA', operator: 'someone@example.com', object: about };
  return Buffer.from(JSON.stringify({ event: 'meeting.created', event_ts: Date.now(), payload }));
}

function uuidOf(body: Buffer): string {
  return /"uuid":"([^"]+)"/.exec(body.toString('latin1'))?.[1] ?? '';
}
