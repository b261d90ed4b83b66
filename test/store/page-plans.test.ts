import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { PageRequest } from '../../src/contract/task-service.ts';
import { formatTimestamp } from '../../src/contract/text-formats.ts';
import { createRecordReads } from '../../src/store/task-records.ts';
import type { Database, SqlParameter, SqlValue } from '../../src/store/sql/database.ts';
import { createStoredReads, createTimeOrderedId } from '../../src/store/account-tasks.ts';
import { SAMPLE_DETAIL } from '../support/contract-samples.ts';
import { DATABASES, type DatabaseKind } from '../support/databases.ts';
import { separateStore } from '../support/sample-account.ts';
import { addClient } from '../support/client-without-secret.ts';

/** A quarter of the rows belongs to one account, the others to many. */
const ROWS = 8_000;
const FIRST = 20;
const START_MS = Date.UTC(2026, 0, 1);
const STEP_MS = 1_000;
/** The last one is that of nearly all rows. */
const TASK_IDS = Array.from({ length: 4 }, () => randomUUID());
const OWN = randomUUID();

const rows = Array.from({ length: ROWS }, (_, row) => ({
  owner: row % 4 === 0 ? OWN : `other ${row % 499}`,
  id: createTimeOrderedId(START_MS + row * STEP_MS),
  taskId: TASK_IDS[Math.min(Math.floor(row / 4) % 100, TASK_IDS.length - 1)] ?? '',
  created: formatTimestamp(START_MS + row * STEP_MS),
}));
const after = rows[ROWS / 2]?.id ?? '';
const at = (row: number): string => formatTimestamp(START_MS + row * STEP_MS);

const PAGES: readonly (readonly [string, Partial<PageRequest>])[] = [
  ['without a filter', {}],
  ['after a cursor', { after }],
  ['of the oldest tasks', { order: 'OLDEST_FIRST', after }],
  ['between two cursors', { after, before: rows[ROWS / 8]?.id ?? '' }],
  ['of one taskId', { filter: { taskIds: TASK_IDS.slice(0, 1) } }],
  ['of several taskIds, oldest first', { filter: { taskIds: TASK_IDS.slice(0, 3) }, order: 'OLDEST_FIRST', after }],
  [
    'of many taskIds',
    { filter: { taskIds: [...TASK_IDS.slice(0, 3), ...Array.from({ length: 20 }, () => randomUUID())] } },
  ],
];
const CREATED: readonly (readonly [string, Partial<PageRequest>])[] = [
  ['of creation times', { filter: { createdFrom: at(ROWS / 4), createdBefore: at(ROWS / 2) } }],
  ['of creation times and taskIds', { filter: { createdBefore: at(ROWS / 2), taskIds: TASK_IDS.slice(0, 3) } }],
];

interface Statement {
  readonly sql: string;
  readonly parameters: readonly SqlParameter[];
}

/** Collects the statements that read pages. */
function observed(database: Database): { readonly database: Database; readonly statements: Statement[] } {
  const statements: Statement[] = [];
  const read: Database['read'] = (sql, parameters = []) => {
    statements.push({ sql, parameters });
    return database.read(sql, parameters);
  };
  return { database: { ...database, read }, statements };
}

async function insert(
  database: Database,
  table: string,
  columns: readonly string[],
  toRow: (row: (typeof rows)[number]) => readonly SqlValue[],
): Promise<void> {
  await database.transaction((transaction) => transaction.insert(table, columns, rows.map(toRow)));
}

async function openStored(kind: DatabaseKind) {
  const { store, database, databaseUrl } = await separateStore(kind);
  for (const id of TASK_IDS) await store.catalogue.add({ id, name: 'A report' });
  const client = await addClient(database, { accountId: OWN });
  const values = { client_id: client.id, name: 'A report', enabled: 1, frequency: 'NONE', parameters: '{}' };
  const others = { ...values, content_type: '', notification: '', date_modified: '', last_modified_by: '', status: '' };
  await insert(
    database,
    'account_tasks',
    ['account_id', 'id', 'task_id', 'date_created', ...Object.keys(others)],
    ({ owner, id, taskId, created }) => [owner, id, taskId, created, ...Object.values(others)],
  );
  const { statements, ...seen } = observed(database);
  const reads = createStoredReads(seen.database);
  return {
    database,
    databaseUrl,
    statements,
    list: (page: PageRequest) => reads.list({ kind: 'account', accountId: OWN, clientId: null }, page),
  };
}

async function openRecorded(kind: DatabaseKind) {
  const { database, databaseUrl } = await separateStore(kind);
  await insert(
    database,
    'recorded_tasks',
    ['scope', 'position', 'id', 'task_id', 'detail'],
    ({ owner, id, taskId }) => [owner, id, id, taskId, JSON.stringify({ ...SAMPLE_DETAIL, ID: id, TaskID: taskId })],
  );
  const { statements, ...seen } = observed(database);
  const reads = createRecordReads(seen.database);
  const owner = { scope: OWN, credential: null } as const;
  return { database, databaseUrl, statements, list: (page: PageRequest) => reads.list(owner, page) };
}

