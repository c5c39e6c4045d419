import { type Context, Hono } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { type ErrorCode, RelayError } from '../errors.ts';
import { errorResponse, statusOfError } from '../http-error.ts';
import type { Connect } from './create-connect.ts';
import { describeRefusalPage } from './pages/describe-refusal-page.ts';
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
  for (const path of ['/connect/*', '/oauth-callback/*', '/zoom-token/*']) {
    routes.use(path, async (c, next) => {
      if (!isStopping()) return next();
      return errorResponse(c, 'shutting_down', 'this process is stopping; try again in a moment');
    });
  }
  const { pathname, protocol } = new URL(connect.publicUrl);

  routes.get('/connect/zoom/:app', async (c) => {
    const started = await connect.start(c.req.param('app'), c.req.query('token') ?? '', getCookie(c, cookieName));
    if (started.kind === 'refused') return refuse(c, started.code);
    setCookie(c, cookieName, started.browser.reveal(), {
      path: pathname,
      httpOnly: true,
      sameSite: 'Lax', // it must come along when Zoom sends the browser back
      secure: protocol === 'https:',
      maxAge: cookieAgeSec,
    });
    return redirect(c, started.location);
  });

  routes.get('/oauth-callback/zoom', async (c) => {
    const { state, code, error, error_description: errorDescription } = c.req.query();
    const cookie = getCookie(c, cookieName);
    const finished = await connect.finish({ state, code, error, errorDescription, cookie });
    switch (finished.kind) {
      case 'consent':
        return redirect(c, finished.location);
      case 'connected':
        return finished.returnTo === undefined
          ? show(c, 200, connectedPage)
          : redirect(c, returnUrl(finished.returnTo, finished.connection));
      default:
        return refuse(c, finished.code, finished.detail, finished.startAgain, finished.isKept);
    }
  });

  for (const [path, what] of Object.entries(tokenPaths)) {
    routes.get(path, async (c) => {
      c.header('cache-control', 'no-store');
      const { auth_token: secret, meeting_id: meetingId } = c.req.query();
      if (!isMeetingId(meetingId, what)) return errorResponse(c, 'input_invalid', 'meeting_id must be 1 to 20 digits');
      const connection = c.req.param('connection') ?? '';
      const given = await connect.giveToken({ connection, what, secret, meetingId, headers: c.req.header() });
      if (given.kind === 'token') return c.text(given.token.reveal());
      return errorResponse(c, given.code, tokenMessages[given.code]);
    });
  }

  const paths = ['/connect/zoom/:app', '/oauth-callback/zoom', ...Object.keys(tokenPaths)];
  routes.on(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'], paths, (c) => {
    c.header('allow', 'GET');
    return errorResponse(c, 'method_not_allowed', 'use GET');
  });
  routes.onError((error, c) => {
    if (!(error instanceof RelayError) || error.code !== 'store_unavailable') throw error;
    const isForPeople = !c.req.path.startsWith('/zoom-token/');
    return isForPeople ? refuse(c, error.code) : errorResponse(c, error.code, tokenMessages.token_unavailable);
  });
  return routes;
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

function isMeetingId(id: string | undefined, what: TokenKind): boolean {
  if (id === undefined) return what !== 'join_token';
  return what === 'access_token' || what === 'zak' || /^\d{1,20}$/.test(id);
}

function returnUrl(returnTo: string, connection: string): URL {
  const url = new URL(returnTo);
  url.searchParams.set(returnParameter, connection);
  return url;
}

function redirect(c: Context, to: URL): Response {
  for (const name of ['cache-control', 'referrer-policy']) c.header(name, pageHeaders[name]);
  return c.redirect(to.href, 302);
}

/** A page for people, JSON for everyone else. */
function refuse(
  c: Context,
  code: ErrorCode,
  detail?: string,
  startAgain?: URL,
  isKept?: boolean,
): Response | Promise<Response> {
  const page = describeRefusalPage(code, detail?.slice(0, maxSaidLength), startAgain, isKept);
  if (!c.req.header('accept')?.includes('text/html')) return errorResponse(c, code, `${page.title}. ${page.text}`);
  return show(c, statusOfError(code), page);
}

async function show(c: Context, status: ReturnType<typeof statusOfError>, page: Page): Promise<Response> {
  return c.html(await renderPage(page), status, pageHeaders);
}
