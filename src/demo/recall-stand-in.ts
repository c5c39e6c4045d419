import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { SecretTokens } from '../zoom/secret-token.ts';
import { judgeWebhook } from './judge-webhook.ts';
import { type LoopbackServer, startLoopbackServer } from './loopback-server.ts';
import { createMisbehaviours, type Misbehaviours } from './misbehaviour.ts';
import { observeWebhook } from './recall-api/observe-webhook.ts';
import { createRecallApi, type RecallApiOptions, type RecallApiStandIn } from './recall-api/recall-api-stand-in.ts';

export { answering, type Misbehaviour } from './misbehaviour.ts';

/** One request as it arrived at the stand-in. */
export interface RecallRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  readonly sha256: string;
  readonly atMs: number;
  /** What the stand-in answered; 0 when it did not answer. */
  status: number;
}

/** `misbehave` and `misbehaveAlways` are about webhooks; `api` has its own. */
export interface RecallStandIn
  extends LoopbackServer,
    Pick<Misbehaviours<RecallRequest>, 'misbehave' | 'misbehaveAlways'> {
  /** Of the webhook endpoints; those of the API are in `api`. */
  readonly requests: readonly RecallRequest[];
  readonly api: RecallApiStandIn;
  /** Resolves with the first request, past or future, that the predicate holds for. */
  seen(predicate: (request: RecallRequest) => boolean): Promise<RecallRequest>;
}

const webhookPath = /^\/api\/v2\/zoom-oauth-apps\/([^/]+)\/webhook$/;

/**
 * Stands in for Recall: the Zoom webhook endpoints of its apps (POST, both signature headers, the signature over the raw
 * bytes; they answer the challenge), and the REST API for everything else under `/api/v2/`.
 *
 * @param oauthAppId the app that is there from the start
 * @param secrets of that app; all but the first are accepted besides its `webhook_secret`
 */
export async function startRecallStandIn(
  oauthAppId: string,
  secrets: SecretTokens,
  port = 0,
  options: RecallApiOptions = {},
): Promise<RecallStandIn> {
  const requests: RecallRequest[] = [];
  const { take, misbehave, misbehaveAlways } = createMisbehaviours<RecallRequest>();
  const watchers = new Set<(request: RecallRequest) => void>();
  const { nowMs = Date.now } = options;
  const [firstSecret, ...otherSecrets] = secrets;
  const firstApp = { id: oauthAppId, webhookSecret: firstSecret.reveal() };
  const { api, state, answer: answerApi } = createRecallApi(options, firstApp);

  const server = await startLoopbackServer(async (request, response, body) => {
    if (isForApi(request.url ?? '')) return answerApi(request, response, body);
    const entry = record(request, body);
    const misbehaviour = take(entry);
    requests.push(entry);
    if (misbehaviour === undefined) answer(entry, response);
    else misbehaviour(request, response, body);
    entry.status = response.headersSent ? response.statusCode : 0;
    for (const watch of watchers) watch(entry);
  }, port);

  function answer(entry: RecallRequest, response: ServerResponse): void {
    const app = state.apps.get(webhookPath.exec(entry.path)?.[1] ?? '');
    const { status, json, look, problem } = judgeWebhook(entry, app, app?.id === oauthAppId ? otherSecrets : []);
    if (app !== undefined && problem !== undefined) state.noteAboutApp(app.id, `A webhook was refused: ${problem}`);
    if (app !== undefined && look !== undefined) observeWebhook(state, app, look, nowMs());
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
  }

  return {
    ...server,
    requests,
    api,
    misbehave,
    misbehaveAlways,
    async seen(predicate) {
      const past = requests.find(predicate);
      if (past !== undefined) return past;
      const { promise, resolve: found } = Promise.withResolvers<RecallRequest>();
      const watch = (request: RecallRequest): void => void (predicate(request) && found(request));
      watchers.add(watch);
      return promise.finally(() => watchers.delete(watch));
    },
  };
}

/** What only looks like a webhook endpoint is none of the API either. */
function isForApi(path: string): boolean {
  return path.startsWith('/api/v2/') && !/^\/api\/v2\/zoom-oauth-apps\/[^/]+\/webhook/.test(path);
}

function record(request: IncomingMessage, body: Buffer): RecallRequest {
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    headers: request.headers,
    rawHeaders: request.rawHeaders,
    body,
    sha256: createHash('sha256').update(body).digest('hex'),
    atMs: Date.now(),
    status: 0,
  };
}
