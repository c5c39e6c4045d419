import { html } from 'hono/html';
import type { ConnectionFilter, ConnectionList, ConnectionView } from '../../connections/connection-schemas.ts';
import { connectionStates } from '../../connections/ports.ts';
import type { Html } from '../parts/html.ts';
import { mayOperate, type PageContext } from '../parts/page-context.ts';
import { pathOfConnection, pathOfConnections } from '../parts/paths.ts';
import { renderEmpty } from '../parts/render-empty.ts';
import { renderTable } from '../parts/render-table.ts';
import { renderTime } from '../parts/render-time.ts';
import { emptyLinkForm } from './read-link-form.ts';
import { describeRemedy, nameState, renderConnectionState } from './render-connection-state.ts';
import { renderLinkForm } from './render-link-form.ts';

export interface ConnectionsView {
  readonly filter: ConnectionFilter;
  readonly list: ConnectionList;
  readonly isFirst: boolean;
  /** Those that people can connect to. */
  readonly apps: readonly string[];
  readonly notice: string | undefined;
}

/** Who has connected, how each connection is, and a form for a link to somebody else. */
export function renderConnections(c: PageContext, view: ConnectionsView): Html {
  const { list, notice, apps } = view;
  const mayAct = mayOperate(c);
  const hasSeveralApps = apps.length > 1;
  return html`<div class="row"><h1>Connections</h1>${mayAct ? html`<a class="button" href="#new-link">Connect somebody…</a>` : ''}</div>
${notice === undefined ? '' : html`<p class="notice" role="status">${notice}</p>`}
${renderFilter(view)}
${
  list.connections.length === 0
    ? renderNone(view, mayAct)
    : renderTable(
        'Connections',
        columnsOf(hasSeveralApps),
        list.connections.map((one) => ({ cells: cellsOf(one, hasSeveralApps) })),
      )
}
${renderEnd(view)}
${mayAct ? html`<h2>Connect somebody</h2><p>Make a link and send it to them: it leads to Zoom, where they consent, and back.</p>${renderLinkForm(c, emptyLinkForm, apps)}` : ''}`;
}

function renderFilter({ filter, apps }: ConnectionsView): Html {
  const select = (
    name: keyof ConnectionFilter,
    label: string,
    values: readonly string[],
    nameOf = (value: string): string => value,
  ): Html => {
    const options = values.map((value) => {
      return html`<option value="${value}"${value === filter[name] ? html` selected` : ''}>${nameOf(value)}</option>`;
    });
    return html`<div class="field"><label for="filter-${name}">${label}</label><select id="filter-${name}" name="${name}"><option value="">any</option>${options}</select></div>`;
  };
  const states = connectionStates.map((state) => [state, nameState(state)] as const);
  const wordsOf = (value: string): string => states.find(([state]) => state === value)?.[1] ?? value;
  const known = filter.app === undefined || apps.includes(filter.app) ? apps : [...apps, filter.app];
  return html`<form class="filter" method="get" action="/connections" role="search" aria-label="Filter connections">
${known.length > 1 ? select('app', 'App', known) : ''}
${select('state', 'State', connectionStates, wordsOf)}
<div class="field buttons"><button type="submit">Show</button> <a href="/connections">Clear</a></div>
</form>`;
}

function columnsOf(hasSeveralApps: boolean) {
  return [
    { title: 'Person' },
    ...(hasSeveralApps ? [{ title: 'App', isWords: true }] : []),
    { title: 'State', isWords: true },
    { title: 'At Zoom' },
    { title: 'Connected', isWords: true },
    { title: 'What to do' },
  ];
}

function cellsOf(connection: ConnectionView, hasSeveralApps: boolean): readonly (Html | string)[] {
  const { id, app, user, email, zoomUserId, zoomAccountId, connectedAt, detail } = connection;
  const remedy = describeRemedy(connection);
  return [
    html`<a href="${pathOfConnection(id)}">${user}</a>`,
    ...(hasSeveralApps ? [app] : []),
    renderConnectionState(connection),
    email ?? zoomUserId ?? zoomAccountId ?? '–',
    renderTime(connectedAt),
    remedy === ''
      ? '–'
      : html`${remedy}${detail === undefined ? '' : html` <span class="muted">Why: ${detail}.</span>`}`,
  ];
}

function renderNone({ filter, isFirst, list }: ConnectionsView, mayAct: boolean): Html {
  if (list.isPartial) return renderEmpty('None among those that were looked at.');
  if (filter.app !== undefined || filter.state !== undefined || !isFirst) {
    return renderEmpty(html`No connection matches. <a href="/connections">Show all</a>, or loosen the filter.`);
  }
  const how = mayAct ? 'Make a link below' : 'Ask somebody with the role operate for a link';
  return renderEmpty(
    `People who have connected their Zoom appear here, each with how the connection is. ${how} and send it to the first of them.`,
  );
}

function renderEnd({ filter, list, isFirst }: ConnectionsView): Html {
  const { cursor, isPartial } = list;
  return html`${isPartial ? html`<p>▲ Only a part was looked at. Look further to see whether more match.</p>` : ''}<nav class="pages" aria-label="Pages">${isFirst ? '' : html`<a href="${pathOfConnections(filter)}">First page</a> `}${cursor === undefined ? '' : html`<a rel="next" href="${pathOfConnections(filter, cursor)}">${isPartial ? 'Look further' : 'Next page'}</a>`}</nav>`;
}
