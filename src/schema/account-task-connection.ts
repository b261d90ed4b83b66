import type { GraphQLResolveInfo } from 'graphql';
import { badInput } from '../contract/failure.ts';
import { parseGuid } from '../contract/guid.ts';
import type { Builder } from './builder.ts';
import { toCall } from './context.ts';
import { countFieldsBelow, rootFields } from './requested-fields.ts';
import { readPage } from './task-reading.ts';

const DEFAULT_PAGE_SIZE = 20;
const MAX_PAGE_SIZE = 100;
const MAX_PAGES = 10;
const CURSOR_PREFIX = 'AccountTask:';

export function addAccountTaskConnection(builder: Builder): void {
  builder.objectType('AccountTaskConnection', {
    description: 'A page of account tasks, as in the Relay connection specification.',
    fields: (t) => ({
      edges: t.field({
        type: ['AccountTaskEdge'],
        nullable: { list: false, items: false },
        description: 'The tasks of this page, each with its cursor.',
        resolve(page, _, { answer }) {
          // From here on the values of the tasks are charged as they are written.
          answer.release(page.reservedBytes);
          page.reservedBytes = 0;
          return page.tasks;
        },
      }),
      pageInfo: t.field({
        type: 'PageInfo',
        nullable: false,
        description: 'The position of this page in the list.',
        resolve: (page) => page,
      }),
    }),
  });
  builder.objectType('AccountTaskEdge', {
    description: 'An account task with its cursor.',
    fields: (t) => ({
      cursor: t.string({
        nullable: false,
        description: 'An opaque value. Pass it as `after` to continue after this task.',
        resolve: (task) => toCursor(task.ID),
      }),
      node: t.field({
        type: 'AccountTask',
        nullable: false,
        description: 'The account task.',
        resolve: (task) => task,
      }),
    }),
  });
  builder.objectType('PageInfo', {
    directives: { shareable: {} },
    description: 'The position of a page in its list, as in the Relay connection specification.',
    fields: (t) => ({
      hasNextPage: t.exposeBoolean('hasNextPage', { nullable: false, description: 'True if older tasks follow.' }),
      hasPreviousPage: t.boolean({
        nullable: false,
        description: 'Always false, because the list is read in one direction only.',
        resolve: () => false,
      }),
      startCursor: t.string({
        description: 'The cursor of the first task; null on an empty page.',
        resolve: ({ tasks }) => (tasks[0] ? toCursor(tasks[0].ID) : null),
      }),
      endCursor: t.string({
        description: 'The cursor of the last task; null on an empty page.',
        resolve: ({ tasks, hasNextPage, after }) => {
          const last = tasks.at(-1)?.ID ?? (hasNextPage ? after : null);
          return last === null ? null : toCursor(last);
        },
      }),
    }),
  });
  builder.queryField('accountTasks', (t) =>
    t.field({
      type: 'AccountTaskConnection',
      nullable: false,
      directives: {
        listSize: {
          assumedSize: DEFAULT_PAGE_SIZE,
          slicingArguments: ['first'],
          sizedFields: ['edges'],
          // A router with demand control would otherwise refuse a page of the default size.
          requireOneSlicingArgument: false,
        },
      },
      description:
        "The caller's account tasks, newest first. A page ends early if the answer would become too large; " +
        'hasNextPage is then true, and the next page continues from there.',
      args: {
        first: t.arg.int({
          defaultValue: DEFAULT_PAGE_SIZE,
          description: `The maximum number of tasks, 1 to ${MAX_PAGE_SIZE}.`,
        }),
        after: t.arg.string({ description: 'The cursor after which the page starts.' }),
      },
      resolve: async (_, { first, after }, context, info) => {
        limitPages(info);
        const page = { first: toPageSize(first), after: after == null ? null : fromCursor(after) };
        const selections = info.fieldNodes.flatMap(({ selectionSet }) => selectionSet ?? []);
        return readPage(page, await toCall(context), context, countFieldsBelow(selections, info));
      },
    }),
  );
}

/** A page can contain megabytes of Parameters, so very many pages in one answer would delay every other request. */
function limitPages(info: GraphQLResolveInfo): void {
  const pages = rootFields(info).filter(({ name }) => name.value === 'accountTasks').length;
  if (pages > MAX_PAGES)
    throw badInput('accountTasks', `expected at most ${MAX_PAGES} pages in one request, got ${pages}`);
}

/** Larger pages are refused before the operation runs (graphql/limits). */
function toPageSize(first: number | null | undefined): number {
  const size = first ?? DEFAULT_PAGE_SIZE;
  if (size < 1) throw badInput('first', `expected 1 to ${MAX_PAGE_SIZE}, got ${size}`);
  return size;
}

function toCursor(id: string): string {
  return Buffer.from(`${CURSOR_PREFIX}${id}`, 'latin1').toString('base64');
}

function fromCursor(cursor: string): string {
  const text = Buffer.from(cursor, 'base64').toString('latin1');
  const id = text.startsWith(CURSOR_PREFIX) ? parseGuid(text.slice(CURSOR_PREFIX.length)) : null;
  if (id === null) throw badInput('after', `expected a cursor that accountTasks returned, got "${cursor}"`);
  return id;
}
