import { html } from 'hono/html';
import type { DeliveryRow } from '../../schemas.ts';
import { formatCount } from '../parts/count-of.ts';
import { pathOfDelivery } from '../parts/paths.ts';
import { renderDeliveryState } from '../parts/render-delivery-state.ts';
import type { Column, TableRow } from '../parts/render-table.ts';
import { renderAge, renderTime } from '../parts/render-time.ts';
import { describeAbout } from './describe-about.ts';
import { describeAnswer } from './describe-answer.ts';
import { chosenValue } from './read-chosen.ts';

/** How a list of deliveries is laid out. */
export function deliveryColumns(hasSeveralApps: boolean): readonly Column[] {
  return [
    { title: 'Received', isWords: true },
    { title: 'Event' },
    { title: 'About' },
    ...(hasSeveralApps ? [{ title: 'App', isWords: true }] : []),
    { title: 'Consumer', isWords: true },
    { title: 'State', isWords: true },
    { title: 'Attempts', isNumber: true },
    { title: 'Last answer' },
    { title: 'Age', isNumber: true },
  ];
}

/** The same, each with a box to tick. */
export function tickableColumns(hasSeveralApps: boolean): readonly Column[] {
  return [{ title: 'Choose', isSilent: true }, ...deliveryColumns(hasSeveralApps)];
}

export function tickableTableRow(row: DeliveryRow, hasSeveralApps: boolean, nowMs: number): TableRow {
  const { id, cells } = deliveryTableRow(row, hasSeveralApps, nowMs);
  const { app, consumer, notificationId, event, receivedAt } = row;
  const value = chosenValue({ app, consumer, id: notificationId });
  const label = `Choose ${event} to ${consumer} of app ${app}, received ${receivedAt}`;
  const box = html`<label class="tick"><span class="narrow">Choose</span><input type="checkbox" name="delivery" value="${value}" aria-label="${label}"></label>`;
  return { ...(id !== undefined && { id }), cells: [box, ...cells] };
}

export function deliveryTableRow(row: DeliveryRow, hasSeveralApps: boolean, nowMs: number): TableRow {
  const { app, consumer, notificationId: id, event, state, receivedAt, attempts, lastAttempt, about } = row;
  return {
    id: `row.${app}.${consumer}.${id}`,
    cells: [
      renderTime(receivedAt),
      html`<a href="${pathOfDelivery({ app, consumer, id })}">${event}</a>`,
      describeAbout(about) || '–',
      ...(hasSeveralApps ? [app] : []),
      consumer,
      renderDeliveryState(state),
      formatCount(attempts),
      lastAttempt === undefined ? '–' : describeAnswer(lastAttempt),
      renderAge(receivedAt, nowMs),
    ],
  };
}
