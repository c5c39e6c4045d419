import type { KeptDelivery } from '../ports.ts';
import { identifiersIn } from './view-delivery.ts';

/** Whether a text stands in one of a delivery's identifiers, whatever its case: the store looks for it anywhere. */
export function findText(kept: KeptDelivery, text: string): boolean {
  const wanted = text.toLowerCase();
  return kept.id === wanted || identifiersIn(kept).some((identifier) => identifier.toLowerCase().includes(wanted));
}
