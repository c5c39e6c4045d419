import { createHash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { answerChallenge, challengeEvent } from '../zoom/challenge.ts';
import { lookAtEvent } from '../zoom/event.ts';
import type { SecretTokens } from '../zoom/secret-token.ts';
import { signatureMatches } from '../zoom/signature.ts';

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

/** Takes over the answer to one request: for failing, hanging, talking nonsense. */
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

export interface RecallStandIn {
  readonly baseUrl: string;
  readonly requests: readonly RecallRequest[];
  /** The next requests are answered by these, one each, in order. */
  misbehave(...next: Misbehaviour[]): void;
  /** Every request is answered by this one from now on, until it is called without one. */
  misbehaveAlways(misbehaviour?: Misbehaviour): void;
  /** Refuses connections, and breaks those that are open, until `comeBack`. */
  goAway(): void;
  comeBack(): void;
  /** Resolves with the first request, past or future, that the predicate holds for. */
  seen(predicate: (request: RecallRequest) => boolean): Promise<RecallRequest>;
  close(): Promise<void>;
}

/**
 * Stands in for Recall's Zoom webhook endpoint, as strict as it may be: the exact path, POST, both signature headers,
 * the signature over the raw bytes. Answers the challenge. Recall does not document its statuses; 400 for a bad
 * signature and 404 for an unknown app are what an open implementation of the same endpoint answers.
 */
export async function startRecallStandIn(oauthAppId: string, secrets: SecretTokens, port = 0): Promise<RecallStandIn> {
  const requests: RecallRequest[] = [];
  const misbehaviours: Misbehaviour[] = [];
  let always: Misbehaviour | undefined;
  const watchers = new Set<(request: RecallRequest) => void>();
  const expectedPath = `/api/v2/zoom-oauth-apps/${oauthAppId}/webhook`;

  const server = createServer(async (request, response) => {
    const body = await buffer(request).catch(() => undefined);
    if (body === undefined) return;
    const entry = record(request, body);
    const misbehaviour = misbehaviours.shift() ?? always;
    requests.push(entry);
    if (misbehaviour === undefined) answer(entry, response);
    else misbehaviour(request, response, body);
    entry.status = response.headersSent ? response.statusCode : 0;
    for (const watch of watchers) watch(entry);
  });

  function answer(entry: RecallRequest, response: ServerResponse): void {
    const { status, json } = judge(entry, expectedPath, secrets);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
  }

  const { promise: listening, resolve } = Promise.withResolvers<void>();
  server.listen(port, '127.0.0.1', resolve);
  await listening;
  const ownPort = (server.address() as AddressInfo).port;

  return {
    baseUrl: `http://127.0.0.1:${ownPort}`,
    requests,
    misbehave: (...next) => void misbehaviours.push(...next),
    misbehaveAlways(misbehaviour) {
      always = misbehaviour;
    },
    goAway() {
      server.close();
      server.closeAllConnections();
    },
    comeBack() {
      server.listen(ownPort, '127.0.0.1');
    },
    async seen(predicate) {
      const past = requests.find(predicate);
      if (past !== undefined) return past;
      const { promise, resolve: found } = Promise.withResolvers<RecallRequest>();
      const watch = (request: RecallRequest): void => void (predicate(request) && found(request));
      watchers.add(watch);
      return promise.finally(() => watchers.delete(watch));
    },
    async close() {
      const { promise, resolve: closed } = Promise.withResolvers<void>();
      server.close(() => closed());
      server.closeAllConnections();
      await promise;
    },
  };
}

/** Answers with a status and a short body. */
export function answering(status: number, headers: Record<string, string> = {}): Misbehaviour {
  return (_request, response) => {
    response.writeHead(status, headers).end(`the stand-in was told to answer ${status}`);
  };
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

function judge(request: RecallRequest, expectedPath: string, secrets: SecretTokens): { status: number; json: unknown } {
  if (request.path !== expectedPath) return { status: 404, json: { detail: 'Not found.' } };
  if (request.method !== 'POST') return { status: 405, json: { detail: 'Method not allowed.' } };
  const { 'x-zm-signature': signature, 'x-zm-request-timestamp': timestamp } = request.headers;
  if (typeof signature !== 'string' || typeof timestamp !== 'string') {
    return { status: 400, json: { detail: 'Missing signature.' } };
  }
  const secret = secrets.find((candidate) => signatureMatches(candidate, timestamp, request.body, signature));
  if (secret === undefined) return { status: 400, json: { detail: 'Invalid signature.' } };
  const look = lookAtEvent(request.body);
  const challenge = look.name === challengeEvent ? answerChallenge(look, secret) : undefined;
  return { status: 200, json: challenge ?? {} };
}
