import { describe, expect, test } from 'vitest';
import { createMany, sampleCall, REPORT_TASK, sampleStore } from '../support/sample-account.ts';
import { DATABASES } from '../support/databases.ts';
import { withOutages } from './outages.ts';

describe.each(DATABASES)('on %s', (kind) => {
  test('a hundred concurrent creates share one commit', async () => {
    let commits = 0;
    const { store, database } = await sampleStore(kind, {}, (own) => ({
      ...own,
      async transaction(work) {
        const result = await own.transaction(work);
        commits += 1;
        return result;
      },
    }));
    const call = await sampleCall(database);
    commits = 0;
    await createMany(store, call, 100);
    expect(commits).toBe(1);
    expect((await store.tasks.list({ first: 100, after: null }, call)).tasks).toHaveLength(100);
  });

  test('creates beyond maxPending are refused and not stored', async () => {
    const { store, database } = await sampleStore(kind, { maxPending: 3 });
    const call = await sampleCall(database);
    const results = await Promise.allSettled([1, 2, 3, 4].map(() => store.tasks.create(REPORT_TASK, call)));
    expect(results[3]).toMatchObject({ reason: { code: 'OVERLOADED', outcome: 'NOT_SENT' } });
    expect((await store.tasks.list({ first: 10, after: null }, call)).tasks).toHaveLength(3);
  });

  test('creates whose Parameters are too large together are refused at once', async () => {
    let outage = { isDown: false };
    const { store, database } = await sampleStore(kind, {}, (own) => {
      const failing = withOutages(own);
      outage = failing.state;
      return failing.database;
    });
    const call = await sampleCall(database);
    outage.isDown = true;
    const task = { ...REPORT_TASK, Parameters: '0'.repeat(10_000_000) };
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => store.tasks.create(task, call)));
    const codes = results.map((result) => (result as PromiseRejectedResult).reason.code as string);
    expect(codes).toEqual([...Array(6).fill('STORE_UNAVAILABLE'), 'OVERLOADED', 'OVERLOADED']);
  });

  test('a task can be read as soon as its create is acknowledged, while others are being written', async () => {
    const { store, database } = await sampleStore(kind);
    const calls = await Promise.all([sampleCall(database), sampleCall(database)]);
    const workers = Array.from({ length: 16 }, async (_, worker) => {
      const call = calls[worker % 2]!;
      const ids: string[] = [];
      for (let round = 0; round < 15; round += 1) {
        const task = { ...REPORT_TASK, Parameters: `${worker}/${round}` };
        const { accountTask } = await store.tasks.create(task, call);
        const [[found], page] = await Promise.all([
          store.tasks.find([accountTask.ID], call),
          store.tasks.list({ first: 1_000, after: null }, call),
        ]);
        expect(found?.fields.Parameters).toBe(task.Parameters);
        expect(page.tasks.map(({ ID }) => ID)).toContain(accountTask.ID);
        ids.push(accountTask.ID);
      }
      return ids;
    });
    const ids = (await Promise.all(workers)).flat();
    expect(new Set(ids).size).toBe(240);
    const pages = await Promise.all(calls.map((call) => store.tasks.list({ first: 1_000, after: null }, call)));
    expect(pages.flatMap(({ tasks }) => tasks.map(({ ID }) => ID)).toSorted()).toEqual(ids.toSorted());
  });
});
