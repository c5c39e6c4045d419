import { RelayError } from '../../../errors.ts';
import { notificationId, replayOneInput } from '../../schemas.ts';
import type { DeliveryName, ReplayOneWish } from '../../service.ts';
import type { PageContext } from '../parts/page-context.ts';
import type { DashboardService } from '../ports.ts';
import { readForm } from '../read-form.ts';
import { type ReadFilter, readFilter } from './read-filter.ts';

/** Deliveries ticked in a list, and what is to be done with them. */
export interface Chosen {
  readonly names: readonly DeliveryName[];
  readonly wish: ReplayOneWish;
  /** Of the list they were ticked in. */
  readonly read: ReadFilter;
  readonly cursor: string | undefined;
}

/** As many as a page of a list can have. */
export const maxChosen = 200;

/**
 * Reads a posted form with a field `delivery` for each that is ticked, see `chosenValue`.
 *
 * @throws RelayError `input_invalid` when none or too many are, `consumer_unknown`, `delivery_unknown`
 */
export async function readChosen(c: PageContext, service: Pick<DashboardService, 'nameOf'>): Promise<Chosen> {
  const { reason, resign, force, cursor, ...rest } = await readForm(c);
  const { delivery = [] } = await c.req.parseBody({ all: true });
  const values = new Set([delivery].flat().filter((value) => typeof value === 'string'));
  if (values.size === 0) throw new RelayError('input_invalid', 'no delivery was chosen: tick those to replay');
  if (values.size > maxChosen) {
    throw new RelayError(
      'input_invalid',
      `at most ${maxChosen} can be chosen: replay all that a filter matches instead`,
    );
  }
  const wish = replayOneInput.safeParse({ reason, resign: resign === 'true', force: force === 'true' });
  if (!wish.success) throw new RelayError('input_invalid', 'the reason must have at most 500 characters');
  const names = [...values].map((value) => nameOf(value, service));
  return { names, wish: wish.data, read: readFilter(rest), cursor };
}

/** What a field `delivery` holds. */
export function chosenValue({ app, consumer, id }: { app: string; consumer: string; id: string }): string {
  return `${app}/${consumer}/${id}`;
}

function nameOf(value: string, service: Pick<DashboardService, 'nameOf'>): DeliveryName {
  const [app = '', consumer = '', id] = value.split('/');
  const parsed = notificationId.safeParse(id);
  if (!parsed.success) throw new RelayError('delivery_unknown', 'no delivery has an id like this');
  return { ...service.nameOf(app, consumer), id: parsed.data };
}
