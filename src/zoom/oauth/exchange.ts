/** One request to Zoom. */
export interface ZoomRequest {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What became of one request. */
export type Exchange =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    }
  /** `error` is a short code: `timeout`, `ECONNREFUSED`. The request may have been carried out all the same. */
  | { readonly kind: 'no_answer'; readonly error: string };

export type ZoomAnswered = Extract<Exchange, { kind: 'answer' }>;

/** Sends once. Never rejects. */
export interface ZoomSender {
  send(request: ZoomRequest): Promise<Exchange>;
  close(): Promise<void>;
}
