import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { demoUser } from './demo-app.ts';
import { readSample } from './samples.ts';
import { type DemoStage, deliveryPatienceMs, type Step, type StepResult } from './steps.ts';

const pollMs = 50;
const madeLink = z.object({ url: z.string() });

interface Visit {
  readonly status: number;
  readonly location: string;
  readonly cookie: string;
}

/** As a browser does, without following redirects. */
async function visit(url: URL | string, cookie = ''): Promise<Visit> {
  const answer = await fetch(url, { redirect: 'manual', headers: { cookie, accept: 'text/html' } });
  await answer.body?.cancel();
  const [set = cookie] = (answer.headers.get('set-cookie') ?? cookie).split(';');
  return { status: answer.status, location: answer.headers.get('location') ?? '', cookie: set };
}

/** A link for a person, made by the operator API. */
export async function makeDemoLink({ operator }: Pick<DemoStage, 'operator'>, user: string): Promise<string> {
  const answer = await fetch(new URL('/api/connections/links', operator.url), {
    method: 'POST',
    headers: { authorization: `Bearer ${operator.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ app: 'default', user }),
  });
  return madeLink.parse(await answer.json()).url;
}

/** The person opens the link, decides at Zoom, and comes back. */
async function consent(stage: DemoStage, decision: 'allow' | 'decline'): Promise<readonly number[]> {
  const start = await visit(await makeDemoLink(stage, demoUser.email));
  const end = await visit(stage.zoom.consent(start.location, { decision }), start.cookie);
  return [start.status, end.status];
}

const declines: Step = async (stage) => {
  const statuses = await consent(stage, 'decline');
  const isNothingKept = stage.recall.api.credentials().length === 0;
  return {
    title: 'somebody declines',
    about: 'a link, no consent at Zoom',
    answer: statuses.join(', '),
    finding: 'told so; nothing kept, nothing at Recall',
    problem: statuses.join() === '302,403' && isNothingKept ? undefined : `got ${statuses.join(', ')}`,
  };
};

const connects: Step = async (stage) => {
  const statuses = await consent(stage, 'allow');
  const [credential] = stage.recall.api.credentials();
  const holds = statuses.join() === '302,200' && credential?.user_id === demoUser.id && credential.status === 'healthy';
  return {
    title: 'they connect',
    about: 'a link with state and PKCE, consent at Zoom',
    answer: statuses.join(', '),
    finding: `Recall has a credential of ${demoUser.email}`,
    problem: holds ? undefined : `got ${statuses.join(', ')}, ${JSON.stringify(credential ?? null)}`,
  };
};

const recallAsksForToken: Step = async ({ recall, zoom }) => {
  const [credential] = recall.api.credentials();
  const call = credential === undefined ? undefined : await recall.api.callCallback(credential.id);
  const subject = await zoom.verifyAccessToken(call?.body ?? '');
  return {
    title: '  Recall asks',
    about: '/zoom-token/…, the URL of that connection',
    answer: `${call?.status ?? 0}`,
    finding: 'their access token, good at Zoom, and nothing else',
    problem: call?.status === 200 && subject?.userId === demoUser.id ? undefined : `got ${call?.status ?? 'no call'}`,
  };
};

const recallKnowsMeeting: Step = async ({ recall }) => {
  const { id } = JSON.parse(Buffer.from(readSample('meeting.created', 0)).toString('utf8')).payload.object;
  const known = () => recall.api.meetings().some(({ meeting_id: meetingId }) => String(meetingId) === String(id));
  const deadlineMs = Date.now() + deliveryPatienceMs;
  while (!known() && Date.now() < deadlineMs) await delay(pollMs);
  const result: StepResult = {
    title: '  at Recall',
    about: 'forwarded, and its host is connected',
    answer: '',
    finding: `can get join tokens for meeting ${id}`,
    problem: known() ? undefined : 'Recall does not know whose meeting it is',
  };
  return result;
};

/** What connecting looks like, before any event. */
export const connectSteps: readonly Step[] = [declines, connects, recallAsksForToken];
/** After `meeting.created`. */
export const meetingSteps: readonly Step[] = [recallKnowsMeeting];
