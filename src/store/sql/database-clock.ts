import type { SqlReader } from './database.ts';

/** Reads the database's clock, in milliseconds since 1970: the one that every gateway of the database goes by. */
export async function readClock(reader: SqlReader): Promise<number> {
  const [row] = await reader.read<{ nowMs: number }>('SELECT now_ms() AS "nowMs"');
  return row?.nowMs as number;
}

/** An instant as texts of one width, which compare as the instants do. */
export function toIso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
