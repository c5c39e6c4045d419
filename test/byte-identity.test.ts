import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { zoomHeaders } from '../src/demo/zoom-stand-in.ts';
import { trickyBodies } from './support/bodies.ts';
import { engines, type TestStore } from './support/engines.ts';
import { startTestRelay, type TestRelay, testSecret } from './support/test-relay.ts';

const maxBodyBytes = 1_048_576;
const bodies: Readonly<Record<string, Uint8Array>> = {
  ...trickyBodies,
  'an empty body': Buffer.alloc(0),
  'exactly the limit, random bytes': randomBytes(maxBodyBytes),
  'exactly the limit, text': Buffer.from('"'.repeat(maxBodyBytes)),
};

describe.each(engines)('on $engine, what leaves is what came', ({ createStore }) => {
  let store: TestStore;
  let harness: TestRelay;

  beforeAll(async () => {
    store = await createStore();
    harness = await startTestRelay(store.url);
  });
  afterAll(async () => {
    await harness.stop();
    await store.remove();
  });

  test.each(Object.entries(bodies))('%s', async (_name, body) => {
    const headers = zoomHeaders(testSecret, body, Date.now());
    const sha256 = createHash('sha256').update(body).digest('hex');

    const answer = await harness.post(body, { headers });
    expect(answer.status).toBe(204);

    const arrived = await harness.recall.seen((request) => request.sha256 === sha256);
    expect(arrived.status).toBe(200);
    expect(Buffer.compare(arrived.body, body)).toBe(0);
    const { host, connection, 'content-length': length, ...rest } = arrived.headers;
    const { authorization: _a, clientid: _c, ...forwarded } = headers;
    expect(rest).toEqual({ ...forwarded, via: '1.1 zoom-relay' });
    expect({ host: host !== undefined, connection, length }).toEqual({
      host: true,
      connection: 'keep-alive',
      length: String(body.length),
    });
  });
});
