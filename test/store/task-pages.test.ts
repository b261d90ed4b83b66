import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { withClock } from '../support/clocked-database.ts';
import { createMany, sampleCall, REPORT_TASK, sampleStore } from '../support/sample-account.ts';
import { DATABASES } from '../support/databases.ts';

describe.each(DATABASES)('on %s', (kind) => {
  test('an account sees only its own tasks', async () => {
    const { store, database } = await sampleStore(kind);
    const [own, other] = [await sampleCall(database), await sampleCall(database)];
    const { accountTask } = await store.tasks.create(REPORT_TASK, own);
    const foreign = await store.tasks.create(REPORT_TASK, other);
    expect(await store.tasks.find([foreign.accountTask.ID, accountTask.ID], own)).toEqual([null, accountTask]);
    expect(await store.tasks.list({ first: 10, after: null }, own)).toEqual({
      tasks: [accountTask],
      hasNextPage: false,
    });
    const after = await store.tasks.list({ first: 10, after: foreign.accountTask.ID }, own);
    expect(after.tasks).toEqual([accountTask]);
  });

  test('any number of tasks is found by one statement, in the requested order, including duplicates and unknown IDs', async () => {
    const statements: string[] = [];
    const { store, database } = await sampleStore(kind, {}, (own) => ({
      ...own,
      read(sql, parameters) {
        statements.push(sql);
        return own.read(sql, parameters);
      },
    }));
    const call = await sampleCall(database);
    const [a, b] = (await createMany(store, call, 2)).map(({ accountTask }) => accountTask);
    const missing = Array.from({ length: 2_000 }, () => randomUUID());
    const found = await store.tasks.find([b!.ID, ...missing, a!.ID, b!.ID], call);
    expect(found).toEqual([b, ...missing.map(() => null), a, b]);
    expect(statements).toHaveLength(1);
    expect(await store.tasks.find([], call)).toEqual([]);
  });

  test('pages list tasks newest first without gaps or duplicates, even within one millisecond or after the clock is set back', async () => {
    const clock = { nowMs: Date.UTC(2030, 1, 1) };
    const { store, database } = await sampleStore(kind, {}, (own) => withClock(own, clock));
    const call = await sampleCall(database);
    const created = await createMany(store, call, 20);
    clock.nowMs = Date.UTC(2029, 1, 1);
    created.unshift(...(await createMany(store, call, 5)));

    const seen: string[] = [];
    const sizes: number[] = [];
    let page = await store.tasks.list({ first: 10, after: null }, call);
    seen.push(...page.tasks.map(({ ID }) => ID));
    sizes.push(page.tasks.length);
    while (page.hasNextPage) {
      page = await store.tasks.list({ first: 10, after: seen.at(-1)! }, call);
      seen.push(...page.tasks.map(({ ID }) => ID));
      sizes.push(page.tasks.length);
    }
    expect(seen).toEqual(created.map(({ accountTask }) => accountTask.ID).toReversed());
    expect(sizes).toEqual([10, 10, 5]);
  });

  test('a full last page has no next page', async () => {
    const { store, database } = await sampleStore(kind);
    const call = await sampleCall(database);
    await createMany(store, call, 3);
    expect((await store.tasks.list({ first: 3, after: null }, call)).hasNextPage).toBe(false);
    expect((await store.tasks.list({ first: 2, after: null }, call)).hasNextPage).toBe(true);
  });
});
