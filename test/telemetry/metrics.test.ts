import perfHooks from 'node:perf_hooks';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { RequestRecord } from '../../src/telemetry/request-record.ts';
import { serveAndReadMetrics } from '../support/served-metrics.ts';
import { type MetricFamily, readExposition, type Sample, valueOf } from '../support/exposition.ts';

const { upstream, store } = await serveAndReadMetrics();
const backends = [
  ['upstream', upstream],
  ['store', store],
] as const;

/** Endings of names that state a unit, or what is counted. */
const UNITS = /_(?:total|seconds|bytes|items|ready|state|in_flight|waiting|attempts|info)$/;

function seriesKey({ name, labels }: Sample): string {
  return `${name}${Object.entries(labels)
    .map(([label, value]) => `${label}=${value}`)
    .toSorted((a, b) => a.localeCompare(b))
    .join()}`;
}

function isSame(one: Sample['labels'], other: Sample['labels']): boolean {
  const toText = (labels: Sample['labels']) => seriesKey({ name: '', labels, value: 0 });
  return toText(one) === toText(other);
}

function own(families: readonly MetricFamily[]): readonly MetricFamily[] {
  return families.filter(({ name }) => name.startsWith('gateway_'));
}

describe.each(backends)('the metrics of the %s backend', (_, families) => {
  test('the expected metrics are exported', () => {
    expect(own(families).length).toBeGreaterThan(15);
    expect(families.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['nodejs_eventloop_lag_p99_seconds', 'process_resident_memory_bytes']),
    );
  });

  test('each metric has a HELP and a TYPE, and each series occurs once', () => {
    const names = families.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { help, type } of families) {
      expect(help).not.toBe('');
      expect(['counter', 'gauge', 'histogram', 'summary']).toContain(type);
    }
    const series = families.flatMap(({ samples }) => samples.map(seriesKey));
    expect(series.filter((key, index) => series.indexOf(key) !== index)).toEqual([]);
  });

  test('metrics are named by convention: counters end in _total, times are seconds, sizes bytes', () => {
    for (const { name, type } of own(families)) {
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
      expect(name).toMatch(UNITS);
      expect(name).not.toMatch(/_(?:ms|millis|milliseconds|micros|kb|mb)(?:_|$)/i);
    }
  });

  test('the buckets of each histogram are consistent with its count', () => {
    const histograms = own(families).filter(({ type }) => type === 'histogram');
    expect(histograms.length).toBeGreaterThan(1);
    for (const { name, samples } of histograms) {
      const ofSeries = (suffix: string) => samples.filter((sample) => sample.name === `${name}_${suffix}`);
      const counts = ofSeries('count');
      expect(counts.length).toBeGreaterThan(0);
      expect(ofSeries('sum').filter(({ value }) => value >= 0)).toHaveLength(counts.length);
      for (const count of counts) {
        const buckets = ofSeries('bucket').filter(({ labels }) =>
          isSame(labels, { le: labels['le'] ?? '', ...count.labels }),
        );
        const values = buckets.map(({ value }) => value);
        expect(values).toEqual(values.toSorted((a, b) => a - b));
        expect(buckets.at(-1)).toMatchObject({ labels: { le: '+Inf' }, value: count.value });
      }
    }
  });
});

