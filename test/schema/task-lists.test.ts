import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isEarlier, toUtc } from '../../src/contract/text-formats.ts';
import { DATABASES } from '../support/databases.ts';
import {
  CLIENT_IDS,
  FREQUENCIES,
  type ListedTask,
  type ListedTasks,
  type Page,
  readPage,
  SAMPLE,
  startRecordedTasks,
  startStoredTasks,
  STATUSES,
  TASK_IDS,
  TIMES,
  toDetail,
} from './task-lists.ts';

interface Filter {
  readonly taskIds?: readonly string[];
  readonly clientIds?: readonly string[];
  readonly frequencies?: readonly string[];
  readonly statuses?: readonly string[];
  readonly enabled?: boolean;
  readonly createdFrom?: string;
  readonly createdBefore?: string;
}

/** Walks all pages, forward with `first` or backward with `last`, and returns the IDs in the order of the list. */
async function walk(
  tasks: ListedTasks,
  list: { readonly filter: Filter; readonly order: string },
  { size, isBackward, betweenPages = async () => {} }: Walk,
): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let cursor: string | null = null; ; await betweenPages()) {
    const bounds = isBackward ? { last: size, before: cursor } : { first: size, after: cursor };
    const { edges, pageInfo }: Page = await readPage(tasks, { ...list, ...bounds });
    const found = edges.map(({ node }) => node.id);
    ids.splice(isBackward ? 0 : ids.length, 0, ...found);
    cursor = isBackward ? pageInfo.startCursor : pageInfo.endCursor;
    if (!(isBackward ? pageInfo.hasPreviousPage : pageInfo.hasNextPage)) return ids;
    expect(cursor).not.toBeNull();
  }
}

interface Walk {
  readonly size: number;
  readonly isBackward: boolean;
  readonly betweenPages?: () => Promise<void>;
}

/** The model: what a filter means. */
function matches(task: ListedTask, filter: Filter): boolean {
  const { TaskID, ClientID, Frequency, Status, Enabled, DateCreated } = toDetail(task);
  return (
    (filter.taskIds?.includes(TaskID) ?? true) &&
    (filter.clientIds?.includes(ClientID) ?? true) &&
    (filter.frequencies?.includes(Frequency ?? '') ?? true) &&
    (filter.statuses?.includes(Status ?? '') ?? true) &&
    (filter.enabled ?? Enabled) === Enabled &&
    !(filter.createdFrom && isEarlier(DateCreated ?? '', filter.createdFrom)) &&
    !(filter.createdBefore && !isEarlier(DateCreated ?? '', filter.createdBefore))
  );
}

const someOf = <Value>(values: readonly Value[]) => fc.subarray([...values]);
const times = TIMES.flatMap((time) => [time, time + 1 / 10_000]).map((time) => toTimestamp(time));
const filters: fc.Arbitrary<Filter> = fc
  .record(
    {
      taskIds: someOf(TASK_IDS),
      clientIds: someOf(CLIENT_IDS),
      // The enum has no member for every frequency that a service may return.
      frequencies: someOf(FREQUENCIES.slice(0, 2)),
      statuses: someOf(STATUSES),
      enabled: fc.boolean(),
      createdFrom: fc.constantFrom(...times),
      createdBefore: fc.constantFrom(...times),
    },
    { requiredKeys: [] },
  )
  .filter(({ createdFrom, createdBefore }) => !createdFrom || !createdBefore || isEarlier(createdFrom, createdBefore));
const walks = fc.record({
  filter: filters,
  order: fc.constantFrom('NEWEST_FIRST', 'OLDEST_FIRST'),
  isBackward: fc.boolean(),
  size: fc.integer({ min: 1, max: 40 }),
});
const places = (values: readonly unknown[]) => fc.nat({ max: values.length - 1 });
const values = fc.record({
  taskId: places(TASK_IDS),
  clientId: places(CLIENT_IDS),
  frequency: places(FREQUENCIES),
  status: places(STATUSES),
  time: places(TIMES),
  isEnabled: fc.boolean(),
});

/** A timestamp with an offset of its own. */
function toTimestamp(epochMs: number): string {
  const ticks = Math.round((epochMs % 1) * 10_000);
  return new Date(Math.floor(epochMs) + 19_800_000)
    .toISOString()
    .replace('Z', `${String(ticks).padStart(4, '0')}+05:30`);
}

const idsOf = ({ edges }: Page) => edges.map(({ node }) => node.id);

const KINDS = DATABASES.flatMap((kind) => [
  [`the store on ${kind}`, () => startStoredTasks(kind)] as const,
  [`records on ${kind}`, () => startRecordedTasks(kind)] as const,
]);

test('the model compares times in the form that the gateway writes', () => {
  expect(toUtc(toTimestamp(TIMES[1] ?? 0))).toBe('2026-02-22T04:10:00.00025+00:00');
});

