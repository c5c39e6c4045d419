import type { Context } from 'hono';
import { type CreationParts, createCredential, newCredentialSchema } from './create-credential.ts';
import { type Endpoint, notFound } from './endpoint.ts';
import { anything, type Filter, listPage, uuid } from './list-page.ts';
import { readInput } from './read-input.ts';
import { type CredentialRecord, formatTime, renderCredential } from './records.ts';

const path = '/api/v2/zoom-oauth-credentials/';
const filters: Readonly<Record<string, Filter<CredentialRecord>>> = {
  oauth_app: { pattern: uuid, matches: ({ oauthApp }, value) => oauthApp === value },
  user_id: { pattern: anything, matches: ({ userId }, value) => userId === value },
  account_id: { pattern: anything, matches: ({ accountId }, value) => accountId === value },
  status: { pattern: /^(?:un)?healthy$/, matches: ({ status }, value) => status === value },
  meeting_sync_status: {
    pattern: /^(?:not_started|in_progress|completed|failed)$/,
    matches: ({ meetingSyncStatus }, value) => meetingSyncStatus === value,
  },
};

/** `zoom-oauth-credentials`. There is no PATCH and no PUT. */
export function createCredentialEndpoints(parts: CreationParts): readonly Endpoint[] {
  const { state, settings, tokens, sync } = parts;
  const withCredential =
    (answer: (c: Context, credential: CredentialRecord) => Response | Promise<Response>) => (c: Context) => {
      const credential = state.credentials.get(c.req.param('id') ?? '');
      return credential === undefined ? notFound(c) : answer(c, credential);
    };
  return [
    {
      method: 'GET',
      path,
      limit: 'lists',
      answer: (c) => {
        const items = state.credentials.values();
        return listPage(c, settings, { items, filters, timeField: 'created_at', render: renderCredential });
      },
    },
    {
      method: 'POST',
      path,
      limit: 'others',
      async answer(c) {
        const input = await readInput(c, newCredentialSchema);
        if (input.kind === 'refused') return input.response;
        const outcome = await createCredential(parts, input.value);
        if (outcome.kind === 'refused') return c.json(outcome.body, 400);
        return c.json(renderCredential(outcome.credential), outcome.kind === 'created' ? 201 : settings.upsertStatus);
      },
    },
    {
      method: 'GET',
      path: `${path}:id/`,
      limit: 'others',
      answer: withCredential((c, credential) => c.json(renderCredential(credential))),
    },
    {
      method: 'DELETE',
      path: `${path}:id/`,
      limit: 'others',
      answer: withCredential((c, { id }) => {
        state.deleteCredential(id);
        return c.body(null, 204);
      }),
    },
    {
      method: 'GET',
      path: `${path}:id/access-token/`,
      limit: 'others',
      answer: withCredential(async (c, credential) => {
        if (credential.access.kind === 'callback') return refuse(c, 'The access token is managed by the customer.');
        const outcome = await tokens.tokenOf(credential);
        if (outcome.kind === 'failed') return refuse(c, outcome.problem);
        const { token, expiresAtMs } = outcome;
        return c.json({ token, expires_at: expiresAtMs === undefined ? null : formatTime(expiresAtMs) });
      }),
    },
    {
      method: 'POST',
      path: `${path}:id/validate/`,
      limit: 'others',
      answer: withCredential(async (c, credential) => {
        const outcome = await tokens.tokenOf(credential);
        const owner = outcome.kind === 'token' ? await parts.zoom.readOwner(outcome.token) : undefined;
        credential.status = owner?.kind === 'ok' ? 'healthy' : 'unhealthy';
        if (outcome.kind === 'failed') return refuse(c, outcome.problem);
        return owner?.kind === 'refused' ? refuse(c, owner.reason) : c.body(null, 200);
      }),
    },
    {
      method: 'POST',
      path: `${path}:id/sync-meetings/`,
      limit: 'others',
      answer: withCredential((c, credential) => {
        sync.start(credential);
        return c.body(null, 200);
      }),
    },
  ];
}

function refuse(c: Context, detail: string): Response {
  return c.json({ detail }, 400);
}
