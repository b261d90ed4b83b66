/* eslint-disable */
import * as types from './graphql';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';

/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "query AccountTask($id: ID!) {\n  accountTask(id: $id) {\n    ...AccountTaskFields\n  }\n}\n\nquery AccountTasks($first: Int, $after: String) {\n  accountTasks(first: $first, after: $after) {\n    edges {\n      cursor\n      node {\n        id\n        taskId\n        dateCreated\n      }\n    }\n    pageInfo {\n      hasNextPage\n      hasPreviousPage\n      startCursor\n      endCursor\n    }\n  }\n}": typeof types.AccountTaskDocument,
    "mutation CreateAccountTask($input: CreateAccountTaskInput!, $idempotencyKey: String) {\n  createAccountTask(input: $input, idempotencyKey: $idempotencyKey) {\n    replayed\n    result\n    identification {\n      userId\n    }\n    accountTask {\n      ...AccountTaskFields\n    }\n  }\n}\n\nfragment AccountTaskFields on AccountTask {\n  id\n  taskId\n  name\n  enabled\n  frequency\n  startDate\n  finishDate\n  parameters\n  contentType\n  notification\n  dateCreated\n  dateModified\n  lastRunOn\n  lastRunBy\n  lastModifiedBy\n  status\n  clientId\n  detail\n}": typeof types.CreateAccountTaskDocument,
};
const documents: Documents = {
    "query AccountTask($id: ID!) {\n  accountTask(id: $id) {\n    ...AccountTaskFields\n  }\n}\n\nquery AccountTasks($first: Int, $after: String) {\n  accountTasks(first: $first, after: $after) {\n    edges {\n      cursor\n      node {\n        id\n        taskId\n        dateCreated\n      }\n    }\n    pageInfo {\n      hasNextPage\n      hasPreviousPage\n      startCursor\n      endCursor\n    }\n  }\n}": types.AccountTaskDocument,
    "mutation CreateAccountTask($input: CreateAccountTaskInput!, $idempotencyKey: String) {\n  createAccountTask(input: $input, idempotencyKey: $idempotencyKey) {\n    replayed\n    result\n    identification {\n      userId\n    }\n    accountTask {\n      ...AccountTaskFields\n    }\n  }\n}\n\nfragment AccountTaskFields on AccountTask {\n  id\n  taskId\n  name\n  enabled\n  frequency\n  startDate\n  finishDate\n  parameters\n  contentType\n  notification\n  dateCreated\n  dateModified\n  lastRunOn\n  lastRunBy\n  lastModifiedBy\n  status\n  clientId\n  detail\n}": types.CreateAccountTaskDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 *
 *
 * @example
 * ```ts
 * const query = graphql(`query GetUser($id: ID!) { user(id: $id) { name } }`);
 * ```
 *
 * The query argument is unknown!
 * Please regenerate the types.
 */
export function graphql(source: string): unknown;

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "query AccountTask($id: ID!) {\n  accountTask(id: $id) {\n    ...AccountTaskFields\n  }\n}\n\nquery AccountTasks($first: Int, $after: String) {\n  accountTasks(first: $first, after: $after) {\n    edges {\n      cursor\n      node {\n        id\n        taskId\n        dateCreated\n      }\n    }\n    pageInfo {\n      hasNextPage\n      hasPreviousPage\n      startCursor\n      endCursor\n    }\n  }\n}"): (typeof documents)["query AccountTask($id: ID!) {\n  accountTask(id: $id) {\n    ...AccountTaskFields\n  }\n}\n\nquery AccountTasks($first: Int, $after: String) {\n  accountTasks(first: $first, after: $after) {\n    edges {\n      cursor\n      node {\n        id\n        taskId\n        dateCreated\n      }\n    }\n    pageInfo {\n      hasNextPage\n      hasPreviousPage\n      startCursor\n      endCursor\n    }\n  }\n}"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "mutation CreateAccountTask($input: CreateAccountTaskInput!, $idempotencyKey: String) {\n  createAccountTask(input: $input, idempotencyKey: $idempotencyKey) {\n    replayed\n    result\n    identification {\n      userId\n    }\n    accountTask {\n      ...AccountTaskFields\n    }\n  }\n}\n\nfragment AccountTaskFields on AccountTask {\n  id\n  taskId\n  name\n  enabled\n  frequency\n  startDate\n  finishDate\n  parameters\n  contentType\n  notification\n  dateCreated\n  dateModified\n  lastRunOn\n  lastRunBy\n  lastModifiedBy\n  status\n  clientId\n  detail\n}"): (typeof documents)["mutation CreateAccountTask($input: CreateAccountTaskInput!, $idempotencyKey: String) {\n  createAccountTask(input: $input, idempotencyKey: $idempotencyKey) {\n    replayed\n    result\n    identification {\n      userId\n    }\n    accountTask {\n      ...AccountTaskFields\n    }\n  }\n}\n\nfragment AccountTaskFields on AccountTask {\n  id\n  taskId\n  name\n  enabled\n  frequency\n  startDate\n  finishDate\n  parameters\n  contentType\n  notification\n  dateCreated\n  dateModified\n  lastRunOn\n  lastRunBy\n  lastModifiedBy\n  status\n  clientId\n  detail\n}"];

export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}

export type DocumentType<TDocumentNode extends DocumentNode<any, any>> = TDocumentNode extends DocumentNode<  infer TType,  any>  ? TType  : never;