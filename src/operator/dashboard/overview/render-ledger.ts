import { html } from 'hono/html';
import { sumOf } from '../../../delivery/ledger.ts';
import type { AppLedger } from '../../ledger.ts';
import { formatCount } from '../parts/count-of.ts';
import type { Html } from '../parts/html.ts';
import { pathOfDeliveries } from '../parts/paths.ts';
import { renderMark } from '../parts/render-mark.ts';
import { renderTable } from '../parts/render-table.ts';

/** What became of what an app received, and whether it adds up. */
export function renderLedger({ app, total, lastDay, consumers }: AppLedger, hasSeveralApps: boolean): Html {
  return html`<section aria-label="Ledger of app ${app}">
${hasSeveralApps ? html`<h3>${app}</h3>` : ''}
${renderIntake(app, [
  ['last 24 h', lastDay],
  ['in all', total],
])}
${renderTable(
  `Deliveries of app ${app}`,
  [
    { title: 'Consumer', isWords: true },
    ...['Accepted', 'Delivered', 'Pending', 'Dead'].map((title) => ({ title, isNumber: true })),
    { title: 'Adds up', isWords: true },
  ],
  consumers.map(({ consumer, accepted, delivered, pending, dead, offBy }) => ({
    cells: [
      html`<a id="ledger.${app}.${consumer}" href="${pathOfDeliveries({ app, consumer })}">${consumer}</a>`,
      ...[accepted, delivered, pending, dead].map(formatCount),
      offBy === 0 ? renderMark('good', 'adds up') : renderMark('bad', `off by ${formatCount(offBy)}`),
    ],
  })),
)}
</section>`;
}

type Intake = AppLedger['total'];

function renderIntake(app: string, lines: readonly (readonly [string, Intake])[]): Html {
  return renderTable(
    `Requests to app ${app}`,
    [
      { title: 'From Zoom', isWords: true },
      ...['Received', 'Accepted', 'Duplicate', 'Challenge'].map((title) => ({ title, isNumber: true })),
      { title: 'Rejected', isNumber: true },
      { title: 'Answered with 503', isNumber: true },
    ],
    lines.map(([title, { received, accepted, duplicate, challenge, rejected, turnedAway }]) => ({
      cells: [
        title,
        ...[received, accepted, duplicate, challenge].map(formatCount),
        renderRejected(rejected),
        formatCount(turnedAway),
      ],
    })),
  );
}

function renderRejected(rejected: Readonly<Record<string, number>>): Html | string {
  const reasons = Object.entries(rejected).map(
    ([reason, count]) => `${reason.replaceAll('_', ' ')} ${formatCount(count)}`,
  );
  const sum = formatCount(sumOf(rejected));
  return reasons.length === 0 ? sum : html`${sum} <span class="muted">(${reasons.join(', ')})</span>`;
}
