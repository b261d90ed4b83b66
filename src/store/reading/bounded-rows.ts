import type { AccountTask } from '../../contract/account-task.ts';
import type { SqlParameter, SqlReader, SqlRow } from '../sql/database.ts';

export interface BoundedSelection {
  readonly table: string;
  readonly columns: string;
  /** The column that orders the rows, the largest value first; unique within `scope`. */
  readonly key: string;
  /** The text column, which may hold megabytes. */
  readonly text: string;
  /** The condition that identifies one row together with the key. */
  readonly scope: string;
  /** A further condition. */
  readonly condition?: string;
  /** The parameters of both conditions, starting at ?1. */
  readonly parameters: readonly SqlParameter[];
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
  { table, columns, key, text, scope, condition = 'TRUE', parameters, first, maxBytes }: BoundedSelection,
): Promise<BoundedRows<Row>> {
  const [limit, bytes] = [`?${parameters.length + 1}`, `?${parameters.length + 2}`];
  const sql = `SELECT ${columns}, measured.total AS "total" FROM ${table} JOIN (
      SELECT chosen, ROW_NUMBER() OVER largest_first AS place, SUM(size) OVER largest_first AS bytes, COUNT(*) OVER () AS total
      FROM (
        SELECT ${key} AS chosen, octet_length(${text}) AS size FROM ${table}
        WHERE ${scope} AND ${condition} ORDER BY ${key} DESC LIMIT ${limit}
      ) AS sizes
      WINDOW largest_first AS (ORDER BY chosen DESC)
    ) AS measured ON ${key} = measured.chosen
    WHERE ${scope} AND (place = 1 OR place < ${limit} AND bytes <= ${bytes}) ORDER BY ${key} DESC`;
  const found = await reader.read<Row & { readonly total: number }>(sql, [
    ...parameters,
    first + 1,
    maxBytes ?? Number.MAX_SAFE_INTEGER,
  ]);
  return { rows: found, hasMore: (found[0]?.total ?? 0) > found.length };
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
