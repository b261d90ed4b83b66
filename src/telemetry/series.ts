import type { Metric, Registry } from 'prom-client';

export interface FamilyOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
  /** How the values of several workers are combined. */
  readonly aggregator?: 'sum' | 'min' | 'max';
}

export interface HistogramOptions extends FamilyOptions {
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[];
}

/** One series of a counter or gauge. */
export interface Series {
  value: number;
}

export interface HistogramSeries {
  observe(value: number): void;
}

/** Returns the series of these label values, in the order of the label names. Hot paths look it up once and keep it. */
export type Family<OneSeries> = (...labelValues: readonly string[]) => OneSeries;

type Labels = Readonly<Record<string, string | number>>;
interface Sample {
  readonly labels: Labels;
  readonly value: number;
  readonly metricName?: string;
}

/** Creates a counter whose series are plain numbers, because prom-client's counters cost more than the work that they count. */
export function createCounter(registry: Registry, options: FamilyOptions): Family<Series> {
  return createNumbers(registry, 'counter', options);
}

/** Creates a gauge whose series are plain numbers. */
export function createGauge(registry: Registry, options: FamilyOptions): Family<Series> {
  return createNumbers(registry, 'gauge', options);
}

/** Creates a gauge without labels whose value is computed when the metrics are read. */
export function createComputedGauge(registry: Registry, options: FamilyOptions, read: () => number): void {
  createFamily(registry, 'gauge', options, () => ({ toSamples: (labels) => [{ labels, value: read() }] }));
}

/** Creates a histogram whose buckets are plain numbers. */
export function createHistogram(registry: Registry, options: HistogramOptions): Family<HistogramSeries> {
  const { name, buckets } = options;
  return createFamily(registry, 'histogram', options, () => {
    const counts = Array.from({ length: buckets.length + 1 }, () => 0);
    let sum = 0;
    return {
      observe(value: number) {
        let index = 0;
        while (index < buckets.length && value > (buckets[index] as number)) index += 1;
        counts[index] = (counts[index] as number) + 1;
        sum += value;
      },
      toSamples(labels): Sample[] {
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
  });
}

function createNumbers(registry: Registry, type: 'counter' | 'gauge', options: FamilyOptions): Family<Series> {
  return createFamily(registry, type, options, () => {
    const series: Series & Sampled = {
      value: 0,
      toSamples: (labels) => [{ labels, value: series.value }],
    };
    return series;
  });
}

interface Sampled {
  toSamples(labels: Labels): Sample[];
}

/** A node of the tree of label values, which finds a series without building a key from its labels. */
interface LabelNode<OneSeries> {
  series: OneSeries | null;
  readonly next: Map<string, LabelNode<OneSeries>>;
}

function createFamily<OneSeries extends Sampled>(
  registry: Registry,
  type: string,
  { name, help, labelNames = [], aggregator = 'sum' }: FamilyOptions,
  create: () => OneSeries,
): Family<OneSeries> {
  const all: { readonly labels: Labels; readonly series: OneSeries }[] = [];
  const root: LabelNode<OneSeries> = { series: null, next: new Map() };
  const metric = {
    name,
    help,
    type,
    aggregator,
    get: async () => ({
      name,
      help,
      type,
      aggregator,
      values: all.flatMap(({ labels, series }) => series.toSamples(labels)),
    }),
  };
  // A registry uses only the name and `get` of a metric.
  registry.registerMetric(metric as unknown as Metric);
  const add = (labelValues: readonly string[]): OneSeries => {
    const labels = Object.fromEntries(labelNames.map((label, index) => [label, labelValues[index] ?? '']));
    const series = create();
    all.push({ labels, series });
    return series;
  };
  const family: Family<OneSeries> = (...labelValues) => {
    let node = root;
    for (const value of labelValues) {
      let next = node.next.get(value);
      if (!next) node.next.set(value, (next = { series: null, next: new Map() }));
      node = next;
    }
    return (node.series ??= add(labelValues));
  };
  if (labelNames.length === 0) family();
  return family;
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
