import { type AlertState, changeAlertState, readAlertState, type UnsentMessage } from './alert-state.ts';
import type { Outbox } from './empty-outbox.ts';
import type { Condition, Incidents, Message } from './incident.ts';
import type { AlertRecords } from './ports.ts';
import { step } from './step.ts';

/** Whoever has looked is the one who looks and sends for so long, milliseconds. */
const leaseMs = 90_000;
/** No more messages than this wait; the oldest go. */
const maxUnsent = 1000;

export interface SharedStep {
  readonly messages: readonly UnsentMessage[];
  /** How many that waited for too long are not kept any longer. */
  readonly dropped: number;
}

/** The alerts of all processes: one record, which the process that has the lease moves on. */
export class SharedAlerts implements Outbox {
  readonly #records: AlertRecords;
  readonly #id: string;
  readonly #nowMs: () => number;

  /** @param id of this process, unique over restarts */
  constructor(records: AlertRecords, id: string, nowMs: () => number) {
    this.#records = records;
    this.#id = id;
    this.#nowMs = nowMs;
  }

  /** Whether it is for this process to look. */
  async mayLead(): Promise<boolean> {
    return this.#mayLead(await readAlertState(this.#records));
  }

  /**
   * One look further, and the lease anew; nothing when another process has taken it meanwhile.
   *
   * @param identify gives each message its id
   * @param isKept whether messages wait to be sent
   */
  async step(
    conditions: readonly Condition[],
    identify: (messages: readonly Message[]) => readonly UnsentMessage[],
    isKept: boolean,
  ): Promise<SharedStep> {
    let stepped: SharedStep = { messages: [], dropped: 0 };
    const wasChanged = await changeAlertState(this.#records, (state) => {
      if (!this.#mayLead(state)) return undefined;
      const next = step(state.incidents, conditions, this.#nowMs());
      const messages = identify(next.messages);
      const waiting = isKept ? [...state.unsent, ...messages] : state.unsent;
      const unsent = waiting.slice(-maxUnsent);
      stepped = { messages, dropped: waiting.length - unsent.length };
      const leader = { id: this.#id, untilMs: this.#nowMs() + leaseMs };
      return { v: 1, leader, incidents: next.open, unsent };
    });
    return wasChanged ? stepped : { messages: [], dropped: 0 };
  }

  async first(): Promise<UnsentMessage | undefined> {
    const { leader, unsent } = await readAlertState(this.#records);
    return leader?.id === this.#id && leader.untilMs > this.#nowMs() ? unsent[0] : undefined;
  }

  async remove(id: string): Promise<void> {
    await changeAlertState(this.#records, (state) => {
      const unsent = state.unsent.filter((message) => message.id !== id);
      return unsent.length === state.unsent.length ? undefined : { ...state, unsent };
    });
  }

  async incidents(): Promise<Incidents> {
    return (await readAlertState(this.#records)).incidents;
  }

  /** Lets another process take over at once. */
  async release(): Promise<void> {
    await changeAlertState(this.#records, ({ leader, ...state }) => (leader?.id === this.#id ? state : undefined));
  }

  #mayLead({ leader }: AlertState): boolean {
    return leader === undefined || leader.id === this.#id || leader.untilMs <= this.#nowMs();
  }
}
