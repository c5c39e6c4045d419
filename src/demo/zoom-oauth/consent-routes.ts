import { type Context, Hono } from 'hono';
import { authorizationFields, readAuthorization } from './authorization.ts';
import { consentPageHeaders, renderConsentPage, renderRefusalPage } from './consent-page.ts';
import type { Grants } from './grants.ts';
import type { ZoomAppRegistration, ZoomUserRegistration } from './registrations.ts';

export interface ConsentParts {
  readonly apps: ReadonlyMap<string, ZoomAppRegistration>;
  readonly users: readonly ZoomUserRegistration[];
  readonly grants: Grants;
}

export type ConsentOutcome =
  | { readonly kind: 'redirect'; readonly url: URL }
  | { readonly kind: 'refused'; readonly message: string };

/** `GET /oauth/authorize`, and where its form goes. */
export function createConsentRoutes(parts: ConsentParts): Hono {
  const routes = new Hono();

  routes.get('/oauth/authorize', (c) => {
    const params = new URL(c.req.url).searchParams;
    const reading = readAuthorization(params, parts.apps);
    if (reading.kind === 'refused') return page(c, renderRefusalPage(reading.message), 400);
    const fields = authorizationFields.flatMap((name) => params.getAll(name).map((value) => [name, value] as const));
    return page(c, renderConsentPage(reading.authorization, parts.users, fields), 200);
  });

  routes.post('/oauth/authorize/decision', async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const outcome = decide(parts, form, form.get('user_id'), form.get('decision'));
    if (outcome.kind === 'refused') return page(c, renderRefusalPage(outcome.message), 400);
    return c.redirect(outcome.url.href, 302);
  });

  return routes;
}

/** Where the user goes after the consent page. */
export function decide(
  { apps, users, grants }: ConsentParts,
  params: URLSearchParams,
  userId: string | null,
  decision: string | null,
): ConsentOutcome {
  const reading = readAuthorization(params, apps);
  if (reading.kind === 'refused') return reading;
  const user = users.find(({ id }) => id === userId);
  if (user === undefined) return { kind: 'refused', message: 'Nobody is signed in' };
  const { redirectUri, state } = reading.authorization;
  const url = new URL(redirectUri);
  if (decision === 'allow') url.searchParams.set('code', grants.issueCode(reading.authorization, user));
  else if (decision === 'decline') url.searchParams.set('error', 'access_denied');
  else return { kind: 'refused', message: 'Neither allowed nor declined' };
  if (state !== undefined) url.searchParams.set('state', state);
  return { kind: 'redirect', url };
}

async function page(c: Context, content: ReturnType<typeof renderRefusalPage>, status: 200 | 400): Promise<Response> {
  return c.html(await content, status, { ...consentPageHeaders });
}
