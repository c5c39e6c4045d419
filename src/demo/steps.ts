import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Secret } from '../secret.ts';
import { encryptToken } from '../zoom/challenge.ts';
import { demoSecret } from './demo-app.ts';
import { answering, type RecallRequest, type RecallStandIn } from './recall-stand-in.ts';
import {
  type CapturedRequest,
  publishedSecret,
  readCapturedChallenge,
  readCapturedMeetingStarted,
  readSample,
  type SampleName,
} from './samples.ts';
import type { ZoomOAuthStandIn } from './zoom-oauth/zoom-oauth-stand-in.ts';
import { postAsZoom, type ZoomAnswer, zoomHeaders } from './zoom-stand-in.ts';

/** What the steps act on. */
export interface DemoStage {
  /** The relay's event notification endpoint. */
  readonly endpoint: URL;
  readonly recall: RecallStandIn;
  /** Zoom's OAuth. */
  readonly zoom: ZoomOAuthStandIn;
  /** The operator API. */
  readonly operator: { readonly url: URL; readonly token: string };
  /** Everything sent so far; the demo's own count of what the relay received. */
  readonly sent: { total: number; acceptedSha256: Set<string> };
}

/** One line of the demo. `problem` says what differed from what was expected; `undefined` when nothing did. */
export interface StepResult {
  readonly title: string;
  readonly about: string;
  readonly answer: string;
  readonly finding: string;
  readonly problem: string | undefined;
}

export type Step = (stage: DemoStage) => Promise<StepResult>;

/** How long a delivery may take before the demo calls it missing, milliseconds. */
export const deliveryPatienceMs = 15_000;
const directoryPollMs = 50;

const capturedChallenge: Step = async (stage) => {
  const captured = readCapturedChallenge();
  const answer = await post(stage, captured.body, publishedSecret, captured);
  const { plainToken } = JSON.parse(Buffer.from(captured.body).toString('utf8')).payload;
  const expected = JSON.stringify({ plainToken, encryptedToken: encryptToken(publishedSecret, plainToken) });
  return {
    title: 'challenge',
    about: "endpoint.url_validation, Zoom's own signature",
    answer: statusAndTime(answer),
    finding: 'encryptedToken as Zoom expects',
    problem:
      answer.status === 200 && answer.text === expected ? undefined : `expected 200 ${expected}, got ${answer.text}`,
  };
};

/** The meeting of the sample just sent, asked of the operator API until its handler has run. */
const directoryKnows: Step = async ({ operator }) => {
  const { id } = JSON.parse(Buffer.from(readSample('meeting.created', 0)).toString('utf8')).payload.object;
  const headers = { authorization: `Bearer ${operator.token}` };
  const ask = () => fetch(new URL(`/api/meetings/${id}`, operator.url), { headers });
  const deadlineMs = Date.now() + deliveryPatienceMs;
  let answer = await ask();
  while (!answer.ok && Date.now() < deadlineMs) {
    await answer.body?.cancel();
    await delay(directoryPollMs);
    answer = await ask();
  }
  const text = await answer.text();
  return {
    title: '  in the directory',
    about: 'kept by a built-in handler',
    answer: `${answer.status}`,
    finding: `knows meeting ${id}, its host and its start`,
    problem: answer.ok && text.includes('"startTime"') && text.includes('"hostId"') ? undefined : text,
  };
};

const unsignedChallenge: Step = async (stage) => {
  const body = Buffer.from('{"payload":{"plainToken":"v0:1700000000:{}"},"event":"endpoint.url_validation"}');
  const answer = await post(stage, body, demoSecret, { timestamp: nowSec(), signature: `v0=${'0'.repeat(64)}` });
  const refused = answer.status === 401 && !answer.text.includes('encryptedToken');
  return {
    title: 'forged challenge',
    about: 'plainToken "v0:…"',
    answer: statusAndTime(answer),
    finding: 'no token: nobody gets a signature made',
    problem: refused ? undefined : `expected 401 and no token, got ${answer.status} ${answer.text}`,
  };
};

const forgedSignature: Step = async (stage) => {
  const body = readSample('meeting.created', Date.now());
  const answer = await post(stage, body, demoSecret, { timestamp: nowSec(), signature: `v0=${'ab'.repeat(32)}` });
  const refused = answer.status === 401 && answer.text.includes('signature_mismatch');
  return {
    title: 'forged signature',
    about: 'meeting.created',
    answer: statusAndTime(answer),
    finding: 'signature_mismatch',
    problem: refused ? undefined : `expected 401 signature_mismatch, got ${answer.status} ${answer.text}`,
  };
};

const capturedMeetingStarted: Step = async (stage) => {
  const captured = readCapturedMeetingStarted();
  return forwarded(stage, 'meeting.started 🚒', captured.body, publishedSecret, captured);
};

