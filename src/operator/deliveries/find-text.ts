import type { KeptDelivery } from '../ports.ts';
import { handlesIn } from './view-delivery.ts';

/** Whether a text stands in what a delivery can be found by, whatever its case: the store may find it elsewhere, too. */
export function findText(kept: KeptDelivery, text: string): boolean {
  const wanted = text.toLowerCase();
  return kept.id === wanted || handlesIn(kept).some((handle) => handle.toLowerCase().includes(wanted));
}
