import type { Secret } from '../../secret.ts';

/** One request to Recall's API, before it has an origin and a key. */
export interface RecallRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Ends in `/`, as all of Recall's API does: its redirect would drop the body. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** Sent as JSON. Never with a GET: the firewall in front of Recall refuses that with 403. */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly idempotencyKey?: string;
  /** What is sent and must not come back in the words of a refusal. */
  readonly secrets: readonly Secret[];
}

/** What became of one request. */
export type Exchange =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly retryAfter: string | undefined;
      readonly contentType: string | undefined;
      readonly body: string;
    }
  /** Longer than is read. */
  | { readonly kind: 'too_long'; readonly status: number }
  /** `error` is a short code: `timeout`, `ECONNREFUSED`. The request may have been carried out all the same. */
  | { readonly kind: 'no_answer'; readonly error: string };

/** Sends once. Never rejects. */
export interface RecallSender {
  send(request: RecallRequest, timeoutMs: number): Promise<Exchange>;
  close(): Promise<void>;
}
