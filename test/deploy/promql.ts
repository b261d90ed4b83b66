import { parser } from '@prometheus-io/lezer-promql';
import type { Sample } from '../support/exposition.ts';

interface Matcher {
  readonly label: string;
  readonly operator: string;
  readonly value: string;
}

interface Selector {
  readonly metric: string;
  readonly matchers: readonly Matcher[];
}

interface Query {
  readonly selectors: readonly Selector[];
  /** The labels by which the results are grouped. */
  readonly grouping: readonly string[];
}

/** Labels that Prometheus adds to all scraped metrics. */
const TARGET_LABELS: ReadonlySet<string> = new Set(['job', 'instance']);

/** Parses an expression. @throws Error if it is not PromQL. */
export function readQuery(expression: string): Query {
  const selectors: { metric: string; matchers: Matcher[] }[] = [];
  const grouping: string[] = [];
  parser.parse(expression).iterate({
    enter({ name, type, from, to, node }) {
      const text = expression.slice(from, to);
      if (type.isError) throw new Error(`This is not PromQL, at ${from}: ${expression}`);
      if (name === 'VectorSelector') selectors.push({ metric: '', matchers: [] });
      const selector = selectors.at(-1);
      if (name === 'Identifier' && selector) selector.metric = text;
      if (name === 'UnquotedLabelMatcher') {
        const part = (child: string) => {
          const found = node.getChild(child);
          return found ? expression.slice(found.from, found.to) : '';
        };
        const value = JSON.parse(part('StringLiteral')) as string;
        selector?.matchers.push({ label: part('LabelName'), operator: part('MatchOp'), value });
      }
      if (name === 'LabelName' && node.parent?.name === 'GroupingLabels') grouping.push(text);
    },
  });
  return { selectors, grouping };
}

/** Returns the metrics, labels and label values of an expression that do not occur in the samples. */
export function queryProblems(expression: string, samples: readonly Sample[]): readonly string[] {
  const { selectors, grouping } = readQuery(expression);
  const problems = selectors.flatMap((selector) => selectorProblems(selector, samples));
  const labels = new Set(
    samples
      .filter(({ name }) => selectors.some(({ metric }) => metric === name))
      .flatMap((sample) => Object.keys(sample.labels)),
  );
  const unknown = grouping.filter((label) => !TARGET_LABELS.has(label) && !labels.has(label));
  return [...problems, ...unknown.map((label) => `groups by ${label}, which is not a label`)];
}

function selectorProblems({ metric, matchers }: Selector, samples: readonly Sample[]): readonly string[] {
  const ofMetric = samples.filter(({ name }) => name === metric);
  if (ofMetric.length === 0) return [`${metric} is not exported`];
  const own = matchers.filter(({ label }) => !TARGET_LABELS.has(label));
  const noLabel = own.filter(({ label }) => !ofMetric.some(({ labels }) => label in labels));
  if (noLabel.length > 0) return noLabel.map(({ label }) => `${metric} has no label ${label}`);
  const isMatched = ofMetric.some(({ labels }) =>
    own.every((matcher) => matches(matcher, labels[matcher.label] ?? '')),
  );
  const impossible = own.filter((matcher) =>
    alternatives(matcher).some((value) => !isKnown(matcher.label, value, ofMetric)),
  );
  return [
    ...(isMatched ? [] : [`${metric} has no series that matches`]),
    ...impossible.map(({ label, value }) => `${metric} has no ${label} ${value}`),
  ];
}

/** Returns each of the values that a matcher names. */
function alternatives({ operator, value }: Matcher): readonly string[] {
  return operator.endsWith('~') ? value.split('|') : [value];
}

function isKnown(label: string, value: string, samples: readonly Sample[]): boolean {
  return samples.some(({ labels }) => new RegExp(`^(?:${value})$`).test(labels[label] ?? ''));
}

function matches({ operator, value }: Matcher, actual: string): boolean {
  const isEqual = operator.endsWith('~') ? new RegExp(`^(?:${value})$`).test(actual) : actual === value;
  return operator.startsWith('!') ? !isEqual : isEqual;
}
