import type { UnsentMessage } from './alert-state.ts';
import type { Outbox } from './empty-outbox.ts';
import type { Condition, Incidents, Message } from './incident.ts';
import { step } from './step.ts';

/** What one process tells by itself, from memory: gone with the process. */
export class OwnAlerts implements Outbox {
  #incidents: Incidents = [];
  #unsent: readonly UnsentMessage[] = [];

  get incidents(): Incidents {
    return this.#incidents;
  }

  /** One look further; as `SharedAlerts.step`. */
  step(
    conditions: readonly Condition[],
    nowMs: number,
    identify: (messages: readonly Message[]) => readonly UnsentMessage[],
    isKept: boolean,
  ): readonly UnsentMessage[] {
    const next = step(this.#incidents, conditions, nowMs);
    const messages = identify(next.messages);
    this.#incidents = next.open;
    if (isKept) this.#unsent = [...this.#unsent, ...messages];
    return messages;
  }

  async first(): Promise<UnsentMessage | undefined> {
    return this.#unsent[0];
  }

  async remove(id: string): Promise<void> {
    this.#unsent = this.#unsent.filter((message) => message.id !== id);
  }
}
