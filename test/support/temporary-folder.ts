import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A file system in memory that Linux has. Programs in it may not be executable. */
const MEMORY = '/dev/shm';
const ROOM_BYTES = 2 ** 30;
const databaseParent = hasRoom(MEMORY) ? MEMORY : tmpdir();

/** Creates a folder and removes it after the test. */
export function temporaryFolder(parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, 'store-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Creates a folder for a database, in memory if there is room. Only a crash of the machine would show the difference. */
export function databaseFolder(): string {
  return temporaryFolder(databaseParent);
}

/** Returns all files of a folder: the database, its log and the log's index. */
export function bytesIn(folder: string): Buffer {
  return Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))));
}

function hasRoom(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize >= ROOM_BYTES;
}
