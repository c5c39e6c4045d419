import { RelayError } from '../errors.ts';
import type { CommandProcess } from './command-process.ts';
import { type FilterOptions, filterOf } from './delivery-filter.ts';
import { type DeliveryDetail, type DeliveryRow, deliveryBody, deliveryDetail, deliveryList } from './delivery-views.ts';
import { formatDetail, formatRow, rowHeadings } from './format-delivery.ts';
import { formatTable } from './format-table.ts';
import { askOperatorApi } from './operator-api.ts';

export interface ListOptions extends FilterOptions {
  readonly limit: string;
  readonly cursor?: string;
  readonly json: boolean;
}

/**
 * Prints a page of deliveries, newest first.
 *
 * @throws RelayError see `askOperatorApi`
 */
export async function runDeliveriesListCommand(host: CommandProcess, options: ListOptions): Promise<void> {
  const { limit, cursor, json } = options;
  const query = new URLSearchParams({ ...filterOf(options), limit, ...(cursor !== undefined && { cursor }) });
  const text = await askOperatorApi(host, `/api/deliveries?${query}`);
  if (json) {
    host.stdout.write(`${text}\n`);
    return;
  }
  const page = deliveryList.parse(JSON.parse(text));
  host.stdout.write(
    page.deliveries.length === 0 ? 'no deliveries match\n' : formatTable(rowHeadings, page.deliveries.map(formatRow)),
  );
  if (page.isPartial) host.stdout.write(`looked at ${page.lookedAt} so far; what is older comes with --cursor\n`);
  if (page.cursor !== undefined) host.stdout.write(`more: --cursor ${page.cursor}\n`);
}

export interface ShowOptions {
  readonly app?: string;
  readonly consumer?: string;
  readonly body: boolean;
  readonly json: boolean;
}

/**
 * Prints one delivery with its attempts. Without a consumer, each that has it.
 *
 * @throws RelayError see `askOperatorApi`; `event_unknown` when nobody has it
 */
export async function runDeliveriesShowCommand(host: CommandProcess, id: string, options: ShowOptions): Promise<void> {
  const found = await findDelivery(host, id, options);
  const shown = await Promise.all(found.map((row) => readDelivery(host, row)));
  for (const [index, detail] of shown.entries()) {
    if (index > 0 && !options.json) host.stdout.write('\n');
    const body = options.body ? await readBody(host, detail) : undefined;
    host.stdout.write(options.json ? `${JSON.stringify({ ...detail, body })}\n` : formatDetail(detail));
    if (body !== undefined && !options.json) {
      const { text, base64, masked } = body;
      host.stdout.write(`body${masked === 0 ? '' : ` (${masked} secrets masked)`}\n${text ?? base64}\n`);
    }
  }
}

/** The deliveries of a notification, of one consumer or of all. */
export async function findDelivery(
  host: CommandProcess,
  id: string,
  { app, consumer }: Pick<ShowOptions, 'app' | 'consumer'>,
): Promise<readonly DeliveryRow[]> {
  if (!/^[0-9a-f]{32}$/i.test(id)) {
    throw new RelayError(
      'configuration_invalid',
      'a delivery is named by its notificationId, 32 hex digits: "deliveries list --q …" finds it',
    );
  }
  const query = new URLSearchParams({ ...filterOf({ ...(app && { app }), ...(consumer && { consumer }) }), q: id });
  const { deliveries } = deliveryList.parse(JSON.parse(await askOperatorApi(host, `/api/deliveries?${query}`)));
  if (deliveries.length > 0) return deliveries;
  const whose = [...(app ? [`app ${app}`] : []), ...(consumer ? [`consumer ${consumer}`] : [])].join(', ');
  const what =
    whose === ''
      ? `no delivery ${id}: it was never accepted`
      : `no delivery ${id} of ${whose}: it was not accepted for it`;
  throw new RelayError('request_refused', `${what}, or is not kept any more`);
}

export async function readDelivery(host: CommandProcess, row: DeliveryRow): Promise<DeliveryDetail> {
  return deliveryDetail.parse(JSON.parse(await askOperatorApi(host, pathOf(row))));
}

async function readBody(host: CommandProcess, row: DeliveryRow) {
  return deliveryBody.parse(JSON.parse(await askOperatorApi(host, `${pathOf(row)}/body`)));
}

export function pathOf({ app, consumer, notificationId }: DeliveryRow): string {
  return `/api/deliveries/${encodeURIComponent(app)}/${encodeURIComponent(consumer)}/${notificationId}`;
}
