import parsePrometheusTextFormat from 'parse-prometheus-text-format';

/** One sample of a metric, as Prometheus reads it. */
export interface Sample {
  /** Of the series: a histogram's end in _bucket, _sum or _count. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: readonly Sample[];
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/g;
const SUFFIX = /_(?:bucket|sum|count)$/;

/** Reads what /metrics answers; throws for anything that Prometheus would not take. */
export function readExposition(text: string): readonly MetricFamily[] {
  const samples = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(toSample);
  // The parser throws at a line that is none; it keeps no labels of histograms, so those are read here.
  return parsePrometheusTextFormat(text).map(({ name, help, type }) => ({
    name,
    help,
    type: type.toLowerCase(),
    samples: samples.filter((sample) => sample.name === name || sample.name.replace(SUFFIX, '') === name),
  }));
}

/** The value of the one sample with this name and, among others, these labels; undefined where there is none. */
export function valueOf(
  families: readonly MetricFamily[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const found = families
    .flatMap(({ samples }) => samples)
    .filter((sample) => sample.name === name)
    .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value));
  if (found.length > 1) throw new Error(`${name} ${JSON.stringify(labels)} is not one sample`);
  return found[0]?.value;
}

function toSample(line: string): Sample {
  const [, name, labels = '', value] = SAMPLE.exec(line) ?? [];
  if (!name || !value) throw new Error(`This is no sample: ${line}`);
  const pairs = [...labels.matchAll(LABEL)].map(([, label = '', text = '']) => [label, text] as const);
  return { name, labels: Object.fromEntries(pairs), value: Number(value.replace('Inf', 'Infinity')) };
}
