import { html } from 'hono/html';
import type { AuditPage } from '../../audit-log.ts';
import type { AuditEntry } from '../../schemas.ts';
import type { Html } from '../parts/html.ts';
import { withQuery } from '../parts/paths.ts';
import { renderEmpty } from '../parts/render-empty.ts';
import { renderTable } from '../parts/render-table.ts';
import { renderTime } from '../parts/render-time.ts';
import { pathOfTarget } from './path-of-target.ts';

/** Who did what, when and why. @param target when only what is about it is shown */
export function renderAudit({ entries, cursor }: AuditPage, target: string | undefined, isFirst: boolean): Html {
  return html`<h1>Audit</h1>
${target === undefined ? '' : html`<p class="filtered">About <code>${target}</code>. <a href="/audit">Show all</a></p>`}
${entries.length === 0 ? renderEmpty('Who logs in, pauses, replays or looks at a body is noted here, with the time and the reason. Nothing of that has happened yet.') : renderTable('Audit', columns, entries.map(rowOf))}
<nav class="pages" aria-label="Pages">${isFirst ? '' : html`<a href="${withQuery('/audit', { target })}">First page</a> `}${cursor === undefined ? '' : html`<a rel="next" href="${withQuery('/audit', { target, before: cursor })}">Next page</a>`}</nav>`;
}

const columns = [
  { title: 'When', isWords: true },
  { title: 'Who' },
  { title: 'What', isWords: true },
  { title: 'On' },
  { title: 'Reason' },
  { title: 'Details' },
];

function rowOf({ at, who, action, target, reason, detail }: AuditEntry) {
  return {
    cells: [
      renderTime(at),
      who,
      action.replaceAll('_', ' '),
      renderTarget(target),
      reason ?? '–',
      detail === undefined ? '–' : html`<code>${JSON.stringify(detail)}</code>`,
    ],
  };
}

function renderTarget(target: string): Html {
  const path = pathOfTarget(target);
  return path === undefined ? html`<code>${target}</code>` : html`<a href="${path}"><code>${target}</code></a>`;
}
