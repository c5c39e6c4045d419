import {
  type Attributes,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AlwaysOnSampler, BatchSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';
import { describeError, type Log } from './log.ts';
import { parseTraceparent } from './parse-traceparent.ts';
import type { Trace, TraceAttributes, Tracing, TracingSettings } from './tracing.ts';

/** One export with its repeats, milliseconds: a process that stops waits for it. */
const exportTimeoutMs = 3000;
/** Spans are sent together that often, milliseconds. */
const exportIntervalMs = 2000;

const attributeNames = [
  ['app', 'zoom_relay.app'],
  ['consumer', 'zoom_relay.consumer'],
  ['notificationId', 'zoom_relay.notification_id'],
  ['event', 'zoom_relay.event'],
  ['result', 'zoom_relay.result'],
  ['attempt', 'zoom_relay.attempt'],
  ['outcome', 'zoom_relay.outcome'],
  ['status', 'http.response.status_code'],
] as const satisfies readonly (readonly [keyof TraceAttributes, string])[];
/** What is no error. */
const successes = ['accepted', 'duplicate', 'challenge', 'delivered'];

/**
 * Sends spans in batches by OTLP. Nothing is registered globally, and everything is sampled: the flags in Zoom's
 * `traceparent` speak of Zoom's own collector.
 */
export function openOtlpTracing(settings: TracingSettings, log: Log): Tracing {
  const exporter = new OTLPTraceExporter({ url: settings.endpoint.href, timeoutMillis: exportTimeoutMs });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': settings.serviceName }),
    sampler: new AlwaysOnSampler(),
    spanProcessors: [
      new BatchSpanProcessor({ exporter: withLog(exporter, log), scheduledDelayMillis: exportIntervalMs }),
    ],
  });
  const tracer = provider.getTracer('zoom-relay');
  return {
    intake: traceWith(tracer, 'zoom.notification', SpanKind.SERVER),
    attempt: traceWith(tracer, 'delivery.attempt', SpanKind.CONSUMER),
    close: () => provider.shutdown().catch(() => undefined), // what failed is logged
  };
}

function traceWith(tracer: Tracer, name: string, kind: SpanKind): Trace {
  return async (traceparent, attributes, run) => {
    const parent = traceparent === undefined ? undefined : parseTraceparent(traceparent);
    const context = parent && trace.setSpanContext(ROOT_CONTEXT, { ...parent, isRemote: true });
    const span = tracer.startSpan(name, { kind, attributes: namesOf(attributes) }, context ?? ROOT_CONTEXT);
    try {
      return await run((more) => note(span, more));
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: describeError(error).type });
      throw error;
    } finally {
      span.end();
    }
  };
}

function note(span: Span, attributes: TraceAttributes): void {
  span.setAttributes(namesOf(attributes));
  const end = attributes.result ?? attributes.outcome;
  if (end !== undefined && !successes.includes(end)) span.setStatus({ code: SpanStatusCode.ERROR, message: end });
}

function namesOf(attributes: TraceAttributes): Attributes {
  const named = attributeNames.map(([key, name]) => [name, attributes[key]] as const);
  return Object.fromEntries(named.filter(([, value]) => value !== undefined));
}

/** Spans that could not be sent are gone; a line says so. */
function withLog(exporter: SpanExporter, log: Log): SpanExporter {
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        if (result.error !== undefined) {
          log.warn({ event: 'traces_lost', spans: spans.length, err: result.error });
        }
        done(result);
      });
    },
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
}
