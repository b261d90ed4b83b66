import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { queryProblems, readQuery } from './promql.ts';
import { serveAndReadMetrics } from '../support/served-metrics.ts';

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly legendFormat: string }[];
}

interface Dashboard {
  readonly uid: string;
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[];
  };
  readonly panels: readonly Panel[];
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

const read = (name: string): string => readFileSync(new URL(`../../deploy/${name}`, import.meta.url), 'utf8');
const dashboard = JSON.parse(read('dashboard.json')) as Dashboard;
const alerts = parse(read('alerts.yml')) as {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
};
const rules = alerts.groups.flatMap((group) => group.rules);
const panels = dashboard.panels.filter(({ type }) => type !== 'row');
const targets = panels.flatMap(({ title, targets: ofPanel = [] }) => ofPanel.map((target) => ({ title, ...target })));

const { upstream, store, workers } = await serveAndReadMetrics();
const families = [...upstream, ...store, ...workers];
const samples = families.flatMap((family) => family.samples);

/** Replaces the variables as Grafana does. */
function withoutVariables(expression: string): string {
  return expression.replaceAll('$__rate_interval', '5m').replaceAll('$job', 'gateway').replaceAll('$instance', '.*');
}

/** Returns the metrics that an expression reads; for the series of a histogram, the name of the histogram. */
function metricsOf(expression: string): readonly string[] {
  return readQuery(withoutVariables(expression)).selectors.map(({ metric }) =>
    families.some(({ name }) => name === metric) ? metric : metric.replace(/_(?:bucket|sum|count)$/, ''),
  );
}

describe('the dashboard', () => {
  test.each(targets.map(({ title, refId, expr }) => [title, refId, expr] as const))(
    'the panel %s, query %s, uses only metrics and labels that a gateway exports',
    (_title, _refId, expression) => {
      expect(queryProblems(withoutVariables(expression), samples)).toEqual([]);
    },
  );

  test('every query is limited to the selected processes, and every legend uses existing labels', () => {
    for (const { expr, legendFormat } of targets) {
      const { selectors, grouping } = readQuery(withoutVariables(expr));
      for (const { matchers } of selectors) {
        expect(matchers.map(({ label }) => label)).toEqual(expect.arrayContaining(['job', 'instance']));
      }
      const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label);
      expect(grouping).toEqual(expect.arrayContaining(named));
    }
  });

  test('the dashboard can be provisioned anywhere: it has a uid, and its data source is a variable', () => {
    expect(dashboard).not.toHaveProperty('id');
    expect(dashboard.uid).toBe('account-task-gateway');
    expect(dashboard.templating.list.map(({ name, type }) => [name, type])).toEqual([
      ['datasource', 'datasource'],
      ['job', 'query'],
      ['instance', 'query'],
    ]);
    for (const { definition } of dashboard.templating.list.slice(1)) {
      const [, query = ''] = /^label_values\((.+), \w+\)$/.exec(definition ?? '') ?? [];
      expect(queryProblems(withoutVariables(query), samples)).toEqual([]);
    }
    for (const { datasource } of panels) expect(datasource).toEqual({ type: 'prometheus', uid: '${datasource}' });
  });

  test('panels do not overlap, and each has an ID and a query', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    for (const { gridPos, targets: ofPanel } of panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      expect(ofPanel?.length).toBeGreaterThan(0);
    }
  });

  test("the dashboard shows each of the gateway's own metrics", () => {
    const shown = new Set(targets.flatMap(({ expr }) => metricsOf(expr)));
    const own = families.map(({ name }) => name).filter((name) => name.startsWith('gateway_'));
    expect([...new Set(own)].filter((name) => !shown.has(name))).toEqual([]);
  });
});

describe('the alerts', () => {
  test.each(rules.map(({ alert, expr }) => [alert, expr] as const))(
    'the alert %s uses only metrics and labels that a gateway exports',
    (_, expr) => {
      expect(queryProblems(expr, samples)).toEqual([]);
    },
  );

  test('alerts have unique names, and state the problem, its severity and what to do', () => {
    const names = rules.map(({ alert }) => alert);
    expect(names.length).toBeGreaterThan(5);
    expect(names.length).toBeLessThan(15);
    expect(new Set(names).size).toBe(names.length);
    for (const { alert, labels, annotations, expr, for: pending = '0m' } of rules) {
      expect(alert).toMatch(/^Gateway[A-Z]\w+$/);
      expect(['info', 'warning', 'critical']).toContain(labels.severity);
      expect(annotations.description).toMatch(/\.$/);
      expect(pending).toMatch(/^\d+m$/);
      const { grouping } = readQuery(expr);
      const named = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label);
      expect(grouping).toEqual(expect.arrayContaining(named));
    }
  });
});

describe('the check of queries', () => {
  test.each([
    ['gateway_created_total', 'gateway_created_total is not exported'],
    ['gateway_creates_total{state="OK"}', 'gateway_creates_total has no label state'],
    ['gateway_creates_total{outcome="LOST"}', 'gateway_creates_total has no series that matches'],
    ['gateway_refusals_total{limit=~"in_flight|patience"}', 'gateway_refusals_total has no limit in_flight|patience'],
    ['sum by (color) (gateway_creates_total)', 'groups by color, which is not a label'],
  ])('the check finds the mistake in %s', (expression, problem) => {
    expect(queryProblems(expression, samples)).toContain(problem);
  });

  test('the check rejects an expression that is not PromQL', () => {
    expect(() => readQuery('sum(rate(gateway_creates_total[5m])')).toThrow('not PromQL');
  });
});
