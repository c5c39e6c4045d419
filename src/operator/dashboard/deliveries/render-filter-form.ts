import { html } from 'hono/html';
import { type ConsumerName, deliveryStates } from '../../ports.ts';
import type { Html } from '../parts/html.ts';
import type { FilterName, ReadFilter } from './read-filter.ts';

/** A form whose fields become the URL of the list. */
export function renderFilterForm(read: ReadFilter, names: readonly ConsumerName[]): Html {
  const apps = [...new Set(names.map(({ app }): string => app))];
  const consumers = [...new Set(names.map(({ consumer }): string => consumer))];
  return html`<form class="filter" method="get" action="/deliveries" role="search" aria-label="Filter deliveries">
${apps.length > 1 ? renderSelect(read, 'app', 'App', apps) : ''}
${renderSelect(read, 'consumer', 'Consumer', consumers)}
${renderSelect(read, 'state', 'State', deliveryStates)}
${renderInput(read, 'event', 'Event', 'meeting.*')}
${renderInput(read, 'since', 'Received since', '24h, 2026-11-18')}
${renderInput(read, 'until', 'Received before', '1h, 2026-11-19')}
${renderInput(read, 'q', 'About', 'meeting, e-mail, id')}
<div class="field buttons"><button type="submit">Show</button> <a href="/deliveries">Clear</a></div>
</form>`;
}

function renderSelect(read: ReadFilter, name: FilterName, label: string, values: readonly string[]): Html {
  const given = read.given[name];
  const all = given === undefined || values.includes(given) ? values : [...values, given];
  return html`<div class="field"><label for="filter-${name}">${label}</label><select id="filter-${name}" name="${name}"${invalid(read, name)}><option value="">any</option>${all.map((value) => html`<option value="${value}"${value === given ? html` selected` : ''}>${value}</option>`)}</select>${problem(read, name)}</div>`;
}

function renderInput(read: ReadFilter, name: FilterName, label: string, example: string): Html {
  return html`<div class="field"><label for="filter-${name}">${label}</label><input id="filter-${name}" name="${name}" value="${read.given[name] ?? ''}" placeholder="${example}" autocomplete="off" spellcheck="false"${invalid(read, name)}>${problem(read, name)}</div>`;
}

function invalid({ problems }: ReadFilter, name: FilterName): Html | string {
  return problems[name] === undefined ? '' : html` aria-invalid="true" aria-describedby="problem-${name}"`;
}

function problem({ problems }: ReadFilter, name: FilterName): Html | string {
  return problems[name] === undefined ? '' : html`<p class="problem" id="problem-${name}">✗ ${problems[name]}</p>`;
}
