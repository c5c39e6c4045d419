import { expect, test } from 'vitest';
import type { AppKey } from '../src/delivery/names.ts';
import { RelayError } from '../src/errors.ts';
import { createConnectionService } from '../src/operator/connections/connection-service.ts';
import { findConnections } from '../src/operator/connections/find-connections.ts';
import type { ConnectionState } from '../src/operator/connections/ports.ts';
import { FakeConnections } from './support/fake-connections.ts';
import { FakeRelay } from './support/fake-relay.ts';

function filled(count: number, stateOf: (index: number) => ConnectionState = () => 'healthy'): FakeConnections {
  const connections = new FakeConnections(new FakeRelay());
  for (let index = 1; index <= count; index += 1) connections.add({ state: stateOf(index) });
  return connections;
}

test('what cannot be noted in the audit is not done', async () => {
  const source = filled(1);
  const [{ id } = { id: '' }] = source.known;
  const audit = { note: () => Promise.reject(new RelayError('store_unavailable', 'away')) };
  const service = createConnectionService({ source, apps: ['default' as AppKey], audit, nowMs: Date.now });
  const tries = [
    service.createLink({ app: 'default', user: 'ada', expiresIn: '24h' }, 'ops'),
    service.createLink({ connection: id, expiresIn: '24h' }, 'ops'),
    service.disconnect(id, { force: true }, 'ops'),
    service.botUrls(id, {}, 'ops'),
    service.syncMeetings(id, {}, 'ops'),
  ];
  for (const tried of tries) await expect(tried).rejects.toMatchObject({ code: 'store_unavailable' });
  // A link that nobody is given has not been made: making it does nothing.
  expect([source.known.length, source.synced]).toEqual([1, []]);
});

test('a search by state looks at 5000 at most, says so, and goes on from there to the end', async () => {
  const source = filled(5201, (index) => (index === 1 ? 'revoked' : 'healthy'));
  const first = await findConnections(source, { state: 'revoked' }, { limit: 10 });
  expect(first).toEqual({ found: [], isPartial: true, cursor: source.known[4999]?.id });
  const second = await findConnections(source, { state: 'revoked' }, { before: first.cursor, limit: 10 });
  expect([second.found.map(({ state }) => state), second.isPartial, second.cursor]).toEqual([
    ['revoked'],
    false,
    undefined,
  ]);
});

test('a page that is just full has a cursor only if something follows', async () => {
  const source = filled(4);
  const pageOf = async (before?: string) => findConnections(source, {}, { before, limit: 2 });
  const first = await pageOf();
  expect([first.found.length, first.cursor]).toEqual([2, source.known[1]?.id]);
  const second = await pageOf(first.cursor);
  expect([second.found.length, second.cursor]).toEqual([2, undefined]);
});
