import type { IncomingMessage, ServerResponse } from 'node:http';

/** Takes over the answer to one request: for failing, hanging, talking nonsense. */
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

export interface Misbehaviours<Asked> {
  /** The next requests are answered by these, one each, in order. */
  misbehave(...next: Misbehaviour[]): void;
  /** Every request (that `when` holds for) is answered by this one from now on, until it is called without one. */
  misbehaveAlways(misbehaviour?: Misbehaviour, when?: (request: Asked) => boolean): void;
  /** What takes over this request; `undefined` when nothing does. */
  take(request: Asked): Misbehaviour | undefined;
}

export function createMisbehaviours<Asked>(): Misbehaviours<Asked> {
  const queue: Misbehaviour[] = [];
  let always: { readonly misbehaviour: Misbehaviour; when(request: Asked): boolean } | undefined;
  return {
    misbehave: (...next) => void queue.push(...next),
    misbehaveAlways(misbehaviour, when = () => true) {
      always = misbehaviour && { misbehaviour, when };
    },
    take: (request) => queue.shift() ?? (always?.when(request) ? always.misbehaviour : undefined),
  };
}

/** Answers with a status and a short body. */
export function answering(status: number, headers: Record<string, string> = {}): Misbehaviour {
  return (_request, response) => {
    response.writeHead(status, headers).end(`the stand-in was told to answer ${status}`);
  };
}
