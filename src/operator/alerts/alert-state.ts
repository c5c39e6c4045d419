import { z } from 'zod';
import { RelayError } from '../../errors.ts';
import { incident, message } from './incident.ts';
import { parseRecord } from './parse-record.ts';
import type { AlertRecords } from './ports.ts';

const unsentMessage = z.intersection(z.object({ id: z.string() }), message);
/** `id` stays the same however often it is sent. */
export type UnsentMessage = Readonly<z.infer<typeof unsentMessage>>;

const alertState = z.object({
  v: z.literal(1),
  /** Who looks and sends, until then, epoch milliseconds. */
  leader: z.object({ id: z.string(), untilMs: z.number() }).exactOptional(),
  incidents: z.array(incident).readonly(),
  /** Oldest first. */
  unsent: z.array(unsentMessage).readonly(),
});
/** What all processes share of the alerts: one record. */
export type AlertState = Readonly<z.infer<typeof alertState>>;

const stateKey = 'state';
const maxSwaps = 20;

/** A record that cannot be read (another release wrote it) counts as none: what is the matter is announced anew. */
export async function readAlertState(records: AlertRecords): Promise<AlertState> {
  return parse(await records.read(stateKey));
}

/**
 * Changes the state as it is at the moment of the change; asks anew when others were faster.
 *
 * @param change `undefined`: leave it as it is
 * @returns whether it was changed
 * @throws RelayError `store_unavailable`; it may have been changed all the same
 */
export async function changeAlertState(
  records: AlertRecords,
  change: (state: AlertState) => AlertState | undefined,
): Promise<boolean> {
  for (let swaps = 0; swaps < maxSwaps; swaps += 1) {
    const stored = await records.read(stateKey);
    const next = change(parse(stored));
    if (next === undefined) return false;
    if (await records.swap(stateKey, stored, { value: JSON.stringify(next) })) return true;
  }
  throw new RelayError('internal', `the state of the alerts changed under each of ${maxSwaps} swaps`);
}

function parse(stored: string | undefined): AlertState {
  return parseRecord(alertState, stored) ?? { v: 1, incidents: [], unsent: [] };
}
