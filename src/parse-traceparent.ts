/** What a `traceparent` says of the span it comes from. */
export interface ParentSpan {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  readonly traceFlags: number;
}

/** Version, trace id, parent id, flags; what a later version appends. */
const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * Reads a `traceparent` as the specification asks for: lower case only, no id of zeros, nothing appended in version 00,
 * never version ff.
 *
 * @see https://www.w3.org/TR/trace-context/#versioning-of-traceparent
 */
export function parseTraceparent(text: string): ParentSpan | undefined {
  const [, version, traceId = '', spanId = '', flags = '', appended] = form.exec(text) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && appended !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
}
