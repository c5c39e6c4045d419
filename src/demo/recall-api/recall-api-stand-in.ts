import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { RelayError } from '../../errors.ts';
import { type AnswerGate, createAnswerGates } from '../answer-gates.ts';
import { sendFetchResponse, toFetchRequest } from '../fetch-exchange.ts';
import { createMisbehaviours, type Misbehaviours } from '../misbehaviour.ts';
import { createAppEndpoints } from './app-endpoints.ts';
import { createCredentialEndpoints } from './credential-endpoints.ts';
import { blockedPage, findBlockedPart } from './firewall.ts';
import { createFrontDoor } from './front-door.ts';
import { createRecallState, type RecallState } from './recall-state.ts';
import { createRecordEndpoints } from './record-endpoints.ts';
import { type AppRecord, type CredentialRecord, renderApp, renderCredential, renderMeeting } from './records.ts';
import { defaultRecallApiSettings, type RecallApiSettings } from './settings.ts';
import { createMeetingSync } from './sync-meetings.ts';
import { type CallbackCall, createTokenSource } from './token-source.ts';
import { createZoomClient } from './zoom-client.ts';

/** One request of the API as it arrived at the stand-in. */
export interface RecallApiRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  /** The body; `undefined` when it is no JSON. */
  readonly json: unknown;
  readonly atMs: number;
  /** What the stand-in answered; 0 when it did not answer. */
  status: number;
}

export interface RecallApiOptions extends Partial<RecallApiSettings> {
  readonly apiKey?: string;
  /** Of the app that the stand-in starts with. */
  readonly app?: Partial<Pick<AppRecord, 'kind' | 'clientId' | 'clientSecret'>>;
  /** Of the Zoom stand-in; without one no credential can be created. */
  readonly zoomBaseUrl?: string;
  readonly nowMs?: () => number;
}

export interface RecallApiStandIn extends Pick<Misbehaviours<RecallApiRequest>, 'misbehave' | 'misbehaveAlways'> {
  readonly apiKey: string;
  readonly settings: RecallApiSettings;
  readonly requests: readonly RecallApiRequest[];
  /** All calls of callbacks, also those made by a create. */
  readonly callbackCalls: readonly CallbackCall[];
  /** As the API shows them, the oldest first. */
  apps(): readonly ReturnType<typeof renderApp>[];
  credentials(): readonly ReturnType<typeof renderCredential>[];
  meetings(): readonly ReturnType<typeof renderMeeting>[];
  /** The next request that the predicate holds for is carried out, and its answer held. */
  hold(predicate: (request: RecallApiRequest) => boolean): AnswerGate;
  /**
   * Asks a credential's callback for a token, as Recall does when a bot needs one; three failures make it unhealthy.
   *
   * @throws RelayError `request_refused` when there is no such credential, or it has no callback
   */
  callCallback(credentialId: string): Promise<CallbackCall>;
  markUnhealthy(credentialId: string, message?: string): void;
  /** As when somebody deletes it in Recall's dashboard. */
  deleteCredential(credentialId: string): boolean;
  mapMeeting(meetingId: number, credentialId: string): void;
  noteAboutApp(appId: string, message: string): void;
  noteAboutCredential(credentialId: string, message: string): void;
  /** Resolves when no sync of meetings is under way. */
  settled(): Promise<void>;
}

export interface RecallApiServer {
  readonly api: RecallApiStandIn;
  readonly state: RecallState;
  answer(incoming: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void>;
}

/** Recall's REST API for Zoom OAuth, on whatever server gives it requests. */
export function createRecallApi(
  options: RecallApiOptions,
  firstApp: Pick<AppRecord, 'id' | 'webhookSecret'>,
): RecallApiServer {
  const { apiKey = 'recall-stand-in-api-key', app, zoomBaseUrl, nowMs = Date.now, ...changes } = options;
  const settings: RecallApiSettings = { ...defaultRecallApiSettings, ...changes };
  const state = createRecallState(nowMs);
  const zoom = createZoomClient(zoomBaseUrl, nowMs);
  const tokens = createTokenSource({ state, settings, zoom, nowMs });
  const sync = createMeetingSync(state, tokens, zoom);
  const { webhookSecret } = firstApp;
  const { kind = 'user_level', clientId = 'zoom-app-client-id', clientSecret = 'zoom-app-client-secret' } = app ?? {};
  state.addApp({ kind, clientId, clientSecret, webhookSecret }, firstApp.id);
  const routes = createFrontDoor({ apiKey, settings, nowMs }, [
    ...createAppEndpoints(state, settings),
    ...createCredentialEndpoints({ state, settings, zoom, tokens, sync }),
    ...createRecordEndpoints(state, settings),
  ]);
  const requests: RecallApiRequest[] = [];
  const { take, misbehave, misbehaveAlways } = createMisbehaviours<RecallApiRequest>();
  const gates = createAnswerGates<RecallApiRequest>();

  async function judge(incoming: IncomingMessage, body: Buffer): Promise<Response> {
    const blocked = settings.waf ? findBlockedPart(incoming.method ?? '', body) : undefined;
    if (blocked === undefined) return routes.fetch(toFetchRequest(incoming, body));
    return new Response(blockedPage, { status: 403, headers: { 'content-type': 'text/html' } });
  }

  function credentialOf(id: string): CredentialRecord {
    const credential = state.credentials.get(id);
    if (credential === undefined) throw new RelayError('request_refused', `there is no credential ${id}`);
    return credential;
  }

  return {
    state,
    async answer(incoming, response, body) {
      const entry = recordRequest(incoming, body, nowMs());
      requests.push(entry);
      const misbehaviour = take(entry);
      if (misbehaviour === undefined) {
        const result = await judge(incoming, body);
        entry.status = result.status;
        if ((await gates.pass(entry)) === 'send') await sendFetchResponse(result, response);
        else response.destroy();
      } else {
        misbehaviour(incoming, response, body);
        entry.status = response.headersSent ? response.statusCode : 0;
      }
    },
    api: {
      apiKey,
      settings,
      requests,
      callbackCalls: tokens.calls,
      misbehave,
      misbehaveAlways,
      hold: gates.hold,
      apps: () => [...state.apps.values()].map(renderApp),
      credentials: () => [...state.credentials.values()].map(renderCredential),
      meetings: () => state.meetings.map(renderMeeting),
      async callCallback(credentialId) {
        const credential = credentialOf(credentialId);
        if (credential.access.kind !== 'callback')
          throw new RelayError('request_refused', `credential ${credentialId} has no callback`);
        const { length } = tokens.calls;
        await tokens.tokenOf(credential);
        const call = tokens.calls[length];
        if (call === undefined)
          throw new RelayError('request_refused', `the app of credential ${credentialId} is gone`);
        return call;
      },
      markUnhealthy(credentialId, message = 'Disabled due to repeated errors.') {
        credentialOf(credentialId).status = 'unhealthy';
        state.noteAboutCredential(credentialId, message);
      },
      deleteCredential: state.deleteCredential,
      mapMeeting: state.mapMeeting,
      noteAboutApp: state.noteAboutApp,
      noteAboutCredential: state.noteAboutCredential,
      settled: sync.settled,
    },
  };
}

function recordRequest(
  { method = '', url = '', headers }: IncomingMessage,
  body: Buffer,
  atMs: number,
): RecallApiRequest {
  const { pathname, searchParams } = new URL(url, 'http://stand-in');
  const query = Object.fromEntries(searchParams);
  return { method, path: pathname, query, headers, json: parseJson(body), atMs, status: 0 };
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
