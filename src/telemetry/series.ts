import { AggregatorRegistry, Counter, type Registry } from 'prom-client';

/** One series of a counter. */
export interface Series {
  value: number;
}

export interface HistogramSeries {
  observe(value: number): void;
}

/** Returns the series of these label values, in the order of the label names. Hot paths look it up once and keep it. */
export type Family<OneSeries> = (...labelValues: readonly string[]) => OneSeries;

/** A metric with its values, as prom-client's `getMetricsAsJSON` gives it. */
export interface MetricSnapshot {
  readonly name: string;
  readonly type: unknown;
}

type Labels = Readonly<Record<string, string | number>>;

interface Sampled {
  toSamples(labels: Labels): readonly {
    readonly labels: Labels;
    readonly value: number;
    readonly metricName?: string;
  }[];
}

export type Families = ReturnType<typeof createFamilies>;

/**
 * Creates the metrics that every request counts. Their series are plain numbers, because prom-client's series cost more than the
 * work that they count. The others are prom-client's own, in `registry`.
 */
export function createFamilies(registry: Registry) {
  const snapshots: (() => MetricSnapshot)[] = [];
  const add = <OneSeries extends Sampled>(
    facts: { readonly name: string; readonly help: string; readonly type: string },
    labelNames: readonly string[],
    create: () => OneSeries,
  ): Family<OneSeries> => {
    const all: { readonly labels: Labels; readonly series: OneSeries }[] = [];
    snapshots.push(() => ({
      aggregator: 'sum',
      ...facts,
      values: all.flatMap(({ labels, series }) => series.toSamples(labels)),
    }));
    return createFinder((labelValues) => {
      const labels = Object.fromEntries(labelNames.map((label, index) => [label, labelValues[index] ?? '']));
      const series = create();
      all.push({ labels, series });
      return series;
    });
  };
  const snapshot = (): readonly MetricSnapshot[] => snapshots.map((read) => read());
  return {
    registry,
    /** Adds a counter of prom-client's with one label, and returns the function that counts a value of it. These start at 0. */
    addCounter<Value extends string>(name: string, help: string, label: string, values: readonly Value[]) {
      const counter = new Counter({ name, help, labelNames: [label], registers: [registry] });
      for (const value of values) counter.inc({ [label]: value }, 0);
      return (value: Value): void => counter.inc({ [label]: value });
    },
    counter: (name: string, help: string, labelNames: readonly string[]): Family<Series> =>
      add({ name, help, type: 'counter' }, labelNames, createNumber),
    /** `buckets` are upper bounds, ascending. */
    histogram: (
      name: string,
      help: string,
      labelNames: readonly string[],
      buckets: readonly number[],
    ): Family<HistogramSeries> =>
      add({ name, help, type: 'histogram' }, labelNames, () => createBuckets(name, buckets)),
    /** Returns all values, in the form that prom-client aggregates. */
    snapshot: async () => [...(await registry.getMetricsAsJSON()), ...snapshot()] as readonly MetricSnapshot[],
    /** Renders all metrics in Prometheus' text format. */
    render: async () => `${await registry.metrics()}\n${await AggregatorRegistry.aggregate([snapshot()]).metrics()}`,
  };
}

function createNumber(): Series & Sampled {
  const series = { value: 0, toSamples: (labels: Labels) => [{ labels, value: series.value }] };
  return series;
}

function createBuckets(name: string, buckets: readonly number[]): HistogramSeries & Sampled {
  const counts = Array.from({ length: buckets.length + 1 }, () => 0);
  let sum = 0;
  return {
    observe(value) {
      let index = 0;
      while (index < buckets.length && value > (buckets[index] as number)) index += 1;
      counts[index] = (counts[index] as number) + 1;
      sum += value;
    },
    toSamples(labels) {
      let count = 0;
      const cumulated = counts.map((own, index) => {
        count += own;
        return { labels: { ...labels, le: buckets[index] ?? '+Inf' }, value: count, metricName: `${name}_bucket` };
      });
      return [
        ...cumulated,
        { labels, value: sum, metricName: `${name}_sum` },
        { labels, value: count, metricName: `${name}_count` },
      ];
    },
  };
}

/** A node of the tree of label values, which finds a series without building a key from its labels. */
interface LabelNode<OneSeries> {
  series: OneSeries | null;
  readonly next: Map<string, LabelNode<OneSeries>>;
}

function createFinder<OneSeries>(create: (labelValues: readonly string[]) => OneSeries): Family<OneSeries> {
  const root: LabelNode<OneSeries> = { series: null, next: new Map() };
  return (...labelValues) => {
    let node = root;
    for (const value of labelValues) {
      let next = node.next.get(value);
      if (!next) node.next.set(value, (next = { series: null, next: new Map() }));
      node = next;
    }
    return (node.series ??= create(labelValues));
  };
}

/** Histogram buckets for calls and answers, in seconds: from a commit of the store to the longest usual timeout. */
export const LATENCY_SECONDS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

/** Limits the number of label values that callers or the service choose. */
export interface BoundedLabels {
  /** Returns the value itself if it is among the first admitted ones, else `other`. */
  admit(value: string): string;
  /** The same, but does not admit a new value. */
  find(value: string): string;
}

const OTHER = 'other';
const MAX_LENGTH = 100;

export function createBoundedLabels(max: number): BoundedLabels {
  const known = new Set<string>();
  const find = (value: string): string => (known.has(value) ? value : OTHER);
  return {
    find,
    admit(value) {
      if (known.size < max && value.length <= MAX_LENGTH) known.add(value);
      return find(value);
    },
  };
}
