import { Hono } from 'hono';
import { RelayError } from '../../../errors.ts';
import type { AccessEnv } from '../../access/identity.ts';
import { consumersOf, resolveFilter } from '../../deliveries/resolve-filter.ts';
import type { ReplayInput } from '../../schemas.ts';
import { readFilter } from '../deliveries/read-filter.ts';
import type { PageSender } from '../page-sender.ts';
import { asksForPart, type PageContext } from '../parts/page-context.ts';
import { pathOfReplay } from '../parts/paths.ts';
import type { DashboardParts } from '../ports.ts';
import { readForm, readQuery } from '../read-form.ts';
import { requireOperator } from '../require-operator.ts';
import { choiceOf, type ReadReplayForm, readReplayForm } from './read-replay-form.ts';
import { renderChoice, renderNewReplay, renderPlan } from './render-new-replay.ts';
import { renderReplay, renderReplayProgress } from './render-replay.ts';
import { renderReplays } from './render-replays.ts';

const pageSize = 50;
const idPattern = /^[a-z0-9-]{1,60}$/;

/** Replays of many deliveries: the list, the plan, and each of them. */
export function createReplayRoutes({ service, nowMs }: DashboardParts, send: PageSender): Hono<AccessEnv> {
  const routes = new Hono<AccessEnv>();

  routes.get('/replays', async (c) => {
    const replays = await service.listReplays({ before: idOrNothing(readQuery(c).before), limit: pageSize });
    const next = replays.length < pageSize ? undefined : replays.at(-1)?.id;
    return send.page(c, { title: 'Replays', section: 'replays', content: renderReplays(replays, next) });
  });

  routes.get('/replays/new', requireOperator, (c) => showPlan(c, readReplayForm(withOnlyConsumer(readQuery(c)))));

  routes.post('/replays', requireOperator, async (c) => {
    const { planned, ...fields } = await readForm(c);
    const form = readReplayForm(fields);
    if (form.input === undefined) return showPlan(c, form, 'Correct what is marked.');
    if (form.reason === '') return showPlan(c, form, 'Give a reason: it is kept in the audit.');
    if (planned !== choiceOf(form))
      return showPlan(c, form, 'The plan changed with your choice: look at it and confirm.');
    const { id } = await service.startReplay(form.input, c.get('identity').name);
    return c.redirect(pathOfReplay(id), 303);
  });

  routes.get('/replays/:id', async (c) => {
    const replay = await service.readReplay(idOf(c));
    return send.page(c, { title: 'Replay', section: 'replays', content: renderReplay(c, replay, nowMs()) });
  });

  routes.get('/replays/:id/progress', async (c) => {
    return send.part(renderReplayProgress(c, await service.readReplay(idOf(c)), nowMs()));
  });

  for (const action of ['pause', 'resume', 'cancel'] as const) {
    routes.post(`/replays/:id/${action}`, requireOperator, async (c) => {
      const replay = await service.steerReplay(idOf(c), action, c.get('identity').name);
      if (asksForPart(c)) return send.part(renderReplayProgress(c, replay, nowMs()));
      return c.redirect(pathOfReplay(replay.id), 303);
    });
  }

  /** The filter's times become points in time here, so that what is planned is what is replayed. */
  async function showPlan(c: PageContext, form: ReadReplayForm, note?: string): Promise<Response> {
    const { app, consumer } = form.read.filter;
    const page = { title: 'Replay', section: 'replays' } as const;
    const [problem] = Object.entries(form.read.problems);
    if (problem !== undefined) throw new RelayError('input_invalid', `the filter’s ${problem[0]} ${problem[1]}`);
    if (app === undefined || consumer === undefined) {
      const names = consumersOf(form.read.filter, service.consumerNames);
      return send.page(c, { ...page, content: renderChoice(form, names) });
    }
    service.nameOf(app, consumer);
    const rate = form.problems.rate === undefined ? Number(form.rate) : 20;
    const filter = { ...resolveFilter(form.read.filter, nowMs()), app, consumer };
    const input: ReplayInput = { filter, rate, resign: form.resign, force: form.force, dryRun: true };
    const plan = await service.planReplay(input);
    if (asksForPart(c)) return send.part(renderPlan(plan, input));
    const isWrong = note !== undefined;
    return send.page(c, { ...page, content: renderNewReplay(c, form, plan, input, note) }, isWrong ? 400 : 200);
  }

  /** Where a relay has one app, or the app one consumer, there is nothing to choose. */
  function withOnlyConsumer(query: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    const names = consumersOf(readFilter(query).filter, service.consumerNames);
    const [only] = names;
    return only !== undefined && names.length === 1 ? { ...query, app: only.app, consumer: only.consumer } : query;
  }

  return routes;
}

function idOf(c: PageContext): string {
  const id = idOrNothing(c.req.param('id'));
  if (id === undefined) throw new RelayError('replay_unknown', 'no replay has an id like this');
  return id;
}

function idOrNothing(text: string | undefined): string | undefined {
  return text !== undefined && idPattern.test(text) ? text : undefined;
}
