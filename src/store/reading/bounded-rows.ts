import type { AccountTask } from '../../contract/account-task.ts';
import type { PageRequest } from '../../contract/task-service.ts';
import type { SqlParameter, SqlReader, SqlRow } from '../sql/database.ts';

/** The IDs between which a page lies, in the order of its list. */
export type Cursors = Partial<Pick<PageRequest, 'after' | 'before'>>;

/** The keys between which the rows of a page lie. */
export interface KeyRange {
  readonly direction: 'ASC' | 'DESC';
  /** Smaller than every key of the page. */
  readonly above: string;
  /** Larger than every key of the page. */
  readonly below: string;
}

/** Keys are GUIDs. These texts sort before and after all of them. */
const [SMALLEST, LARGEST] = ['', '~'];

/** Converts cursors, which are keys here, to a range of keys. */
export function toKeyRange(order: PageRequest['order'], { after, before }: Cursors): KeyRange {
  if (order === 'OLDEST_FIRST') return { direction: 'ASC', above: after ?? SMALLEST, below: before ?? LARGEST };
  return { direction: 'DESC', above: before ?? SMALLEST, below: after ?? LARGEST };
}

/** Fills a list of GUIDs up to a power of two with texts that no row has, so that few statements serve lists of every length. */
export function toSlots(ids: readonly string[]): readonly string[] {
  const size = 2 ** Math.ceil(Math.log2(Math.max(1, ids.length)));
  return [...ids, ...Array<string>(size - ids.length).fill(SMALLEST)];
}

export interface RowSet {
  readonly condition: string;
  /** The column in front of the key in the index, with one value in all rows of the set. */
  readonly leading?: string;
}

/** The rows of a list. */
export interface RowSelection {
  readonly table: string;
  /** The column that orders the rows. */
  readonly key: string;
  readonly direction: 'ASC' | 'DESC';
  /** Disjoint sets of rows. An index has the rows of each in the order of the key. */
  readonly sets: readonly RowSet[];
  /** The parameters of all conditions, starting at ?1. */
  readonly parameters: readonly SqlParameter[];
}

export interface BoundedSelection extends RowSelection {
  readonly columns: string;
  /** The text column, which may hold megabytes. */
  readonly text: string;
  /** The condition that identifies one row together with the key. */
  readonly scope: string;
  readonly first: number;
  /** The limit for the texts of all rows together. The first row is read even if it alone exceeds the limit. */
  readonly maxBytes: number | undefined;
}

export interface BoundedRows<Row extends SqlRow> {
  readonly rows: readonly Row[];
  /** True if the selection has more rows than were read. */
  readonly hasMore: boolean;
}

/**
 * Reads the first rows of a selection with one statement. The database sums the lengths of the texts before it reads any of
 * them, so rows beyond `maxBytes` are never in memory.
 */
export async function readBoundedRows<Row extends SqlRow>(
  reader: SqlReader,
  { columns, text, scope, first, maxBytes, ...selection }: BoundedSelection,
): Promise<BoundedRows<Row>> {
  const { table, key, direction, parameters } = selection;
  const [limit, bytes] = [`?${parameters.length + 1}`, `?${parameters.length + 2}`];
  const sizes = selectSets(selection, `${key} AS chosen, octet_length(${text}) AS size`, limit);
  // The order of a CROSS JOIN is kept by SQLite, which otherwise may read the whole table for each row that is measured.
  const sql = `SELECT ${columns}, measured.total AS "total" FROM (
      SELECT chosen, ROW_NUMBER() OVER in_order AS place, SUM(size) OVER in_order AS bytes, COUNT(*) OVER () AS total
      FROM (${sizes} ORDER BY chosen ${direction} LIMIT ${limit}) AS sizes WINDOW in_order AS (ORDER BY chosen ${direction})
    ) AS measured CROSS JOIN ${table}
    WHERE ${scope} AND ${key} = measured.chosen AND (place = 1 OR place < ${limit} AND bytes <= ${bytes})
    ORDER BY ${key} ${direction}`;
  const found = await reader.read<Row & { readonly total: number }>(sql, [
    ...parameters,
    first + 1,
    maxBytes ?? Number.MAX_SAFE_INTEGER,
  ]);
  return { rows: found, hasMore: (found[0]?.total ?? 0) > found.length };
}

/** Counts the rows of a selection; null if there are more than `most`. */
export async function countRows(reader: SqlReader, selection: RowSelection, most: number): Promise<number | null> {
  const limit = `?${selection.parameters.length + 1}`;
  const chosen = `${selectSets(selection, `${selection.key} AS chosen`, limit)} LIMIT ${limit}`;
  const [row] = await reader.read<{ readonly count: number }>(`SELECT COUNT(*) AS count FROM (${chosen}) AS counted`, [
    ...selection.parameters,
    most + 1,
  ]);
  const count = row?.count ?? 0;
  return count > most ? null : count;
}

/** Selects the first rows of each set. One condition for all sets would make the database read every row of them. */
function selectSets({ table, key, direction, sets }: RowSelection, columns: string, limit: string): string {
  return sets
    .map(({ condition, leading }) => {
      const order = [...(leading ? [leading] : []), key].map((column) => `${column} ${direction}`).join(', ');
      return `SELECT ${columns} FROM ${table} WHERE ${condition} ORDER BY ${order} LIMIT ${limit}`;
    })
    .map((select, index) => `SELECT * FROM (${select}) AS set_${index}`)
    .join(' UNION ALL ');
}

/**
 * Returns the rows with one value of a column and a key between two others as one range of an index on both columns, so that
 * no database looks for them in an index on the key alone.
 */
export function toRowSet(scope: string, column: string, value: string, key: string, bounds: readonly string[]): RowSet {
  const [above, below] = bounds.map((bound) => `(${value}, ${bound})`);
  return {
    condition: `${scope} AND (${column}, ${key}) > ${above} AND (${column}, ${key}) < ${below}`,
    leading: column,
  };
}

/** Puts tasks read by ID in the order of `ids`: null for an unknown ID, undefined for a row beyond `maxBytes`. */
export function inOrderOf(
  ids: readonly string[],
  tasks: readonly AccountTask[],
  hasMore: boolean,
): readonly (AccountTask | null | undefined)[] {
  const byId = new Map(tasks.map((task) => [task.ID, task]));
  const last = tasks.at(-1)?.ID ?? '';
  // The rows were read with the largest ID first.
  return ids.map((id) => byId.get(id) ?? (hasMore && id < last ? undefined : null));
}
