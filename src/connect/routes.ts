import { type Context, Hono } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import type { CookieOptions, CookiePrefixOptions } from 'hono/utils/cookie';
import { type ErrorCode, RelayError } from '../errors.ts';
import { errorResponse, statusOfError } from '../http-error.ts';
import { isMeetingId } from '../zoom/oauth/build-api-requests.ts';
import type { Connect } from './create-connect.ts';
import { describeRefusalPage, type RefusalDetails } from './pages/describe-refusal-page.ts';
import { type Page, pageHeaders, renderPage } from './pages/render-page.ts';
import type { TokenKind } from './ports.ts';

const cookieName = 'zoom_relay_connect';
const cookieAgeSec = 3600;
/** Added to the URL that people return to. */
const returnParameter = 'zoom_connection';
/** Of what a query may hold; more is cut off. */
const maxSaidLength = 500;

const tokenPaths: Readonly<Record<string, TokenKind>> = {
  '/zoom-token/:connection': 'access_token',
  '/zoom-token/:connection/zak': 'zak',
  '/zoom-token/:connection/obf': 'obf',
  '/zoom-token/:connection/join-token': 'join_token',
};

/** The public routes of connecting: what people open, where Zoom sends them back, and what Recall asks for tokens. */
export function createConnectRoutes(connect: Connect, isStopping: () => boolean): Hono {
  const routes = new Hono();
  const cookie = describeCookie(connect.publicUrl);
  for (const path of ['/connect/*', '/oauth-callback/*', '/zoom-token/*']) {
    routes.use(path, async (c, next) => {
      // Before anything else, so that no refusal is kept by a cache or told to the next site either.
      c.header('cache-control', pageHeaders['cache-control']);
      c.header('referrer-policy', pageHeaders['referrer-policy']);
      return isStopping() ? refuse(c, 'shutting_down') : next();
    });
  }

  routes.get('/connect/zoom/:app', async (c) => {
    const given = getCookie(c, cookie.name, cookie.prefix);
    const started = await connect.start(c.req.param('app'), c.req.query('token') ?? '', given);
    if (started.kind === 'refused') return refuse(c, started.code);
    setCookie(c, cookie.name, started.browser.reveal(), cookie.options);
    return c.redirect(started.location.href, 302);
  });

  routes.get('/oauth-callback/zoom', async (c) => {
    const { state, code, error, error_description: errorDescription } = c.req.query();
    const given = getCookie(c, cookie.name, cookie.prefix);
    const finished = await connect.finish({ state, code, error, errorDescription, cookie: given });
    switch (finished.kind) {
      case 'consent':
        return c.redirect(finished.location.href, 302);
      case 'connected':
        return finished.returnTo === undefined
          ? show(c, 200, connectedPage)
          : c.redirect(returnUrl(finished.returnTo, finished.connection).href, 302);
      default: {
        const { code: why, detail, startAgain, isKept, wasConnected } = finished;
        return refuse(c, why, { said: detail?.slice(0, maxSaidLength), startAgain, isKept, wasConnected });
      }
    }
  });

  for (const [path, what] of Object.entries(tokenPaths)) {
    routes.get(path, async (c) => {
      const { auth_token: secret, meeting_id: meetingId } = c.req.query();
      if (!mayBeMeeting(meetingId, what)) return errorResponse(c, 'input_invalid', 'meeting_id must be 1 to 19 digits');
      const connection = c.req.param('connection') ?? '';
      const given = await connect.giveToken({ connection, what, secret, meetingId, headers: c.req.header() });
      if (given.kind === 'token') return c.text(given.token.reveal());
      return errorResponse(c, given.code, tokenMessages[given.code]);
    });
  }

  const paths = ['/connect/zoom/:app', '/oauth-callback/zoom', ...Object.keys(tokenPaths)];
  routes.on(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'], paths, (c) => {
    c.header('allow', 'GET');
    return refuse(c, 'method_not_allowed');
  });
  routes.onError((error, c) => {
    if (!(error instanceof RelayError)) throw error;
    return refuse(c, error.code);
  });
  return routes;
}

/** A cookie that no other host, and no page without TLS, can have set. */
function describeCookie(publicUrl: string) {
  const { pathname, protocol } = new URL(publicUrl);
  const isSecure = protocol === 'https:';
  const prefix: CookiePrefixOptions | undefined = !isSecure ? undefined : pathname === '/' ? 'host' : 'secure';
  const options: CookieOptions = {
    path: pathname,
    httpOnly: true,
    sameSite: 'Lax', // it must come along when Zoom sends the browser back
    secure: isSecure,
    maxAge: cookieAgeSec,
    ...(prefix !== undefined && { prefix }),
  };
  return { name: cookieName, prefix, options };
}

/** What Recall, a bot or a stranger is told: no more than the reason. */
const tokenMessages = {
  callback_refused: 'auth_token, or the signature of the request, is missing or wrong',
  connection_unknown: 'there is no such connection',
  connection_ended: 'there is no token: the connection has ended, or must be made again',
  scope_missing: 'there is no token: the person has not granted the scope it needs',
  meeting_refused: 'there is no token: Zoom does not give one for this meeting',
  token_unavailable: 'there is no token at the moment; ask again',
} as const;

const connectedPage: Page = {
  title: 'Your Zoom is connected',
  text: 'You can close this window. Disconnect at any time in Zoom under Apps, Manage, Added apps.',
};

function mayBeMeeting(id: string | undefined, what: TokenKind): boolean {
  if (id === undefined) return what !== 'join_token';
  return what === 'access_token' || what === 'zak' || isMeetingId(id);
}

function returnUrl(returnTo: string, connection: string): URL {
  const url = new URL(returnTo);
  url.searchParams.set(returnParameter, connection);
  return url;
}

/** A page for people, JSON for everyone else. */
function refuse(c: Context, code: ErrorCode, details?: RefusalDetails): Response | Promise<Response> {
  const page = describeRefusalPage(code, details);
  if (!c.req.header('accept')?.includes('text/html')) return errorResponse(c, code, `${page.title}. ${page.text}`);
  return show(c, statusOfError(code), page);
}

async function show(c: Context, status: ReturnType<typeof statusOfError>, page: Page): Promise<Response> {
  return c.html(await renderPage(page), status, pageHeaders);
}