describe('the values of metrics', () => {
  test.each([
    ['gateway_creates_total', { backend: 'upstream', code: 'OK', outcome: 'CREATED' }, 4],
    ['gateway_creates_total', { backend: 'upstream', code: 'UPSTREAM_FAILED', outcome: 'UNKNOWN' }, 1],
    ['gateway_creates_total', { backend: 'upstream', code: 'UPSTREAM_TIMEOUT', outcome: 'UNKNOWN' }, 0],
    ['gateway_idempotency_replays_total', {}, 1],
    ['gateway_unsettled_attempts', {}, 1],
    ['gateway_late_answers_total', {}, 0],
    ['gateway_idempotency_conflicts_total', { code: 'IDEMPOTENCY_CONFLICT' }, 1],
    ['gateway_unknown_fields_total', { path: 'ResponseData.Detail.Colour' }, 1],
    ['gateway_unknown_fields_total', { path: 'Warning' }, 1],
    ['gateway_unknown_values_total', { field: 'Frequency' }, 1],
    ['gateway_changed_fields_total', { field: 'Parameters' }, 1],
    ['gateway_changed_fields_total', { field: 'ContentType' }, 1],
    ['gateway_graphql_operations_total', { operation: 'Register', result: 'ok' }, 4],
    ['gateway_graphql_operations_total', { operation: 'Register', result: 'UPSTREAM_FAILED' }, 1],
    ['gateway_graphql_operations_total', { operation: 'anonymous', result: 'ok' }, 1],
    ['gateway_graphql_operations_total', { operation: 'none', result: 'GRAPHQL_VALIDATION_FAILED' }, 1],
    ['gateway_http_requests_total', { path: 'graphql', status: '413' }, 1],
    ['gateway_http_requests_total', { path: 'other', status: '404' }, 1],
    ['gateway_http_requests_in_flight', {}, 1], // this one
    ['gateway_http_request_duration_seconds_count', { path: 'graphql' }, 9],
    ['gateway_refusals_total', { limit: 'body_bytes' }, 1],
    ['gateway_upstream_call_duration_seconds_count', { path: '/api/v2/admin/tasks/account', result: '2xx' }, 3],
    ['gateway_upstream_call_duration_seconds_count', { path: '/api/v2/admin/tasks/account', result: '5xx' }, 1],
    ['gateway_upstream_phase_duration_seconds_count', { phase: 'queue' }, 4],
    ['gateway_upstream_phase_duration_seconds_count', { phase: 'connect' }, 4],
    ['gateway_upstream_phase_duration_seconds_count', { phase: 'first_byte' }, 4],
    ['gateway_upstream_phase_duration_seconds_count', { phase: 'body' }, 4],
    ['gateway_upstream_calls_in_flight', {}, 0],
    ['gateway_upstream_calls_waiting', {}, 0],
    ['gateway_commit_items_count', { kind: 'record' }, 2],
    ['gateway_commit_items_count', { kind: 'claim' }, 3],
    ['gateway_commit_items_count', { kind: 'settlement' }, 2],
    ['gateway_commit_pending_items', { kind: 'record' }, 0],
    ['gateway_ready', {}, 1],
    ['gateway_circuit_state', {}, 0],
  ])('after known traffic %s %j has the expected value', (name, labels, expected) => {
    expect(valueOf(upstream, name, labels)).toBe(expected);
  });

  test('the unsettled attempts are said to be writes, since runs count too', () => {
    expect(upstream.find(({ name }) => name === 'gateway_unsettled_attempts')?.help).toMatch(/^Writes /);
  });

  test('in the store, creates, replays and commits of GraphQL and REST are counted', () => {
    expect(valueOf(store, 'gateway_creates_total', { backend: 'store', code: 'OK' })).toBe(3);
    expect(valueOf(store, 'gateway_idempotency_replays_total')).toBe(1);
    expect(valueOf(store, 'gateway_commit_items_sum', { kind: 'task' })).toBe(3);
    expect(valueOf(store, 'gateway_commit_duration_seconds_count', { kind: 'task' })).toBe(3);
    expect(valueOf(store, 'gateway_http_requests_total', { path: 'rest', status: '200' })).toBe(1);
    expect(valueOf(store, 'gateway_http_requests_total', { path: 'token', status: '400' })).toBe(1);
  });
});

test('the gateways of one process watch its event loop and garbage collector once', async () => {
  onTestFinished(() => void vi.restoreAllMocks());
  createMetrics();
  const watch = vi.spyOn(perfHooks, 'monitorEventLoopDelay');
  const observe = vi.spyOn(perfHooks.PerformanceObserver.prototype, 'observe');
  const { text } = await createMetrics().render();
  expect([watch.mock.calls, observe.mock.calls]).toEqual([[], []]);
  expect(text).toContain('nodejs_eventloop_lag_p99_seconds');
  expect(text).toContain('nodejs_gc_duration_seconds_bucket');
});

