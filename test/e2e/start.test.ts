import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { runCli, startNpm, temporaryDatabase } from './support/gateway-process.ts';

function toPath(databaseUrl: string): string {
  return databaseUrl.slice('sqlite:'.length);
}

describe('a failed start', () => {
  test('a start names all invalid variables together and prints no password', async () => {
    const { code, stdout, stderr } = await runCli(['serve'], {
      PORT: 'http',
      DATABASE_URL: 'mysql://gateway:hunter2@db/tasks',
      UPSTREAM_URL: 'ftp://gateway:hunter2@service.example/',
      UPSTREAM_FORMAT: 'yaml',
      TASK_FREQUENCIES: 'NONE=1',
      LOG_LEVEL: 'loud',
    });
    expect(code).toBe(1);
    expect(stdout).toBe('');
    const lines = stderr.trimEnd().split('\n');
    expect(lines.map((line) => /^Cannot start: ([A-Z_]+): ./.exec(line)?.[1] ?? line).toSorted()).toEqual([
      'DATABASE_URL',
      'LOG_LEVEL',
      'PORT',
      'TASK_FREQUENCIES',
      'UPSTREAM_FORMAT',
      'UPSTREAM_URL',
    ]);
    expect(stderr).not.toContain('hunter2');
  });

  test.each<readonly [string, (path: string) => void, string]>([
    [
      'is not a database',
      (path) => writeFileSync(path, 'This is a letter and not a database. '.repeat(100)),
      'the file is not a SQLite database, or it is damaged',
    ],
    [
      'was cut off',
      (path) => {
        writeFileSync(path, Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(4080, 0xff)]));
        const file = openSync(path, 'r+');
        ftruncateSync(file, 700);
        closeSync(file);
      },
      'the file is not a SQLite database, or it is damaged',
    ],
    ['is a folder', (path) => mkdirSync(path), 'the file cannot be opened or created'],
  ])('a start on a database file that %s fails with one line', async (_, damage, reason) => {
    const databaseUrl = temporaryDatabase();
    damage(toPath(databaseUrl));
    const { code, stdout, stderr } = await runCli(['serve'], { DATABASE_URL: databaseUrl });
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toBe(`Cannot start: The database "${toPath(databaseUrl)}" cannot be opened: ${reason}.\n`);
  });

  // On Linux a folder under this path can neither be created nor reported missing; elsewhere it cannot be created.
  test('a start on a database file in a folder that cannot be created fails with one line', async () => {
    const path = '/proc/nowhere/gateway/gateway.db';
    const { code, stderr } = await runCli(['serve'], { DATABASE_URL: `sqlite:${path}` });
    expect(code).toBe(1);
    expect(stderr).toBe(`Cannot start: The database "${path}" cannot be opened: its folder cannot be created.\n`);
  });

  test('a start with an invalid trusted document fails with one line that names it', async () => {
    const databaseUrl = temporaryDatabase();
    const manifest = `${toPath(databaseUrl)}.json`;
    writeFileSync(manifest, JSON.stringify({ fine: '{ __typename }', stale: '{ accountTasks { total } }' }));
    const { code, stdout, stderr } = await runCli(['serve'], {
      DATABASE_URL: databaseUrl,
      TRUSTED_DOCUMENTS: manifest,
      LOG_LEVEL: 'silent',
    });
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toBe(
      `Cannot start: trusted documents in ${manifest}: "stale" is not valid: Cannot query field "total" on type "AccountTaskConnection".\n`,
    );
  });

  test('a failed start makes npm fail too', async () => {
    const { code, stderr } = await startNpm(['run', 'serve'], { PORT: 'http' }).exit;
    expect(code).toBe(1);
    expect(stderr).toContain('Cannot start: PORT: expected a whole number from 0 to 65535, got "http"\n');
    expect(stderr).not.toMatch(/^ +at /m);
  });
});
