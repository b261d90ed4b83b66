import { closeSync, openSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** Overwrites the first page of a table in a closed SQLite file. */
export function damageTable(path: string, table: string): void {
  const handle = new DatabaseSync(path);
  const root = handle.prepare('SELECT rootpage FROM sqlite_master WHERE name = ?').get(table)?.['rootpage'];
  const pageSize = handle.prepare('PRAGMA page_size').get()?.['page_size'];
  handle.close();
  overwrite(path, (Number(root) - 1) * Number(pageSize), Buffer.alloc(Number(pageSize), 0xff));
}

/** Sets the format version of a SQLite file (its 19th byte) to a future one, which older programs may only read. */
export function makeReadOnly(path: string): void {
  overwrite(path, 18, Buffer.of(3));
}

function overwrite(path: string, position: number, bytes: Buffer): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, position);
  closeSync(file);
}