describe.each(KINDS)('a list of %s', (_name, start) => {
  test('has each matching task once, page by page in both directions and orders, while tasks are added', async () => {
    const tasks = await start();
    const all: ListedTask[] = [];
    const add = async (added: readonly Omit<ListedTask, 'ID'>[]): Promise<void> => {
      const made = added.map((task) => ({ ...task, ID: tasks.createId(task.time) }));
      await tasks.add(made);
      all.push(...made);
    };
    await add(fc.sample(values, 80));
    const expected = (filter: Filter, order: string): readonly string[] => {
      const ids = all.filter((task) => matches(task, filter)).map(({ ID }) => ID);
      const sorted = tasks.isOrderedById ? ids.toSorted() : ids;
      return order === 'OLDEST_FIRST' ? sorted : sorted.toReversed();
    };
    const property = fc.asyncProperty(
      walks,
      fc.array(values, { maxLength: 2 }),
      async ({ filter, order, ...way }, added) => {
        const list = { filter, order };
        const before = expected(filter, order);
        let left = 3;
        const walked = await walk(tasks, list, {
          ...way,
          betweenPages: async () => ((left -= 1) < 0 ? undefined : add(added)),
        });
        // What is added behind the walk is not found.
        expect(new Set(walked).size).toBe(walked.length);
        expect(expected(filter, order).filter((id) => walked.includes(id))).toEqual(walked);
        expect(before.filter((id) => walked.includes(id))).toEqual(before);
        const after = expected(filter, order);
        expect(await walk(tasks, list, way)).toEqual(after);
        expect((await readPage(tasks, { ...list, first: 1 })).totalCount).toBe(after.length);
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });

  test('a page of which few tasks match looks at 2,000 tasks, and continues from a cursor even if it is empty', async () => {
    const tasks = await start();
    const made = Array.from({ length: 4_100 }, (_, index) => ({
      ...SAMPLE,
      status: index === 0 || index === 4_099 ? 1 : 0,
      ID: tasks.createId(0),
    }));
    await tasks.add(made);
    const list = { filter: { statuses: ['PAUSED'] }, order: 'OLDEST_FIRST' };
    const [first, last] = [made[0]?.ID, made.at(-1)?.ID];

    const forward: Page[] = [];
    for (let after: string | null = null; forward.at(-1)?.pageInfo.hasNextPage ?? true; ) {
      forward.push(await readPage(tasks, { ...list, first: 5, after }));
      after = forward.at(-1)?.pageInfo.endCursor ?? null;
    }
    expect(forward.map(idsOf)).toEqual([[first], [], [last]]);
    expect(forward[1]?.pageInfo).toMatchObject({ hasPreviousPage: true, startCursor: null });
    const backward: Page[] = [];
    for (let before: string | null = null; backward.at(-1)?.pageInfo.hasPreviousPage ?? true; ) {
      backward.push(await readPage(tasks, { ...list, last: 5, before }));
      before = backward.at(-1)?.pageInfo.startCursor ?? null;
    }
    expect(backward.map(idsOf)).toEqual([[last], [], [first]]);
    expect(backward[1]?.pageInfo).toMatchObject({ hasNextPage: true, endCursor: null });
    expect(forward[0]?.totalCount).toBe(2);
  });

  test('ends a page before the other cursor, and says whether more tasks lie between', async () => {
    const tasks = await start();
    const made = fc.sample(values, 7).map((task) => ({ ...task, time: 0, ID: tasks.createId(0) }));
    await tasks.add(made);
    const all = await readPage(tasks, { order: 'OLDEST_FIRST' });
    const [after, before] = [all.edges[1]?.cursor, all.edges[5]?.cursor];
    const read = async (size: object) => {
      const { edges, pageInfo } = await readPage(tasks, { ...size, after, before, order: 'OLDEST_FIRST' });
      return [
        edges.map(({ node }) => made.findIndex(({ ID }) => ID === node.id)),
        pageInfo.hasPreviousPage,
        pageInfo.hasNextPage,
      ];
    };
    expect(await read({ first: 2 })).toEqual([[2, 3], true, true]);
    expect(await read({ first: 3 })).toEqual([[2, 3, 4], true, false]);
    expect(await read({ last: 2 })).toEqual([[3, 4], true, true]);
    expect(await read({ last: 3 })).toEqual([[2, 3, 4], false, true]);
    expect(await read({})).toEqual([[2, 3, 4], true, false]);
  });
});

test.each(DATABASES)('tasks on %s are counted up to 10,000', async (kind) => {
  const tasks = await startStoredTasks(kind);
  const add = (count: number) =>
    tasks.add(
      Array.from({ length: count }, () => ({
        ...SAMPLE,
        ID: tasks.createId(0),
      })),
    );
  const counted = [{}, { taskIds: TASK_IDS }, { statuses: STATUSES }, { createdBefore: toTimestamp(TIMES[3] ?? 0) }];
  const counts = async () =>
    Promise.all(counted.map(async (filter) => (await readPage(tasks, { first: 1, filter })).totalCount));
  await add(10_000);
  expect(await counts()).toEqual([10_000, 10_000, 10_000, 10_000]);
  await add(1);
  expect(await counts()).toEqual([null, null, null, null]);
});
