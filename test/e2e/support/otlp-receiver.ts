import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A received span, with its attributes as one object. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the root span of a trace. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client';
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly isError: boolean;
  readonly startNanos: bigint;
  readonly endNanos: bigint;
}

export interface OtlpReceiver {
  readonly url: URL;
  readonly spans: () => readonly ReceivedSpan[];
  /** All received bodies, unparsed. */
  readonly text: () => string;
  readonly serviceNames: () => ReadonlySet<string>;
  /** The headers of every request. */
  readonly headers: () => readonly Readonly<Record<string, unknown>>[];
}

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: readonly OtlpAttribute[];
  readonly status: { readonly code?: number };
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}
interface OtlpAttribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number | string };
}
interface OtlpBody {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

const KINDS = ['unspecified', 'internal', 'server', 'client'] as const;
const STATUS_ERROR = 2;

/** Starts an OpenTelemetry collector for traces (OTLP over HTTP) on loopback. It closes after the test. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const bodies: string[] = [];
  const headers: Readonly<Record<string, unknown>>[] = [];
  const server = createServer((request, response) => {
    headers.push(request.headers);
    request.toArray().then(
      (chunks) => {
        if (request.url !== '/v1/traces') return response.writeHead(404).end();
        bodies.push(Buffer.concat(chunks as Buffer[]).toString());
        return response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
      },
      () => response.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const resourceSpans = () => bodies.flatMap((body) => (JSON.parse(body) as OtlpBody).resourceSpans);
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    spans: () => resourceSpans().flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans.map(toSpan))),
    text: () => bodies.join('\n'),
    serviceNames: () =>
      new Set(resourceSpans().map(({ resource }) => String(toAttributes(resource.attributes)['service.name']))),
    headers: () => headers,
  };
}

function toSpan(span: OtlpSpan): ReceivedSpan {
  const { traceId, spanId, parentSpanId = '', name, kind, attributes, status } = span;
  return {
    traceId,
    spanId,
    parentSpanId,
    name,
    kind: KINDS[kind] as ReceivedSpan['kind'],
    attributes: toAttributes(attributes),
    isError: status.code === STATUS_ERROR,
    startNanos: BigInt(span.startTimeUnixNano),
    endNanos: BigInt(span.endTimeUnixNano),
  };
}

function toAttributes(attributes: readonly OtlpAttribute[]): Readonly<Record<string, string | number>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]));
}
