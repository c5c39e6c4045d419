/** Holds one answer back after its request was carried out. */
export interface AnswerGate {
  /** Resolves when the request has been carried out and its answer is held. */
  readonly held: Promise<void>;
  /** Lets the answer go out. */
  release(): void;
  /** Breaks the connection instead: the answer is lost. */
  drop(): void;
}

export interface AnswerGates<Asked> {
  /** For the next request that the predicate holds for. */
  hold(predicate: (request: Asked) => boolean): AnswerGate;
  /** Waits at the gate for this request, if there is one. */
  pass(request: Asked): Promise<'send' | 'drop'>;
}

export function createAnswerGates<Asked>(): AnswerGates<Asked> {
  interface Waiting {
    readonly predicate: (request: Asked) => boolean;
    arrive(): void;
    readonly verdict: Promise<'send' | 'drop'>;
  }
  const gates = new Set<Waiting>();
  return {
    hold(predicate) {
      const arrival = Promise.withResolvers<void>();
      const verdict = Promise.withResolvers<'send' | 'drop'>();
      gates.add({ predicate, arrive: arrival.resolve, verdict: verdict.promise });
      return { held: arrival.promise, release: () => verdict.resolve('send'), drop: () => verdict.resolve('drop') };
    },
    async pass(request) {
      const gate = [...gates].find(({ predicate }) => predicate(request));
      if (gate === undefined) return 'send';
      gates.delete(gate);
      gate.arrive();
      return gate.verdict;
    },
  };
}
