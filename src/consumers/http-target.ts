import type { FreshSignature } from '../delivery/attempt.ts';
import { type Outcome, outcomeOfResponse } from '../delivery/outcome.ts';
import type { IntactDelivery, Sender, SendResult, Target } from './ports.ts';

/** What goes out beside the body. */
export interface SignedHeaders {
  readonly headers: Readonly<Record<string, string>>;
  /** Present when they do not carry Zoom's own timestamp and signature, but these. */
  readonly resigned?: FreshSignature | undefined;
}

export interface HttpTargetParts {
  readonly url: URL;
  /** Makes the headers of one attempt. */
  readonly sign: (delivery: IntactDelivery, nowMs: number) => SignedHeaders;
  readonly sender: Sender;
  /** Epoch milliseconds. */
  readonly nowMs: () => number;
}

/** An HTTP endpoint that gets the bytes as they came: sign → send → interpret. */
export function createHttpTarget({ url, sign, sender, nowMs }: HttpTargetParts): Target {
  return {
    async deliver(delivery) {
      const { headers, resigned } = sign(delivery, nowMs());
      const result = await sender.send(url, headers, delivery.content.body);
      const response = result.kind === 'answer' ? result.response : undefined;
      return { outcome: outcomeOf(result, nowMs()), response, resigned };
    },
    close: () => sender.close(),
  };
}

function outcomeOf(result: SendResult, nowMs: number): Outcome {
  if (result.kind === 'no_answer') return { kind: 'unavailable', error: result.error };
  return outcomeOfResponse(result.status, result.retryAfter, nowMs);
}
