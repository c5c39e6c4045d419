import { html } from 'hono/html';
import { formatSpan } from '../../alerts/format-span.ts';
import type { ConsumerView } from '../../consumers.ts';
import type { ConsumerMinute } from '../../ports.ts';
import { formatCount } from '../parts/count-of.ts';
import { csrfField } from '../parts/csrf-field.ts';
import type { Html } from '../parts/html.ts';
import { mayOperate, type PageContext } from '../parts/page-context.ts';
import { pathOfDeliveries } from '../parts/paths.ts';
import { renderMark } from '../parts/render-mark.ts';
import { type Column, renderTable } from '../parts/render-table.ts';
import type { Now } from './read-now.ts';
import { renderConsumerState } from './render-consumer-state.ts';
import { fillMinutes, renderSparkline } from './sparkline.ts';

const sparkMinutes = 60;

/**
 * A row for each consumer: how it is, what waits, what died, and the button that holds it. What can have the focus has an
 * id, by which it keeps it when it is refreshed.
 */
export function renderConsumers(c: PageContext, now: Now): Html {
  const columns: readonly Column[] = [
    { title: 'Consumer', isWords: true },
    { title: 'State', isWords: true },
    { title: 'Waiting', isNumber: true },
    { title: 'Oldest pending', isNumber: true },
    { title: 'Delivered a minute' },
    { title: 'Dead', isNumber: true },
    ...(mayOperate(c) ? [{ title: 'Pause or resume', isSilent: true }] : []),
  ];
  const rows = now.consumers.map((consumer) => ({ cells: cellsOf(c, consumer, now) }));
  return renderTable('Consumers', columns, rows);
}

function cellsOf(c: PageContext, consumer: ConsumerView, now: Now): readonly (Html | string)[] {
  const { waiting, delayed, active, dead, oldestPendingMs } = consumer;
  return [
    renderName(consumer, now.hasSeveralApps),
    renderConsumerState(consumer, now.nowMs),
    formatCount(waiting + delayed + active),
    oldestPendingMs === undefined ? '–' : formatSpan(oldestPendingMs),
    renderRate(consumer, minutesOf(consumer, now), now.nowMs),
    renderDead(consumer, dead),
    ...(mayOperate(c) ? [renderHold(c, consumer, now.app)] : []),
  ];
}

function renderName({ app, consumer }: ConsumerView, hasSeveralApps: boolean): Html {
  const href = pathOfDeliveries({ app, consumer });
  return html`<a id="consumer.${app}.${consumer}" href="${href}">${consumer}</a>${hasSeveralApps ? html` <span class="muted">${app}</span>` : ''}`;
}

function renderRate({ deliveredLastMinute }: ConsumerView, minutes: readonly ConsumerMinute[], nowMs: number): Html {
  const counts = minutes.map(({ atMs, delivered }) => ({ atMs, count: delivered }));
  const values = fillMinutes(counts, sparkMinutes, nowMs);
  const what = `The last hour: at most ${formatCount(Math.max(...values))} in a minute`;
  return html`<span class="rate"><span class="figure">${formatCount(deliveredLastMinute)}</span> ${renderSparkline(values, what)}</span>`;
}

function renderDead({ app, consumer }: ConsumerView, dead: number): Html | string {
  if (dead === 0) return '0';
  const href = pathOfDeliveries({ app, consumer, state: 'dead' });
  return html`<a id="dead.${app}.${consumer}" href="${href}">${renderMark('bad', `${formatCount(dead)} dead`)}</a>`;
}

function renderHold(c: PageContext, { app, consumer, isPaused }: ConsumerView, shown: string | undefined): Html {
  const action = isPaused ? 'resume' : 'pause';
  const path = `/consumers/${encodeURIComponent(app)}/${encodeURIComponent(consumer)}/${action}`;
  return html`<form method="post" action="${path}" hx-post="${path}" hx-target="#now" hx-sync="#now:replace">${csrfField(c)}<input type="hidden" name="shown" value="${shown ?? ''}"><button type="submit" id="hold.${app}.${consumer}">${isPaused ? 'Resume' : 'Pause'}<span class="hidden"> ${consumer} of ${app}</span></button></form>`;
}

function minutesOf({ app, consumer }: ConsumerView, { ledger }: Now): readonly ConsumerMinute[] {
  const ofApp = ledger.apps.find((candidate) => candidate.app === app);
  return ofApp?.consumers.find((candidate) => candidate.consumer === consumer)?.minutes ?? [];
}
