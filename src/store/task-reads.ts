import type { AccountTask } from '../contract/account-task.ts';
import {
  type AccountTaskFilter,
  type AccountTaskPage,
  matchesFilter,
  type PageRequest,
} from '../contract/task-service.ts';
import { exclusiveTurn } from '../event-loop/turn-batch.ts';
import type { Database, SqlParameter, SqlReader, SqlRow } from './sql/database.ts';
import { throwReadFailure } from './store-failure.ts';

/** The IDs between which a page lies, in the order of its list. */
export type Cursors = Partial<Pick<PageRequest, 'after' | 'before'>>;

/** The keys between which the rows of a page lie. */
interface KeyRange {
  /** Smaller than every key of the page. */
  readonly above: string;
  /** Larger than every key of the page. */
  readonly below: string;
}

/** A table of tasks, and how the tasks of an owner are found in it. */
export interface TaskTable<Owner, Row extends SqlRow> {
  readonly table: string;
  readonly columns: string;
  /** The text column, which may hold megabytes. */
  readonly text: string;
  /** The column that orders lists. */
  readonly key: string;
  /** The condition of the owner's rows, and its parameters. */
  readonly scope: string;
  readonly toParameters: (owner: Owner) => readonly SqlParameter[];
  readonly toTask: (row: Row) => AccountTask;
  /** The conditions of a filter that an index finds. For any other one, each task has to be looked at. */
  readonly indexed: readonly (keyof AccountTaskFilter)[];
  /** Returns the condition of a list's rows and the keys between which they lie. `bind` adds a parameter and returns its name. */
  readonly toList: (
    filter: AccountTaskFilter,
    range: KeyRange,
    bind: (parameter: SqlParameter) => string,
  ) => KeyRange & { readonly scope: string };
  /** Converts cursors to keys, if those are not the IDs of tasks. */
  readonly toKeys?: (reader: SqlReader, owner: Owner, cursors: Cursors) => Promise<Cursors>;
  /** Called if nothing was found. @throws TaskFailure if the owner may not read. */
  readonly refuse?: (reader: SqlReader, owner: Owner) => Promise<void>;
}

/** Keys are GUIDs. These texts sort before and after all of them. */
const [SMALLEST, LARGEST] = ['', '~'];
/** The highest number of tasks that are counted. */
const MAX_COUNTED = 10_000;
/** How many tasks are looked at in one read if no index finds all conditions. */
const SPARSE_ROWS = 200;
const COUNT_SLICES = 20;
const COUNT_SLICE = { first: MAX_COUNTED / COUNT_SLICES, maxBytes: 1_048_576 };

/** Creates the reads of the tasks in a table. */
export function createTaskReads<Owner, Row extends SqlRow>(database: Database, table: TaskTable<Owner, Row>) {
  const read = async (owner: Owner, selection: RowSelection, { first, maxBytes }: Bounds) => {
    const { rows, hasMore } = await readRows(database, table, selection, { first, maxBytes });
    if (rows.length === 0) await table.refuse?.(database, owner);
    return { tasks: rows.map(table.toTask), hasMore };
  };
  const find = async (owner: Owner, ids: readonly string[], maxBytes?: number) => {
    if (ids.length === 0) return [];
    const parameters = [...table.toParameters(owner), ids];
    const sets = [{ condition: `${table.scope} AND id = ANY (?${parameters.length})` }];
    const selection = { key: 'id', direction: 'DESC', sets, parameters } as const;
    const { tasks, hasMore } = await read(owner, selection, { first: ids.length, maxBytes });
    const byId = new Map(tasks.map((task) => [task.ID, task]));
    const last = tasks.at(-1)?.ID ?? '';
    // Undefined for a row beyond `maxBytes`: the rows were read with the largest ID first.
    return ids.map((id) => byId.get(id) ?? (hasMore && id < last ? undefined : null));
  };
  const list = async (owner: Owner, page: PageRequest): Promise<AccountTaskPage> => {
    const { first, after, before, order = 'NEWEST_FIRST', filter = {}, isCounted = false, maxBytes } = page;
    const isSparse = Object.entries(filter).some(
      ([name, condition]) => condition !== undefined && !table.indexed.some((indexed) => indexed === name),
    );
    const readFrom = async (cursors: Cursors, bounds: Bounds) => {
      const keys = table.toKeys ? await table.toKeys(database, owner, cursors) : cursors;
      const { tasks, hasMore } = await read(owner, selectList(table, owner, { filter, order, ...keys }), bounds);
      return { last: tasks.at(-1)?.ID, matching: tasks.filter((task) => matchesFilter(task, filter)), hasMore };
    };
    const count = async (): Promise<number | null> => {
      if (!isSparse) return countRows(database, table, selectList(table, owner, { filter, order }));
      let counted = 0;
      for (let slices = 0, from: string | null = null; slices < COUNT_SLICES; slices += 1) {
        const { last, matching, hasMore } = await readFrom({ after: from }, COUNT_SLICE);
        counted += matching.length;
        if (!hasMore || last === undefined) return counted;
        from = last;
        await exclusiveTurn();
      }
      return null;
    };
    const [{ last, matching, hasMore }, totalCount] = await Promise.all([
      readFrom({ after, before: before ?? null }, { first: isSparse ? Math.max(first, SPARSE_ROWS) : first, maxBytes }),
      isCounted ? count() : undefined,
    ]);
    if (matching.length > first) return { tasks: matching.slice(0, first), hasNextPage: true, totalCount };
    const resumeAfter = hasMore && last !== matching.at(-1)?.ID ? last : undefined;
    return { tasks: matching, hasNextPage: hasMore, resumeAfter, totalCount };
  };
  return {
    find: (...request: Parameters<typeof find>) => find(...request).catch(throwReadFailure),
    list: (...request: Parameters<typeof list>) => list(...request).catch(throwReadFailure),
  };
}

