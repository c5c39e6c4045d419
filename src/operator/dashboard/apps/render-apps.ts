import { html } from 'hono/html';
import type { AppView } from '../../schemas.ts';
import type { Html } from '../parts/html.ts';
import { pathOfDeliveries } from '../parts/paths.ts';
import { renderEmpty } from '../parts/render-empty.ts';
import { renderFacts } from '../parts/render-facts.ts';
import { renderMark } from '../parts/render-mark.ts';
import { renderTable } from '../parts/render-table.ts';
import { renderAge, renderTime } from '../parts/render-time.ts';

/** Zoom asks every 72 h, and switches a subscription off when it is not answered, milliseconds. */
const challengeEveryMs = 72 * 3_600_000;

/** The apps, when Zoom last asked and what it sends. */
export function renderApps(apps: readonly AppView[], nowMs: number): Html {
  return html`<h1>Apps</h1>${apps.map((app) => renderApp(app, nowMs))}`;
}

function renderApp(
  { app, endpoint, recallHost, consumers, secrets, lastChallengeAt, events }: AppView,
  nowMs: number,
): Html {
  return html`<section aria-labelledby="app-${app}"><h2 id="app-${app}">${app}</h2>
${renderFacts({
  Endpoint: html`<code>${endpoint}</code> on the public host: Zoom’s event notifications and deauthorizations`,
  'Recall host': html`<code>${recallHost}</code>`,
  Consumers: renderConsumerLinks(app, consumers),
  'Last challenge': renderChallenge(lastChallengeAt, nowMs),
  'Secret Tokens in use': describeSecrets(secrets),
})}
${events.length === 0 ? renderEmpty('Events that Zoom sends appear here, each with its last time. Subscribe to some in the Zoom app, under Event Subscriptions.') : renderEvents(app, events, nowMs)}
</section>`;
}

function renderConsumerLinks(app: string, consumers: readonly string[]): Html {
  return html`${consumers.map((consumer, index) => {
    const link = html`<a href="${pathOfDeliveries({ app, consumer })}">${consumer}</a>`;
    return index === 0 ? link : html`, ${link}`;
  })}`;
}

function renderChallenge(at: string | undefined, nowMs: number): Html {
  if (at === undefined) {
    return renderMark('warning', 'none yet: put the endpoint into the Zoom app and press Validate');
  }
  const isLate = nowMs - Date.parse(at) > challengeEveryMs;
  const when = html`${renderTime(at)}, ${renderAge(at, nowMs)} ago`;
  return isLate
    ? renderMark('warning', html`${when}: Zoom asks every 72 h; press Validate in the Zoom app`)
    : renderMark('good', when);
}

function describeSecrets(secrets: number): string {
  return secrets === 1
    ? '1: the current one'
    : `${secrets}: the current and ${secrets === 2 ? 'the previous one' : 'previous ones'}, while rotating`;
}

function renderEvents(app: string, events: AppView['events'], nowMs: number): Html {
  const columns = [{ title: 'Event' }, { title: 'Last came' }, { title: 'Ago', isNumber: true }];
  const rows = events.map(({ event, lastAt }) => ({
    cells: [
      html`<a href="${pathOfDeliveries({ app, event })}">${event}</a>`,
      renderTime(lastAt),
      renderAge(lastAt, nowMs),
    ],
  }));
  return renderTable(`Events of app ${app}`, columns, rows);
}
