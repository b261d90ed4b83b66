import parsePrometheusTextFormat from 'parse-prometheus-text-format';

/** One sample of a metric. */
export interface Sample {
  /** The name of the series; those of a histogram end in _bucket, _sum or _count. */
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

/** Parses the answer of /metrics. @throws Error for anything that Prometheus would reject. */
export function readExposition(text: string): readonly MetricFamily[] {
  const samples = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(toSample);
  // The parser rejects malformed lines, but drops the labels of histograms, so the samples are parsed here.
  return parsePrometheusTextFormat(text).map(({ name, help, type }) => ({
    name,
    help,
    type: type.toLowerCase(),
    samples: samples.filter((sample) => sample.name === name || sample.name.replace(SUFFIX, '') === name),
  }));
}

/** Returns the value of the sample with this name and at least these labels; undefined if there is no such sample. */
export function valueOf(
  families: readonly MetricFamily[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const found = families
    .flatMap(({ samples }) => samples)
    .filter((sample) => sample.name === name)
    .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value));
  if (found.length > 1) throw new Error(`${name} ${JSON.stringify(labels)} matches more than one sample`);
  return found[0]?.value;
}

function toSample(line: string): Sample {
  const [, name, labels = '', value] = SAMPLE.exec(line) ?? [];
  if (!name || !value) throw new Error(`This is not a sample: ${line}`);
  const pairs = [...labels.matchAll(LABEL)].map(([, label = '', text = '']) => [label, text] as const);
  return { name, labels: Object.fromEntries(pairs), value: Number(value.replace('Inf', 'Infinity')) };
}
