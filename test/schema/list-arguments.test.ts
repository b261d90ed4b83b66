import { describe, expect, test } from 'vitest';
import { readErrors, readPage, SAMPLE, startStoredTasks, TASK_IDS } from './task-lists.ts';

describe('the arguments of accountTasks', () => {
  const ID = '01234567-89ab-7def-8123-456789abcdef';
  const FILTER = { statuses: ['REGISTERED'] };

  test.each([
    [{ first: 1, last: 1 }, 'last: expected first or last, got both'],
    [{ last: 0 }, 'last: expected 1 to 100, got 0'],
    [{ last: 101 }, 'last: expected 1 to 100, got 101'],
    [{ filter: { taskIds: [ID, '7'] } }, /^filter\.taskIds\.1: expected a GUID.+, got "7"$/],
    [{ filter: { clientIds: Array<string>(101).fill(ID) } }, 'filter: expected at most 100 items in a list, got 101'],
    [
      { filter: { createdFrom: '2026-02-22T04:10:00Z', createdBefore: '2026-02-22T05:10:00.0000000+01:00' } },
      /^filter\.createdFrom: expected a time before createdBefore \(2026-02-22T05:10:00\.0000000\+01:00\), got 2026-02-22T04:10:00Z$/,
    ],
    [{ before: 'x' }, 'before: expected a cursor that accountTasks returned, got "x"'],
    [{ filter: { frequencies: ['FORTNIGHTLY'] } }, /expected one of DAILY, HOURLY, .+, got "FORTNIGHTLY"$/],
  ])('are refused if they make no sense: %j', async (variables, message) => {
    const tasks = await startStoredTasks('SQLite');
    expect(await readErrors(tasks, variables)).toEqual([['BAD_USER_INPUT', expect.stringMatching(message)]]);
  });

  test('accept a cursor for the same filter and order only, however the filter is written', async () => {
    const tasks = await startStoredTasks('SQLite');
    await tasks.add([1, 2].map(() => ({ ...SAMPLE, ID: tasks.createId(0) })));
    const filter = { taskIds: TASK_IDS.slice(0, 2), createdFrom: '2026-02-22T04:10:00Z', enabled: null };
    const { endCursor } = (await readPage(tasks, { first: 1, filter })).pageInfo;
    const same = {
      taskIds: [TASK_IDS[1]?.toUpperCase(), TASK_IDS[0], TASK_IDS[0]],
      createdFrom: '2026-02-22T05:10:00.000+01:00',
    };
    expect((await readPage(tasks, { first: 1, filter: same, after: endCursor })).edges).toHaveLength(1);
    for (const other of [
      {},
      { filter: { ...filter, enabled: true } },
      { filter: { ...filter, taskIds: TASK_IDS.slice(0, 1) } },
      { filter, order: 'OLDEST_FIRST' },
    ]) {
      expect(await readErrors(tasks, { ...other, after: endCursor })).toEqual([
        ['BAD_USER_INPUT', `after: expected a cursor of a list with the same filter and order, got "${endCursor}"`],
      ]);
    }
  });

  test('accept cursors of earlier versions for a list without a filter, newest first', async () => {
    const tasks = await startStoredTasks('SQLite');
    const cursor = Buffer.from(`AccountTask:${ID}`).toString('base64');
    await readPage(tasks, { after: cursor, filter: {}, order: 'NEWEST_FIRST' });
    await readPage(tasks, { before: cursor, last: 1 });
    expect(await readErrors(tasks, { after: cursor, filter: FILTER })).toHaveLength(1);
    expect(await readErrors(tasks, { after: cursor, order: 'OLDEST_FIRST' })).toHaveLength(1);
  });

  test('find no task with an empty list of values', async () => {
    const tasks = await startStoredTasks('SQLite');
    await tasks.add([{ ...SAMPLE, ID: tasks.createId(0) }]);
    for (const name of ['taskIds', 'clientIds', 'frequencies', 'statuses']) {
      const { edges, totalCount } = await readPage(tasks, { filter: { [name]: [] } });
      expect([name, edges, totalCount]).toEqual([name, [], 0]);
    }
  });
});
