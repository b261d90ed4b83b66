import { buildSchema, type GraphQLSchema } from 'graphql';
import { describe, expect, test } from 'vitest';
import { DEFAULT_FREQUENCIES, DEFAULT_NOTIFICATIONS, parseEnumTable } from '../../src/contract/enums.ts';
import { createSchema } from '../../src/schema/schema.ts';
import { schemaNames } from './schema-names.ts';

const TABLES = { frequencies: DEFAULT_FREQUENCIES, notifications: DEFAULT_NOTIFICATIONS };
const schema = createSchema(TABLES);

/** The names that clients rely on. The schema may contain more. */
const PROMISED = `
  scalar DateTime
  scalar JSON
  enum TaskFrequency { NONE HOURLY DAILY WEEKLY MONTHLY }
  enum TaskNotification { NONE EMAIL SMS }
  enum ParametersContentType { APPLICATION_JSON APPLICATION_XML }
  input CreateAccountTaskInput {
    taskId: ID!  frequency: TaskFrequency!  startDate: DateTime  finishDate: DateTime
    parameters: String!  contentType: ParametersContentType!  notification: TaskNotification
  }
  type Mutation {
    createAccountTask(input: CreateAccountTaskInput!, idempotencyKey: String): CreateAccountTaskPayload!
  }
  type CreateAccountTaskPayload {
    accountTask: AccountTask!  identification: Identification  result: String  replayed: Boolean!
  }
  type Identification { userId: String }
  type AccountTask {
    id: ID!  taskId: ID!  name: String  enabled: Boolean  frequency: TaskFrequency
    startDate: DateTime  finishDate: DateTime  parameters: String  contentType: ParametersContentType
    notification: TaskNotification  dateCreated: DateTime  dateModified: DateTime  lastRunOn: DateTime
    lastRunBy: String  lastModifiedBy: String  status: String  clientId: ID  detail: JSON!
    task: Task!  client: Client
  }
  type Task { id: ID! }
  type Client { id: ID! }
  type AccountTaskConnection { edges: [AccountTaskEdge!]!  pageInfo: PageInfo!  totalCount: Int }
  type AccountTaskEdge { node: AccountTask!  cursor: String! }
  type PageInfo { hasNextPage: Boolean!  hasPreviousPage: Boolean!  startCursor: String  endCursor: String }
  type Query {
    accountTask(id: ID!): AccountTask
    accountTasks(
      first: Int, after: String, last: Int, before: String, filter: AccountTaskFilter, order: AccountTaskOrder = NEWEST_FIRST
    ): AccountTaskConnection!
  }
  input AccountTaskFilter {
    taskIds: [ID!]  clientIds: [ID!]  frequencies: [TaskFrequency!]  statuses: [String!]
    enabled: Boolean  createdFrom: DateTime  createdBefore: DateTime
  }
  enum AccountTaskOrder { NEWEST_FIRST  OLDEST_FIRST }
`;

function isInput(name: string): boolean {
  return name.startsWith('CreateAccountTaskInput.') || name.includes('createAccountTask(');
}

describe('the schema', () => {
  test('contains every promised name with its type', () => {
    const names = schemaNames(schema);
    const missing = [...schemaNames(buildSchema(PROMISED)).keys()].filter((name) => !names.has(name));
    expect(missing).toEqual([]);
  });

  test('has exactly the promised inputs, because an added one could be required', () => {
    const inputs = (of: GraphQLSchema) => [...schemaNames(of).keys()].filter(isInput).toSorted();
    expect(inputs(schema)).toEqual(inputs(buildSchema(PROMISED)));
  });

  test('describes every type, field, argument, enum member and input field', () => {
    const undescribed = [...schemaNames(schema)]
      .filter(([, description]) => !description?.trim())
      .map(([name]) => name);
    expect(undescribed).toEqual([]);
  });
});

describe('the enums of the contract', () => {
  test('state in each description whether the contract documents the member', () => {
    const names = schemaNames(schema);
    expect(names.get('TaskFrequency.NONE')).toBe('Documented by the REST contract: 0 in JSON.');
    expect(names.get('TaskFrequency.DAILY')).toBe(
      'Configured in this gateway, not documented by the REST contract; sent by name.',
    );
    expect(names.get('TaskNotification.NONE')).toBe('Documented by the REST contract: 0 in JSON.');
    expect(names.get('TaskNotification.SMS')).toContain('not documented');
  });

  test('have the members of the given tables, and in their descriptions the known numbers', () => {
    const tables = { frequencies: parseEnumTable('NONE,FORTNIGHTLY=7'), notifications: parseEnumTable('PIGEON') };
    const names = schemaNames(createSchema(tables));
    expect([...names.keys()].filter((name) => /^Task(?:Frequency|Notification)\./.test(name)).toSorted()).toEqual([
      'TaskFrequency.FORTNIGHTLY',
      'TaskFrequency.NONE',
      'TaskNotification.PIGEON',
    ]);
    expect(names.get('TaskFrequency.FORTNIGHTLY')).toBe(
      'Configured in this gateway, not documented by the REST contract; sent as 7 in JSON.',
    );
  });
});