/** A node of a plan of PostgreSQL. */
interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Cond'?: string;
  readonly 'Actual Rows'?: number;
  readonly 'Actual Loops'?: number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

const scansOf = (node: PlanNode): readonly PlanNode[] => [
  ...(node['Relation Name']?.endsWith('_tasks') ? [node] : []),
  ...(node.Plans ?? []).flatMap(scansOf),
];

/** Opens a connection that plans as the gateway's do. It sends no parameters, because a generic plan must have none. */
async function openPlanner(databaseUrl: string): Promise<Client> {
  const planner = new Client({ connectionString: `${databaseUrl}${encodeURIComponent(' -c enable_bitmapscan=off')}` });
  onTestFinished(() => planner.end());
  await planner.connect();
  return planner;
}

async function expectIndexesOnPostgres(
  planner: Client,
  database: Database,
  { sql, parameters }: Statement,
  sets: number,
): Promise<void> {
  const [row] = await database.read(`EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`, parameters);
  const [{ Plan }] = JSON.parse(String(row?.['QUERY PLAN'])) as [{ readonly Plan: PlanNode }];
  const scans = scansOf(Plan);
  const { rows: generic } = await planner.query<{ readonly 'QUERY PLAN': readonly { readonly Plan: PlanNode }[] }>(
    `EXPLAIN (GENERIC_PLAN, FORMAT JSON) ${sql.replace(/\?(\d+)/g, '$$$1')}`,
  );
  const [forAny] = generic[0]?.['QUERY PLAN'] ?? [];
  expect(forAny).toBeDefined();
  for (const scan of [...scans, ...scansOf(forAny?.Plan as PlanNode)]) {
    expect(scan['Node Type']).toMatch(/^Index (Only )?Scan$/);
    expect(scan['Index Cond']).toMatch(/(account_id|scope) = .+(id|position)"?\)? [<=>]|^\("position" = measured/);
  }
  const read = scans.map(
    (scan) => ((scan['Actual Rows'] ?? 0) + (scan['Rows Removed by Filter'] ?? 0)) * (scan['Actual Loops'] ?? 0),
  );
  expect(read.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual((sets + 1) * (FIRST + 1));
}

async function expectIndexesOnSqlite(
  database: Database,
  { sql, parameters }: Statement,
  isByTask: boolean,
): Promise<void> {
  const plan = await database.read<{ readonly detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, parameters);
  const reads = plan.map(({ detail }) => detail).filter((detail) => /_tasks\b/.test(detail));
  expect(reads.length).toBeGreaterThan(1);
  for (const read of reads)
    expect(read).toMatch(/^SEARCH .+ USING .*INDEX .+\((account_id|scope)=\? AND .*(id|position)\)?[=<>]/);
  const ofSets = reads.filter((read) => !/ AND (id|position)=\?\)$/.test(read));
  expect(ofSets.length).toBeGreaterThan(0);
  const byOther = ofSets.filter((read) => isByTask && !/_(by|without)_task /.test(read));
  expect(byOther).toEqual([]);
}

describe.each(DATABASES)('on %s', (kind) => {
  test.each([
    ['tasks', openStored, [...PAGES, ...CREATED]],
    ['records', openRecorded, PAGES],
  ] as const)(
    'every page of %s that an index can find reads only rows of the page, from that index',
    async (_, open, pages) => {
      const { database, databaseUrl, statements, list } = await open(kind);
      const analyze = () => database.transaction((transaction) => transaction.write('ANALYZE'));
      const planner = kind === 'PostgreSQL' ? await openPlanner(databaseUrl) : null;
      if (planner) await analyze();
      for (const [name, page] of [...pages, ['with statistics', {}] as const, ...pages]) {
        // PostgreSQL collects statistics by itself. SQLite has none unless somebody analyzes the file.
        if (name === 'with statistics') await analyze();
        statements.length = 0;
        const { tasks } = await list({ first: FIRST, after: null, maxBytes: 1_000_000, ...page });
        expect([name, tasks.length]).toEqual([name, FIRST]);
        const statement = statements.at(-1) as Statement;
        if (planner) await expectIndexesOnPostgres(planner, database, statement, page.filter?.taskIds ? 33 : 1);
        else await expectIndexesOnSqlite(database, statement, page.filter?.taskIds !== undefined);
      }
    },
  );

  test.each([
    ['tasks', openStored],
    ['records', openRecorded],
  ])('a list of %s is counted only if that is requested, whatever page is read', async (_, open) => {
    const { list, statements } = await open(kind);
    expect((await list({ first: 1, after: null })).totalCount).toBeUndefined();
    expect(statements).toHaveLength(1);
    expect((await list({ first: 1, after, isCounted: true })).totalCount).toBe(ROWS / 4);
    const filter = { taskIds: TASK_IDS.slice(0, 3) };
    expect((await list({ first: 1, after: null, filter, isCounted: true })).totalCount).toBe((3 * ROWS) / 400);
  });
});