const theSameAgain: Step = async (stage) => {
  const captured = readCapturedMeetingStarted();
  const answer = await post(stage, captured.body, publishedSecret, captured);
  const arrived = stage.recall.requests.filter(({ sha256 }) => sha256 === sha256Of(captured.body)).length;
  return {
    title: 'the same again',
    about: idAndSize(captured.body),
    answer: statusAndTime(answer),
    finding: 'folded: still one delivery',
    problem: answer.status === 204 && arrived === 1 ? undefined : `got ${answer.status}, ${arrived} deliveries`,
  };
};

const recallFailsTwice: Step = async (stage) => {
  stage.recall.misbehave(answering(503), answering(503));
  const body = readSample('user.updated', Date.now());
  const line = await forwarded(stage, 'Recall fails twice', body, demoSecret);
  const statuses = stage.recall.requests.filter(({ sha256 }) => sha256 === sha256Of(body)).map(({ status }) => status);
  const asTold = statuses.join(', ') === '503, 503, 200';
  return {
    ...line,
    finding: `${statuses.join(', ')}: ${line.finding}`,
    problem: line.problem ?? (asTold ? undefined : `expected 503, 503, 200, saw ${statuses.join(', ')}`),
  };
};

function sample(name: SampleName): Step {
  return (stage) => forwarded(stage, name, readSample(name, Date.now()), demoSecret);
}

/** What happens to notifications, in two parts: what comes after the second needs `meeting.created` to have come. */
export const challengeSteps: readonly Step[] = [capturedChallenge];
export const createdSteps: readonly Step[] = [sample('meeting.created'), directoryKnows];
export const otherSteps: readonly Step[] = [
  capturedMeetingStarted,
  theSameAgain,
  forgedSignature,
  unsignedChallenge,
  recallFailsTwice,
  sample('meeting.updated'),
  sample('meeting.ended'),
  sample('meeting.deleted'),
  sample('recording.completed'),
  sample('user.created'),
  sample('app_deauthorized'),
];

/** Sends a notification and follows it to Recall. */
async function forwarded(
  stage: DemoStage,
  title: string,
  body: Uint8Array,
  secret: Secret,
  captured?: CapturedRequest,
): Promise<StepResult> {
  const startedAtMs = Date.now();
  const headers = zoomHeaders(secret, body, startedAtMs, captured);
  const answer = await postCounted(stage, headers, body);
  if (answer.status === 204) stage.sent.acceptedSha256.add(sha256Of(body));
  const common = { title, about: idAndSize(body), answer: statusAndTime(answer) };
  if (answer.status !== 204) return { ...common, finding: '', problem: `expected 204, got ${answer.text}` };
  const arrived = await arrival(stage.recall, body);
  if (arrived === undefined) return { ...common, finding: '', problem: 'not at Recall after 15 s' };
  const problem = differingHeader(headers, arrived);
  return { ...common, finding: `at Recall after ${arrived.atMs - startedAtMs} ms, byte for byte`, problem };
}

/** The request that the stand-in answered with 200, matched by the hash of its raw body. */
async function arrival(recall: RecallStandIn, body: Uint8Array): Promise<RecallRequest | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), deliveryPatienceMs);
  timer.unref(); // a demo that is interrupted need not wait for it
  const seen = recall.seen((request) => request.sha256 === sha256Of(body) && request.status === 200);
  return Promise.race([seen, late]).finally(() => clearTimeout(timer));
}

const mustArrive = ['x-zm-signature', 'x-zm-request-timestamp', 'x-zm-request-id', 'x-zm-trackingid', 'content-type'];
const mustNotArrive = ['authorization', 'clientid'];

function differingHeader(sent: Readonly<Record<string, string>>, arrived: RecallRequest): string | undefined {
  const changed = mustArrive.find((name) => arrived.headers[name] !== sent[name]);
  if (changed !== undefined) return `header ${changed} changed on its way`;
  const leaked = mustNotArrive.find((name) => name in arrived.headers);
  return leaked === undefined ? undefined : `header ${leaked} must not reach Recall`;
}

function post(
  stage: DemoStage,
  body: Uint8Array,
  secret: Secret,
  signed: { readonly timestamp: string; readonly signature: string },
): Promise<ZoomAnswer> {
  return postCounted(stage, zoomHeaders(secret, body, Date.now(), signed), body);
}

function postCounted(stage: DemoStage, headers: Record<string, string>, body: Uint8Array): Promise<ZoomAnswer> {
  stage.sent.total += 1;
  return postAsZoom(stage.endpoint, headers, body);
}

function statusAndTime({ status, durationMs }: ZoomAnswer): string {
  return `${status} in ${durationMs} ms`;
}

function idAndSize(body: Uint8Array): string {
  const id = sha256Of(body).slice(0, 32);
  return `${id.slice(0, 4)}…${id.slice(-4)}  ${body.length} bytes`;
}

function sha256Of(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}

function nowSec(): string {
  return String(Math.floor(Date.now() / 1000));
}
