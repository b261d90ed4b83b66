import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { FAILURES } from '../../src/contract/failure.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { ROOMS } from '../layers.ts';
import { blocksOf, named, PAGES, readMarkdown, ROOT } from './markdown.ts';

/** The text of files without comments, which name examples. */
const readSources = (pattern: string | readonly string[]): string =>
  globSync(pattern, { cwd: ROOT })
    .map((path) => readFileSync(join(ROOT, path), 'utf8'))
    .join('\n')
    .replaceAll(/^\s*\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '');

const configSource = readSources('src/app/config*.ts');

/** The rows of all tables of a page, as their cells. */
function rowsOf(text: string): readonly (readonly string[])[] {
  return [...text.matchAll(/^\| (.+) \|$/gm)].map(([, row = '']) => row.split(' | '));
}

describe('configuration.md', () => {
  const page = readMarkdown('docs/configuration.md');
  const rows = rowsOf(page).filter(([cell = '']) => cell.startsWith('`'));
  const documented = rows.flatMap(([cell = '']) => named(cell, /`([A-Z_]+)`/g));
  /** Read by packages and by Node, not by this project. */
  const ofPackages = ['OTEL_EXPORTER_OTLP_HEADERS', 'NODE_COMPILE_CACHE', 'NO_COLOR'];

  test('has every variable of the code and the image, and no other', () => {
    const inCode = [
      ...named(configSource, /'([A-Z][A-Z_]{3,})'/g),
      ...named(readFileSync(join(ROOT, 'src/cli.ts'), 'utf8'), /process\.env\['(\w+)'\]/g),
      ...named(
        readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
          .match(/^ENV .+$/gm)
          ?.join('\n') ?? '',
        /([A-Z_]+)=/g,
      ),
    ];
    expect(documented.toSorted()).toEqual([...new Set([...inCode, ...ofPackages])].toSorted());
  });

  test('gives the defaults of the code', () => {
    const inCode = [...configSource.matchAll(/read(?:<[^>]+>)?\('(\w+)', ('[^']*'|[\d_]+|true|false),/g)];
    expect(inCode.length).toBeGreaterThan(15);
    const words: Readonly<Record<string, string>> = { true: 'on', false: 'off' };
    const wrong = inCode.filter(([, name = '', value = '']) => {
      const text = words[value] ?? value.replaceAll(/['_]/g, '');
      const [, given = ''] = rows.find(([cell = '']) => cell.includes(`\`${name}\``)) ?? [];
      return text !== '' && !given.startsWith(text);
    });
    expect(wrong.map(([text]) => text)).toEqual([]);
  });
});

test.each(PAGES.filter((path) => path.startsWith('docs/') || path === 'README.md'))(
  '%s names only variables, codes and values that exist',
  (path) => {
    const known = [
      configSource,
      readSources(['src/client/*.ts', 'src/contract/*.ts', 'src/graphql/*.ts', 'compose.yaml', 'schema.graphql']),
      readMarkdown('docs/failures.md'),
      readMarkdown('docs/configuration.md'),
    ].join('\n');
    // Those that begin with NODE_ are Node's own.
    const names = named(readMarkdown(path), /`((?!NODE_)[A-Z]+(?:_[A-Z]+)+)`/g);
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(known))).toEqual([]);
  },
);

describe('failures.md', () => {
  const page = readMarkdown('docs/failures.md');
  const sections = new Map(
    [...page.matchAll(/^### ([A-Z_]+)\n\n(.+)\n([^]*?)(?=\n##|$(?![^]))/gm)].map(
      ([, code = '', facts = '', body = '']) => [code, { facts, body }],
    ),
  );

  test('has a section for every code in the code, and for no other', () => {
    const ours = readSources(['src/graphql/**/*.ts', 'src/http/*.ts', 'src/schema/*.ts']);
    const codes = [
      ...FAILURES.map(({ code }) => code),
      ...named(ours, /\bcode: '([A-Z_]+)'/g),
      ...named(ours, /'((?:PERSISTED|GRAPHQL)_[A-Z_]+)'/g),
    ];
    expect([...sections.keys()].toSorted()).toEqual([...new Set(codes)].toSorted());
  });

  test.each(FAILURES)('gives the outcomes, retryable and REST status of $code', (failure) => {
    const retryable = failure.retryable ? 'retryable' : 'not retryable';
    expect(sections.get(failure.code)?.facts).toBe(
      `${failure.outcomes.join(' or ')}, ${retryable}, REST ${failure.restStatus}.`,
    );
  });

  test.each([...sections])(
    'says of %s what happened, what a program does and what a person is shown',
    (_code, { body }) => {
      expect(named(body, /^- \*\*([^*]+):\*\*/gm)).toEqual(['What happened', 'Program', 'Person']);
    },
  );
});

describe('operations.md', () => {
  const page = readMarkdown('docs/operations.md');

  test('has a section for every alert, and none for others', () => {
    const { groups } = parse(readFileSync(join(ROOT, 'deploy/alerts.yml'), 'utf8')) as {
      readonly groups: readonly { readonly rules: readonly { readonly alert: string }[] }[];
    };
    const alerts = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
    expect(named(page, /^### (Gateway\w+)$/gm)).toEqual(alerts);
  });

  test('quotes only messages that the code has', () => {
    const prose = page.replaceAll(/^```[^]*?^```$|`[^`]*`/gm, '');
    const known = readSources(['src/**/*.ts', 'compose.yaml']);
    // Node's own.
    const quotes = named(prose, /"([^"]{8,}?)(?: …)?"/g).filter((quote) => quote !== 'heap out of memory');
    expect(quotes.length).toBeGreaterThan(3);
    expect(quotes.filter((quote) => !known.includes(quote))).toEqual([]);
  });

  test('explains every limit that gateway_refusals_total counts', async () => {
    const { text } = await createMetrics().render();
    const limits = named(text, /^gateway_refusals_total\{limit="(\w+)"\}/gm);
    expect(limits.length).toBeGreaterThan(20);
    const [bounds = ''] = /^## Bounds$[^]*?(?=^## )/m.exec(page) ?? [];
    expect(limits.filter((limit) => !bounds.includes(`\`${limit}\``))).toEqual([]);
  });
});

describe('architecture.md', () => {
  const page = readMarkdown('docs/architecture.md');

  test('draws every room of src/', () => {
    const [drawing] = blocksOf('docs/architecture.md');
    expect(ROOMS.filter((room) => room !== 'cli' && !drawing?.text.includes(`src/${room}/`))).toEqual([]);
  });

  test('lists every place that may send a create to the service again', () => {
    const marked = globSync('src/**/*.ts', { cwd: ROOT }).filter((path) =>
      readFileSync(join(ROOT, path), 'utf8').includes('May send the request again:'),
    );
    const [section = ''] = /^## Where a create may be sent again$[^]*?(?=^In store mode)/m.exec(page) ?? [];
    expect(named(section, /^\| `(src\/[^`]+)`/gm).toSorted()).toEqual(marked.toSorted());
  });
});

test.each(['README.md', 'docs/performance.md'])(
  '%s has only measured figures that the benchmark’s page has',
  (path) => {
    const measured = readMarkdown('test/bench/README.md');
    const [, part = ''] = /^## How fast it is$([^]*?)^## /m.exec(readMarkdown(path)) ?? [null, readMarkdown(path)];
    // The runs of one measurement stay together: 1.11, 1.11, 1.17.
    const figures = named(part, /(?<![\w.])(\d+(?:\.\d+)+(?:, \d+\.\d+)*|\d{3}(?:, \d{3})*(?= ms| MB))/g);
    expect(figures.length).toBeGreaterThan(5);
    expect(figures.filter((figure) => !measured.includes(figure))).toEqual([]);
  },
);
