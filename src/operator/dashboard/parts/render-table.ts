import { html } from 'hono/html';
import type { Html } from './html.ts';

export interface Column {
  readonly title: string;
  readonly isNumber?: boolean;
  /** Holds words of ours, which are never broken; a stranger's text is, where it must be. */
  readonly isWords?: boolean;
  /** Its title is for screen readers only: what stands in it explains itself. */
  readonly isSilent?: boolean;
}

export interface TableRow {
  readonly id?: string;
  readonly cells: readonly (Html | string | number)[];
}

/**
 * A table that becomes a card for each row on narrow screens. The roles are written out because browsers drop them from
 * tables that are laid out otherwise.
 *
 * @param label what it is, for screen readers
 */
export function renderTable(label: string, columns: readonly Column[], rows: readonly TableRow[], bodyId = ''): Html {
  return html`<table role="table" aria-label="${label}">
<thead role="rowgroup"><tr role="row">${columns.map(
    (column) =>
      html`<th role="columnheader" scope="col"${classOf(column)}>${column.isSilent ? html`<span class="hidden">${column.title}</span>` : column.title}</th>`,
  )}</tr></thead>
<tbody role="rowgroup"${bodyId && html` id="${bodyId}"`}>${rows.map((row) => renderTableRow(columns, row))}</tbody>
</table>`;
}

export function renderTableRow(columns: readonly Column[], { id, cells }: TableRow): Html {
  return html`<tr role="row"${id === undefined ? '' : html` id="${id}"`}>${cells.map((cell, index) => {
    const column = columns[index] ?? { title: '' };
    return html`<td role="cell"${column.isSilent ? '' : html` data-label="${column.title}"`}${classOf(column)}><span>${cell}</span></td>`;
  })}</tr>
`;
}

function classOf({ isNumber, isWords }: Column): Html | string {
  if (isNumber) return html` class="number"`;
  return isWords ? html` class="words"` : '';
}
