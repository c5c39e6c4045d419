import type { Log } from './log.ts';

/** Where traces go. */
export interface TracingSettings {
  /** Takes OTLP over HTTP as JSON; the whole URL, with `/v1/traces`. */
  readonly endpoint: URL;
  readonly serviceName: string;
}

/** Ids, results and outcomes. Never a body, a token or a signature. */
export interface TraceAttributes {
  readonly app?: string;
  readonly consumer?: string;
  readonly notificationId?: string | undefined;
  /** The event's name. */
  readonly event?: string | undefined;
  /** What became of a notification. */
  readonly result?: string;
  readonly attempt?: number;
  /** What an attempt ended in. */
  readonly outcome?: string;
  readonly status?: number | undefined;
}

/**
 * Watches `run` from its beginning to its end as a span; resolves and rejects as `run` does.
 *
 * @param traceparent the span is part of that trace; of a new one if it is absent or malformed
 * @param run gets what adds attributes
 */
export type Trace = <T>(
  traceparent: string | undefined,
  attributes: TraceAttributes,
  run: (note: (attributes: TraceAttributes) => void) => Promise<T>,
) => Promise<T>;

export interface Tracing {
  /** One request of Zoom's. */
  readonly intake: Trace;
  /** One attempt of a delivery. */
  readonly attempt: Trace;
  /** Sends what has not been sent, in a few seconds or not at all. Never rejects. */
  close(): Promise<void>;
}

const justRun: Trace = (_traceparent, _attributes, run) => run(() => {});

/** Without settings nothing is watched, and OpenTelemetry's SDK is not even loaded. */
export async function openTracing(settings: TracingSettings | undefined, log: Log): Promise<Tracing> {
  if (settings === undefined) return { intake: justRun, attempt: justRun, close: async () => {} };
  const { openOtlpTracing } = await import('./otlp-tracing.ts');
  return openOtlpTracing(settings, log);
}
