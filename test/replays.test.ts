import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answering } from '../src/demo/recall-stand-in.ts';
import { uniqueBody } from './support/bodies.ts';
import { engines, type TestStore } from './support/engines.ts';
import { eventually } from './support/eventually.ts';
import { ask, post } from './support/operator-client.ts';
import { runCommand } from './support/run-command.ts';
import { startTestRelay, type TestRelay } from './support/test-relay.ts';

describe.each(engines)('on $engine', ({ createStore }) => {
  let store: TestStore;
  let relay: TestRelay;

  const start = () => startTestRelay(store.url, { env: { RETRY_SCHEDULE: 'none' } });
  beforeAll(async () => {
    store = await createStore();
    relay = await start();
  });
  afterAll(async () => {
    await relay.stop();
    await store.remove();
  });

  const filterOf = (event: string) => ({ app: 'default', consumer: 'recall', state: 'dead', event });
  const read = async (id: string) => (await ask(relay, `/api/replays/${id}`)).json;
  const countOf = async (state: string, event: string): Promise<number> => {
    const { json } = await ask(relay, `/api/deliveries?state=${state}&event=${event}&limit=200`);
    return json.deliveries.length;
  };

  /** So many dead deliveries of an event nobody else sends here. */
  async function bury(count: number, event: string): Promise<readonly Buffer[]> {
    relay.recall.misbehaveAlways(answering(404));
    const bodies = Array.from({ length: count }, () => uniqueBody(event));
    for (const body of bodies) expect((await relay.post(body)).status).toBe(204);
    await eventually('all dead', async () => (await countOf('dead', event)) === count);
    relay.recall.misbehaveAlways();
    return bodies;
  }

  async function begin(event: string, extra = {}): Promise<string> {
    const { status, json } = await post(relay, '/api/replays', { filter: filterOf(event), rate: 200, ...extra });
    expect(status).toBe(201);
    return json.id;
  }

  test('a dry run is the plan and nothing else', async () => {
    const bodies = await bury(3, 'plan.made');
    const before = relay.recall.requests.length;
    const input = { filter: filterOf('plan.made'), dryRun: true, resign: true };
    const { json } = await post(relay, '/api/replays', input);
    expect(json.plan).toMatchObject({
      total: bodies.length,
      alreadyDelivered: 0,
      onTheirWay: 0,
      wouldBeResigned: 3,
      isTruncated: false,
    });
    expect(Date.parse(json.plan.oldestReceivedAt)).toBeLessThanOrEqual(Date.parse(json.plan.newestReceivedAt));
    expect(await countOf('dead', 'plan.made')).toBe(3);
    expect(relay.recall.requests).toHaveLength(before);
  });

  test('all that the filter matches are delivered, nothing else, and the ledger adds up', async () => {
    const bodies = await bury(6, 'all.of_it');
    await bury(1, 'not.this');
    const id = await begin('all.of_it', { reason: 'Recall is mended' });
    const done = await eventually('done', async () => {
      const replay = await read(id);
      return replay.state === 'done' && replay;
    });
    expect(done).toMatchObject({
      by: 'operator',
      reason: 'Recall is mended',
      filter: filterOf('all.of_it'),
      progress: { fed: 6, skipped: 0, delivered: 6, dead: 0, pending: 0 },
    });
    for (const body of bodies) {
      expect(relay.recall.requests.filter((request) => request.body.equals(body)).map(({ status }) => status)).toEqual([
        404, 200,
      ]);
    }
    expect(await countOf('dead', 'not.this')).toBe(1);
    await eventually('adds up', async () => (await ask(relay, '/api/ledger')).json.addsUp);
    const { json: audit } = await ask(relay, '/api/audit?limit=20');
    expect(audit.entries).toContainEqual(
      expect.objectContaining({ action: 'replay_started', who: 'operator', reason: 'Recall is mended' }),
    );
  });

  test('failures that arrive while it runs are not swept in, and those that die again are counted once', async () => {
    await bury(4, 'dies.again');
    relay.recall.misbehaveAlways(answering(404));
    const id = await begin('dies.again', { rate: 4 });
    const late = uniqueBody('dies.again');
    await relay.post(late);
    const done = await eventually('done', async () => {
      const replay = await read(id);
      return replay.state === 'done' && replay;
    });
    relay.recall.misbehaveAlways();
    expect(done.progress).toEqual({ fed: 4, skipped: 0, delivered: 0, dead: 4, pending: 0 });
    expect(relay.recall.requests.filter((request) => request.body.equals(late))).toHaveLength(1);
  });

  test('one at a time for each consumer; it can be paused, resumed and cancelled', async () => {
    await bury(30, 'in.turn');
    const id = await begin('in.turn', { rate: 2 });
    const second = await post(relay, '/api/replays', { filter: filterOf('in.turn') });
    expect([second.status, second.json.error.code]).toEqual([409, 'replay_active']);
    await eventually('some are fed', async () => (await read(id)).progress.fed > 0);
    expect((await post(relay, `/api/replays/${id}/pause`)).json.state).toBe('paused');
    const paused = await eventually('nothing is under way', async () => {
      const replay = await read(id);
      return replay.progress.pending === 0 && replay.waitingFor !== undefined && replay;
    });
    expect(paused.waitingFor).toBe('the replay is paused');
    expect((await read(id)).progress.fed).toBe(paused.progress.fed);
    expect((await post(relay, `/api/replays/${id}/resume`)).json.state).toBe('running');
    await eventually('goes on', async () => (await read(id)).progress.fed > paused.progress.fed);
    expect((await post(relay, `/api/replays/${id}/cancel`)).json.state).toBe('cancelled');
    expect((await post(relay, `/api/replays/${id}/resume`)).json.error.code).toBe('input_invalid');
    const next = await begin('in.turn', { rate: 1000 });
    await eventually('the next one is through', async () => (await read(next)).state === 'done');
    expect(await countOf('dead', 'in.turn')).toBe(0);
  });

  test('it goes on where it stopped when the relay is started again', async () => {
    const bodies = await bury(20, 'over.restart');
    const id = await begin('over.restart', { rate: 4 });
    await eventually('some are fed', async () => (await read(id)).progress.fed > 2);
    await relay.stop();
    relay = await start();
    const done = await eventually('done', async () => {
      const replay = await read(id);
      return replay.state === 'done' && replay;
    });
    expect(done.progress).toMatchObject({ delivered: bodies.length, dead: 0 });
    await eventually('adds up', async () => (await ask(relay, '/api/ledger')).json.addsUp);
  }, 150_000);

  test('it waits while the consumer is paused', async () => {
    await bury(2, 'waits.for_it');
    await post(relay, '/api/consumers/default/recall/pause');
    const id = await begin('waits.for_it');
    await eventually('it says why', async () => (await read(id)).waitingFor === 'the consumer is paused');
    expect((await read(id)).progress.fed).toBe(0);
    await post(relay, '/api/consumers/default/recall/resume');
    await eventually('done', async () => (await read(id)).state === 'done');
  });

  test('by filter on the command line: the plan, then the result as a table; exit code 1 when some die again', async () => {
    await bury(2, 'by.command');
    const args = ['--state', 'dead', '--event', 'by.command'];
    const planned = await runCommand(relay, 'replay', ...args, '--dry-run');
    expect(planned.out).toMatch(
      /^would replay 2: app default, consumer recall, state dead, event by.command\n {2}received from .+ to /,
    );
    relay.recall.misbehaveAlways(answering(404));
    const failed = await runCommand(relay, 'replay', ...args, '--rate', '100', '--reason', 'a try');
    expect(failed.exitCode).toBe(1);
    expect(failed.out).toMatch(/done +2 +0 +2 +0 +0 +0\n/);
    relay.recall.misbehaveAlways();
    const well = await runCommand(relay, 'replay', ...args, '--rate', '100');
    expect([well.exitCode, well.out]).toEqual([0, expect.stringMatching(/done +2 +2 +0 +0 +0 +0\n/)]);
    await expect(runCommand(relay, 'replay')).rejects.toMatchObject({ code: 'configuration_invalid' });
    await expect(runCommand(relay, 'replay', ...args)).rejects.toMatchObject({ message: /nothing matches/ });
    expect((await runCommand(relay, 'replays', 'list')).out).toContain('event by.command');
    await expect(runCommand(relay, 'replays', 'pause', 'nope')).rejects.toMatchObject({ message: /no such replay/ });
    // What was refused has not happened.
    const { entries } = (await ask(relay, '/api/audit?limit=200')).json;
    const noted = entries.filter(({ detail }: { detail?: { filter?: { event?: string } } }) => {
      return detail?.filter?.event === 'by.command';
    });
    expect(noted).toHaveLength(2);
    expect(entries.filter(({ target }: { target: string }) => target === 'replay:nope')).toEqual([]);
  });

  test('what was asked for again says nothing of how fast the consumer is', async () => {
    await bury(1, 'by.latency');
    const measured = async (): Promise<string[]> => {
      const text = await (await fetch(new URL('/metrics', relay.relay.privateUrl))).text();
      return text.split('\n').filter((line) => line.startsWith('zoom_relay_delivery_latency_seconds_count'));
    };
    const before = await measured();
    expect(before.length).toBeGreaterThan(0);
    await runCommand(relay, 'replay', '--state', 'dead', '--event', 'by.latency');
    expect(await measured()).toEqual(before);
  });

  test('by id on the command line, and found, shown and listed there before', async () => {
    await bury(1, 'by.id');
    const listed = await runCommand(relay, 'deliveries', 'list', '--event', 'by.id', '--json');
    const [{ notificationId }] = JSON.parse(listed.out).deliveries;
    expect((await runCommand(relay, 'deliveries', 'list', '--event', 'by.id')).out).toMatch(
      new RegExp(`by\\.id +– +recall +✗ dead +1 +404 +${notificationId}\n`),
    );
    const shown = await runCommand(relay, 'deliveries', 'show', notificationId, '--body');
    expect(shown.out).toContain('attempt 1  refused 404');
    expect(shown.out).toContain('"event":"by.id"');
    const again = await runCommand(relay, 'replay', notificationId);
    expect([again.exitCode, again.out]).toEqual([0, expect.stringMatching(/replayed +delivered +200\n/)]);
    const forced = await runCommand(relay, 'replay', notificationId);
    expect(forced.out).toContain('delivered already');
    await expect(runCommand(relay, 'replay', '0'.repeat(32))).rejects.toMatchObject({ message: /no delivery 0000/ });
  });
});