/** How much is read. The first row is read even if it alone exceeds `maxBytes`. */
interface Bounds {
  readonly first: number;
  /** The limit for the texts of all rows together. */
  readonly maxBytes: number | undefined;
}

/** The rows of a list. */
interface RowSelection {
  /** The column that orders the rows. */
  readonly key: string;
  readonly direction: 'ASC' | 'DESC';
  /** Disjoint sets of rows. An index has the rows of each in the order of the key, behind `leading` with one value. */
  readonly sets: readonly { readonly condition: string; readonly leading?: string }[];
  /** The parameters of all conditions, starting at ?1. */
  readonly parameters: readonly SqlParameter[];
}

/** Selects the tasks of a list by the conditions that an index finds. */
function selectList<Owner>(
  { key, toParameters, toList }: TaskTable<Owner, never>,
  owner: Owner,
  { filter, order, after, before }: Cursors & Pick<PageRequest, 'order'> & { readonly filter: AccountTaskFilter },
): RowSelection {
  const parameters: SqlParameter[] = [...toParameters(owner)];
  const bind = (parameter: SqlParameter): string => `?${parameters.push(parameter)}`;
  const isOldestFirst = order === 'OLDEST_FIRST';
  const [smaller, larger] = isOldestFirst ? [after, before] : [before, after];
  const range = toList(filter, { above: smaller ?? SMALLEST, below: larger ?? LARGEST }, bind);
  const [above, below] = [bind(range.above), bind(range.below)];
  const sets = filter.taskIds
    ? // One range of the index on both columns, so that no database looks for the rows in an index on the key alone.
      toSlots(filter.taskIds)
        .map(bind)
        .map((id) => ({
          condition: `${range.scope} AND (task_id, ${key}) > (${id}, ${above}) AND (task_id, ${key}) < (${id}, ${below})`,
          leading: 'task_id',
        }))
    : [{ condition: `${range.scope} AND ${key} > ${above} AND ${key} < ${below}` }];
  return { key, direction: isOldestFirst ? 'ASC' : 'DESC', sets, parameters };
}

/** Fills a list of GUIDs up to a power of two with texts that no row has, so that few statements serve lists of every length. */
function toSlots(ids: readonly string[]): readonly string[] {
  const size = 2 ** Math.ceil(Math.log2(Math.max(1, ids.length)));
  return [...ids, ...Array<string>(size - ids.length).fill(SMALLEST)];
}

/**
 * Reads the first rows of a selection with one statement. The database sums the lengths of the texts before it reads any of
 * them, so rows beyond `maxBytes` are never in memory.
 */
async function readRows<Row extends SqlRow>(
  reader: SqlReader,
  { table, columns, text, scope }: TaskTable<never, Row>,
  selection: RowSelection,
  { first, maxBytes = Number.MAX_SAFE_INTEGER }: Bounds,
): Promise<{ readonly rows: readonly Row[]; readonly hasMore: boolean }> {
  const { key, direction, parameters } = selection;
  const [limit, bytes] = [`?${parameters.length + 1}`, `?${parameters.length + 2}`];
  const sizes = selectSets(table, selection, `${key} AS chosen, octet_length(${text}) AS size`, limit);
  // The order of a CROSS JOIN is kept by SQLite, which otherwise may read the whole table for each row that is measured.
  const sql = `SELECT ${columns}, measured.total AS "total" FROM (
      SELECT chosen, ROW_NUMBER() OVER in_order AS place, SUM(size) OVER in_order AS bytes, COUNT(*) OVER () AS total
      FROM (${sizes} ORDER BY chosen ${direction} LIMIT ${limit}) AS sizes WINDOW in_order AS (ORDER BY chosen ${direction})
    ) AS measured CROSS JOIN ${table}
    WHERE ${scope} AND ${key} = measured.chosen AND (place = 1 OR place < ${limit} AND bytes <= ${bytes})
    ORDER BY ${key} ${direction}`;
  const found = await reader.read<Row & { readonly total: number }>(sql, [...parameters, first + 1, maxBytes]);
  return { rows: found, hasMore: (found[0]?.total ?? 0) > found.length };
}

/** Counts the rows of a selection; null if there are more than MAX_COUNTED. */
async function countRows(
  reader: SqlReader,
  { table }: TaskTable<never, never>,
  selection: RowSelection,
): Promise<number | null> {
  const limit = `?${selection.parameters.length + 1}`;
  const chosen = `${selectSets(table, selection, `${selection.key} AS chosen`, limit)} LIMIT ${limit}`;
  const [row] = await reader.read<{ readonly count: number }>(`SELECT COUNT(*) AS count FROM (${chosen}) AS counted`, [
    ...selection.parameters,
    MAX_COUNTED + 1,
  ]);
  const count = row?.count ?? 0;
  return count > MAX_COUNTED ? null : count;
}

/** Selects the first rows of each set. One condition for all sets would make the database read every row of them. */
function selectSets(table: string, { key, direction, sets }: RowSelection, columns: string, limit: string): string {
  return sets
    .map(({ condition, leading }, index) => {
      const order = [...(leading ? [leading] : []), key].map((column) => `${column} ${direction}`).join(', ');
      return `SELECT * FROM (SELECT ${columns} FROM ${table} WHERE ${condition} ORDER BY ${order} LIMIT ${limit}) AS set_${index}`;
    })
    .join(' UNION ALL ');
}
