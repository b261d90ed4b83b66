import type { Metric, Registry } from 'prom-client';

export interface FamilyOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
  /** How the values of several processes become one. */
  readonly aggregator?: 'sum' | 'min' | 'max';
}

export interface HistogramOptions extends FamilyOptions {
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[];
}

/** One series of a counter or gauge: a plain number. */
export interface Series {
  value: number;
}

export interface HistogramSeries {
  observe(value: number): void;
}

/** The series of these label values, in the order of the names; to be looked up once and kept where every request counts. */
export type Family<Kept> = (...labelValues: readonly string[]) => Kept;

type Labels = Readonly<Record<string, string | number>>;
interface Sample {
  readonly labels: Labels;
  readonly value: number;
  readonly metricName?: string;
}

/** A counter whose series are plain numbers, read only when somebody asks: prom-client's own cost more than what they count. */
export function createCounter(registry: Registry, options: FamilyOptions): Family<Series> {
  return createNumbers(registry, 'counter', options);
}

/** A gauge whose series are plain numbers. */
export function createGauge(registry: Registry, options: FamilyOptions): Family<Series> {
  return createNumbers(registry, 'gauge', options);
}

/** A gauge without labels whose value is asked for when somebody reads it. */
export function createComputedGauge(registry: Registry, options: FamilyOptions, read: () => number): void {
  createFamily(registry, 'gauge', options, () => ({ toSamples: (labels) => [{ labels, value: read() }] }));
}

/** A histogram whose buckets are plain numbers. */
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

/** What is kept for the label values on the way here: no key is put together for a look-up. */
interface LabelNode<Kept> {
  series: Kept | null;
  readonly next: Map<string, LabelNode<Kept>>;
}

function createFamily<Kept extends Sampled>(
  registry: Registry,
  type: string,
  { name, help, labelNames = [], aggregator = 'sum' }: FamilyOptions,
  create: () => Kept,
): Family<Kept> {
  const kept: { readonly labels: Labels; readonly series: Kept }[] = [];
  const root: LabelNode<Kept> = { series: null, next: new Map() };
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
      values: kept.flatMap(({ labels, series }) => series.toSamples(labels)),
    }),
  };
  // What a registry asks of a metric is its name and `get`.
  registry.registerMetric(metric as unknown as Metric);
  const add = (labelValues: readonly string[]): Kept => {
    const labels = Object.fromEntries(labelNames.map((label, index) => [label, labelValues[index] ?? '']));
    const series = create();
    kept.push({ labels, series });
    return series;
  };
  const family: Family<Kept> = (...labelValues) => {
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

/** Upper bounds for times of calls and answers, in seconds: from a store's commit to the longest time limit in use. */
export const LATENCY_SECONDS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

/** Values of a label that others choose, of which only so many become labels of their own. */
export interface BoundedLabels {
  /** The value itself when it is one of the first that were admitted, else `other`. */
  admit(value: string): string;
  /** The same, but a new value is not admitted. */
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
