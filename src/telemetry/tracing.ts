import {
  type Context,
  createTraceState,
  diag,
  DiagLogLevel,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Step, StepUnderWay } from '../event-loop/request-steps.ts';
import type { Log } from './log.ts';
import { toOutcome, type Tracing, parseTraceParent } from './request-record.ts';
import { TaskFailure } from '../contract/failure.ts';

export interface TracingOptions {
  /** The base address of an OTLP/HTTP collector. */
  readonly endpoint: URL;
  readonly serviceName: string;
  readonly resourceAttributes: Readonly<Record<string, string>>;
  readonly sampledShare: number;
  readonly followsParent: boolean;
  readonly database: 'sqlite' | 'postgres';
  readonly log: Log;
}

/** The time limit for exporting one batch, and therefore for closing. */
const EXPORT_TIMEOUT_MS = 3_000;
const BATCH = { maxExportBatchSize: 512, maxQueueSize: 8_192, scheduledDelayMillis: 1_000 } as const;
const WARNING_INTERVAL_MS = 60_000;

/**
 * Exports traces to an OpenTelemetry collector.  Spans that the collector does not accept are dropped.
 */
export function createTracing(options: TracingOptions): Tracing {
  const { endpoint, serviceName, resourceAttributes, sampledShare, followsParent, database, log } = options;
  logSdkWarnings(log);
  const exporter = new OTLPTraceExporter({
    url: new URL('v1/traces', endpoint).href,
    timeoutMillis: EXPORT_TIMEOUT_MS,
  });
  const ratioSampler = new TraceIdRatioBasedSampler(sampledShare);
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ ...resourceAttributes, 'service.name': serviceName }),
    sampler: followsParent ? new ParentBasedSampler({ root: ratioSampler }) : ratioSampler,
    spanProcessors: [new BatchSpanProcessor({ exporter, exportTimeoutMillis: EXPORT_TIMEOUT_MS, ...BATCH })],
  });
  const tracer = provider.getTracer('account-task-gateway');
  return {
    beginRequest({ method, headers }, route) {
      const parent = toContext(parseTraceParent(headers.traceparent?.toString(), headers['tracestate']));
      const span = tracer.startSpan(route ? `${method} ${route}` : method, { kind: SpanKind.SERVER }, parent);
      const context = trace.setSpan(ROOT_CONTEXT, span);
      return {
        traceId: span.spanContext().traceId,
        begin: (step) => beginSpan(tracer, step, context, database),
        end(record, status) {
          const { code, operationName, operationType, requestId } = record;
          const outcome = toOutcome(record);
          span.setAttributes({
            'http.request.method': method,
            'http.response.status_code': status,
            'url.scheme': 'http',
            'gateway.request_id': requestId,
            ...(route && { 'http.route': route, 'url.path': route }),
            ...(operationType && record.path === 'graphql' && { 'graphql.operation.type': operationType }),
            ...(operationName && { 'graphql.operation.name': operationName }),
            ...(code && { 'gateway.code': code }),
            ...(outcome && { 'gateway.outcome': outcome }),
          });
          // The span shows the gateway's view: a failure that belongs to the contract is not an error of the gateway.
          if (status >= 500 || outcome === 'UNKNOWN') setError(span, code ?? String(status));
          span.end();
        },
      };
    },
    close: () =>
      provider.shutdown().catch((error: unknown) => log.warn({ err: error }, 'the last traces could not be exported')),
  };
}

function beginSpan(tracer: Tracer, step: Step, parent: Context, database: TracingOptions['database']): StepUnderWay {
  const { name, ...options } = toSpanOptions(step, database);
  const span = tracer.startSpan(name, options, parent);
  return {
    headers: step.kind === 'exchange' ? toHeaders(span) : null,
    begin: (inner) => beginSpan(tracer, inner, trace.setSpan(ROOT_CONTEXT, span), database),
    end({ status, error }) {
      if (status !== undefined) span.setAttribute('http.response.status_code', status);
      if (status !== undefined && status >= 400) setError(span, String(status));
      if (error !== undefined) {
        const { type, ...facts } = failureAttributes(error);
        span.setAttributes(facts);
        setError(span, type);
      }
      span.end();
    },
  };
}

function setError(span: Span, type: string): void {
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

function toContext(parent: ReturnType<typeof parseTraceParent>): Context {
  if (!parent) return ROOT_CONTEXT;
  const { traceId, spanId, flags, headers } = parent;
  const state = headers['tracestate'];
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: flags,
    isRemote: true,
    ...(state && { traceState: createTraceState(state) }),
  });
}

function toHeaders(span: Span): Readonly<Record<string, string>> {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext();
  const traceparent = `00-${traceId}-${spanId}-${(traceFlags & 1).toString().padStart(2, '0')}`;
  const state = traceState?.serialize();
  return state ? { traceparent, tracestate: state } : { traceparent };
}

function ignore(): void {}

/** Logs warnings of the SDK, at most one a minute, so that a collector that is down does not flood the log. */
function logSdkWarnings(log: Log): void {
  let warnedMs = -Infinity;
  const warn = (problem: string): void => {
    if (performance.now() - warnedMs < WARNING_INTERVAL_MS) return;
    warnedMs = performance.now();
    log.warn({ problem: problem.slice(0, 500) }, 'some traces could not be exported');
  };
  diag.setLogger(
    { error: warn, warn: warn, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}

const DATABASES = { sqlite: 'sqlite', postgres: 'postgresql' } as const;
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/** The span of a step, by OpenTelemetry's conventions. There are few different names, and of what a caller sent only IDs of tasks. */
function toSpanOptions(step: Step, database: keyof typeof DATABASES): SpanOptions & { readonly name: string } {
  if (step.kind === 'field')
    return { name: step.name, kind: SpanKind.INTERNAL, attributes: { 'graphql.field.name': step.name } };
  if (step.kind === 'commit') {
    const attributes = {
      'db.system.name': DATABASES[database],
      'db.operation.name': 'COMMIT',
      ...(step.items > 1 && { 'db.operation.batch.size': step.items }),
    };
    return { name: 'COMMIT', kind: SpanKind.CLIENT, attributes };
  }
  const { hostname, port, protocol } = new URL(step.url);
  const attributes = {
    'http.request.method': step.method,
    'server.address': hostname,
    'server.port': port === '' ? (DEFAULT_PORTS[protocol] ?? 0) : Number(port),
    'url.full': step.url,
    ...(step.resends > 0 && { 'http.request.resend_count': step.resends }),
  };
  return { name: `${step.method} ${step.route}`, kind: SpanKind.CLIENT, attributes };
}

/** The attributes of a failure. Its message is omitted, because it may contain the service's own words. */
function failureAttributes(error: unknown): { readonly type: string } & Readonly<Record<string, string>> {
  if (!(error instanceof TaskFailure)) return { type: error instanceof Error ? error.name : 'Error' };
  return { type: error.code, 'gateway.code': error.code, 'gateway.outcome': error.outcome };
}
