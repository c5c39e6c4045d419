import type { UnsentMessage } from './alert-state.ts';
import type { SendAlert } from './ports.ts';

/** Messages that are to be sent in order. */
export interface Outbox {
  /** The oldest; `undefined` when there is none, or it is for somebody else to send. */
  first(): Promise<UnsentMessage | undefined>;
  remove(id: string): Promise<void>;
}

/**
 * Sends what is in an outbox, oldest first, and stops at what cannot be sent. What was sent but could not be removed is
 * not sent again by this process.
 *
 * @param sent ids of what was sent and not removed; changed by this
 * @throws what `send` and the outbox throw
 */
export async function emptyOutbox(
  outbox: Outbox,
  send: SendAlert,
  sent: Set<string>,
  stopping: AbortSignal,
): Promise<void> {
  while (!stopping.aborted) {
    const message = await outbox.first();
    if (message === undefined) return;
    if (!sent.has(message.id)) await send(message, stopping);
    sent.add(message.id);
    await outbox.remove(message.id);
    sent.delete(message.id);
  }
}
