import { Hono } from 'hono';
import { html } from 'hono/html';
import { RelayError } from '../../../errors.ts';
import type { AccessEnv } from '../../access/identity.ts';
import { actInput, connectionFilter, connectionPath } from '../../connections/connection-schemas.ts';
import type { PageSender } from '../page-sender.ts';
import type { PageContext } from '../parts/page-context.ts';
import { pathOfConnection, withQuery } from '../parts/paths.ts';
import type { DashboardParts } from '../ports.ts';
import { readForm, readQuery } from '../read-form.ts';
import { requireOperator } from '../require-operator.ts';
import { type ReadLinkForm, readLinkForm } from './read-link-form.ts';
import { renderConnection } from './render-connection.ts';
import { renderConnections } from './render-connections.ts';
import { renderDisconnect, renderGone } from './render-disconnect.ts';
import { renderLink } from './render-link.ts';
import { renderLinkForm } from './render-link-form.ts';

const pageSize = 50;
const section = 'connections';

/** Who has connected their Zoom: the list, each of them, and what can be done about one. */
export function createConnectionRoutes({ connections }: DashboardParts, send: PageSender): Hono<AccessEnv> {
  const { apps } = connections;
  const routes = new Hono<AccessEnv>();

  routes.get('/connections', async (c) => {
    const { before, done, ...query } = readQuery(c);
    const filter = connectionFilter.safeParse(query).data;
    if (filter === undefined) throw new RelayError('input_invalid', 'there is no such app or state to filter by');
    const list = await connections.list(filter, { before, limit: pageSize });
    const notice = done === 'disconnected' ? 'The connection has ended, at Zoom, at Recall and here.' : undefined;
    const content = renderConnections(c, { filter, list, isFirst: before === undefined, apps, notice });
    return send.page(c, { title: 'Connections', section, app: filter.app, content });
  });

  // A link is shown in the answer to the form, so that it stands in no URL, and no reload makes another unasked.
  routes.post('/connections/links', requireOperator, async (c) => {
    const form = readLinkForm(await readForm(c));
    if (form.input === undefined) return showForm(c, form);
    const { user = '' } = form.input;
    try {
      const made = await connections.createLink(form.input, c.get('identity').name);
      return send.page(c, { title: 'A link', section, content: renderLink({ user, ...made }, '/connections') });
    } catch (error) {
      if (!(error instanceof RelayError) || error.code !== 'return_refused') throw error;
      return showForm(c, { ...form, problems: { returnTo: error.message } });
    }
  });

  routes.get('/connections/:id', async (c) => {
    const connection = await connections.read(idOf(c));
    const notice = c.req.query('done') === 'synced' ? 'Recall reads the meetings of this person anew.' : undefined;
    return send.page(c, { title: connection.user, section, content: renderConnection(c, connection, notice) });
  });

  routes.post('/connections/:id/link', requireOperator, async (c) => {
    const { id, user } = await connections.read(idOf(c));
    const made = await connections.createLink({ connection: id, expiresIn: '24h' }, c.get('identity').name);
    return send.page(c, { title: 'A link', section, content: renderLink({ user, ...made }, pathOfConnection(id)) });
  });

  routes.post('/connections/:id/sync', requireOperator, async (c) => {
    const id = idOf(c);
    await connections.syncMeetings(id, {}, c.get('identity').name);
    return c.redirect(withQuery(pathOfConnection(id), { done: 'synced' }), 303);
  });

  routes.get('/connections/:id/disconnect', requireOperator, async (c) => {
    const content = renderDisconnect(c, await connections.read(idOf(c)), { reason: '', leftBehind: [] });
    return send.page(c, { title: 'Disconnect', section, content });
  });

  routes.post('/connections/:id/disconnect', requireOperator, async (c) => {
    const { reason: given = '', force } = await readForm(c);
    const why = actInput.safeParse({ reason: given }).data;
    if (why === undefined) throw new RelayError('input_invalid', 'the reason must have at most 500 characters');
    const connection = await connections.read(idOf(c));
    const wish = { ...why, force: force === 'true' };
    const { kind, leftBehind } = await connections.disconnect(connection.id, wish, c.get('identity').name);
    const page = { title: 'Disconnect', section } as const;
    if (kind === 'kept') {
      const content = renderDisconnect(c, connection, { reason: given, leftBehind });
      return send.page(c, { ...page, content }, 409);
    }
    if (leftBehind.length > 0) return send.page(c, { ...page, content: renderGone(connection, leftBehind) });
    return c.redirect(withQuery('/connections', { done: 'disconnected' }), 303);
  });

  function showForm(c: PageContext, form: ReadLinkForm): Promise<Response> {
    const content = html`<h1>Connect somebody</h1>${renderLinkForm(c, form, apps)}`;
    return send.page(c, { title: 'Connect somebody', section, content }, 400);
  }

  return routes;
}

function idOf(c: PageContext): string {
  const parsed = connectionPath.safeParse(c.req.param());
  if (parsed.success) return parsed.data.id;
  throw new RelayError('connection_unknown', 'no connection has an id like this');
}
