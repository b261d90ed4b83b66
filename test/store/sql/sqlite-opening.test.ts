import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const OPENERS = 4;
const ROUNDS = 30;

/** Opens new files one after the other, each at the same moment as the other workers, and reports errors. */
const OPENER = `
  import { parentPort, workerData } from 'node:worker_threads';
  const { openSqlite } = await import(workerData.module);
  const problems = [];
  for (const [round, path] of workerData.paths.entries()) {
    const arrived = new Int32Array(workerData.arrived);
    Atomics.add(arrived, round, 1);
    while (Atomics.load(arrived, round) < ${OPENERS});
    try {
      await (await openSqlite(path)).close();
    } catch (error) {
      problems.push(error.message);
    }
  }
  parentPort.postMessage(problems);
`;

// SQLite fails with "locked" at once, whatever its timeout, if several processes switch a new file to write-ahead logging.
test('several processes can open a new SQLite file at the same moment', async () => {
  const folder = temporaryFolder();
  const workerData = {
    module: new URL('../../../src/store/sql/sqlite.ts', import.meta.url).href,
    paths: Array.from({ length: ROUNDS }, (_, round) => join(folder, `${round}.db`)),
    arrived: new SharedArrayBuffer(4 * ROUNDS),
  };
  const workers = Array.from(
    { length: OPENERS },
    () => new Worker(new URL(`data:text/javascript,${encodeURIComponent(OPENER)}`), { workerData, execArgv: [] }),
  );
  const problems = await Promise.all(workers.map((worker) => once(worker, 'message')));
  expect(problems.flat(2)).toEqual([]);
});
