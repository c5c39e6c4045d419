import type { IncomingMessage } from 'node:http';

/** One request as it arrived at the stand-in. */
export interface ZoomRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** The fields of a form that was posted. */
  readonly form: Readonly<Record<string, string>>;
  readonly userAgent: string | undefined;
  readonly atMs: number;
  /** What the stand-in answered; 0 when it did not answer. */
  status: number;
}

export function recordRequest(
  { method = '', url = '', headers }: IncomingMessage,
  body: Buffer,
  atMs: number,
): ZoomRequest {
  const { pathname, searchParams } = new URL(url, 'http://stand-in');
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
  return {
    method,
    path: pathname,
    query: Object.fromEntries(searchParams),
    form: isForm ? Object.fromEntries(new URLSearchParams(body.toString('utf8'))) : {},
    userAgent: headers['user-agent'],
    atMs,
    status: 0,
  };
}