test('each snapshot of a worker reads the metrics of its process anew', async () => {
  const metrics = createMetrics();
  const readCpu = async () =>
    JSON.stringify((await metrics.snapshot()).find(({ name }) => name === 'process_cpu_seconds_total'));
  const before = await readCpu();
  const used = process.cpuUsage();
  while (process.cpuUsage(used).user < 1_000);
  expect(before).toContain('"value"');
  expect(await readCpu()).not.toBe(before);
});

/** Creates a gateway's metrics and returns the lines about the event loop. */
async function readLoopDelays(): Promise<readonly string[]> {
  const { text } = await createMetrics().render();
  return text.split('\n').filter((line) => /^nodejs_eventloop_lag_(?:min|max|mean|p99)_seconds /.test(line));
}

test('gateways of one process that are read within a second say the same of its event loop', async () => {
  createMetrics();
  const delays = perfHooks.monitorEventLoopDelay({ resolution: 10 });
  delays.enable();
  onTestFinished(() => void delays.disable());
  // The next reading has values only if the loop was measured twice since the last one.
  await expect.poll(() => delays.count).toBeGreaterThan(1);
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const one = await readLoopDelays();
  const other = await readLoopDelays();
  expect(one).toHaveLength(4);
  expect(other).toEqual(one);
});

function toRecord(operationName: string, code: string | null): RequestRecord {
  const record = new RequestRecord(
    'r',
    { name: 'graphql', template: null, isProbe: false },
    { method: 'POST', headers: {} },
  );
  return Object.assign(record, { operationType: 'query', operationName, code });
}

describe('the number of series is bounded', () => {
  async function operations(names: readonly string[], code: string | null): Promise<readonly Sample[]> {
    const metrics = createMetrics();
    for (const operationName of names) metrics.requests.end(toRecord(operationName, code), 200, 1);
    const families = readExposition((await metrics.render()).text);
    return families.find(({ name }) => name === 'gateway_graphql_operations_total')?.samples ?? [];
  }
  const names = Array.from({ length: 1_000 }, (_, index) => `Operation${index}`);

  test('only the first operation names that callers choose get their own series', async () => {
    const samples = await operations(names, null);
    expect(samples).toHaveLength(51);
    expect(samples.at(0)?.labels).toEqual({ operation: 'Operation0', result: 'ok' });
    expect(samples.at(-1)).toMatchObject({ labels: { operation: 'other', result: 'ok' }, value: 950 });
  });

  test('names of failing operations get no series of their own', async () => {
    const samples = await operations(names, 'BAD_USER_INPUT');
    expect(samples).toMatchObject([{ labels: { operation: 'other', result: 'BAD_USER_INPUT' }, value: 1_000 }]);
  });

  test('only the first unknown fields of the service get their own series, if they are plain names', async () => {
    const metrics = createMetrics();
    for (const name of names) metrics.countUnknownField(`ResponseData.Detail.${name}`);
    for (const name of ['a b', 'a"b', 'x'.repeat(101), '']) metrics.countUnknownField(name);
    const families = readExposition((await metrics.render()).text);
    const { samples = [] } = families.find(({ name }) => name === 'gateway_unknown_fields_total') ?? {};
    expect(samples).toHaveLength(51);
    expect(valueOf(families, 'gateway_unknown_fields_total', { path: 'other' })).toBe(954);
  });
});

test('the test parser rejects text that Prometheus would reject', () => {
  expect(() => readExposition('gateway_ready{a="b" 1\n')).toThrow('gateway_ready');
  expect(() => readExposition('# HELP a b\n# TYPE a gauge\na 1 2 3\n')).toThrow('a 1 2 3');
});
