/** Recognised across copies of this module: a handler may bring its own. */
const mark: unique symbol = Symbol.for('zoom-relay.give-up');

/**
 * Thrown by a handler to say that trying again is of no use: the delivery is dead at once. The reason is logged and
 * shown to operators, so it must hold no secret and nothing of the body; at most 200 characters are kept.
 */
export class GiveUp extends Error {
  override readonly name = 'GiveUp';
  readonly [mark] = true;
}

export function isGiveUp(error: unknown): error is GiveUp {
  return error instanceof Error && mark in error;
}
