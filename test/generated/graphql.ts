/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
/** The task to register. It is checked completely before anything is sent or stored. */
export type CreateAccountTaskInput = {
  /** The format of `parameters`. */
  contentType: ParametersContentType;
  /** When the task should stop running. */
  finishDate?: string | null | undefined;
  /** How often the task should run. */
  frequency: TaskFrequency;
  /** What the task should send back to the user. */
  notification?: TaskNotification | null | undefined;
  /** The parameters for the task. They must parse as `contentType` and are passed on unchanged. */
  parameters: string;
  /** When the task should start running. */
  startDate?: string | null | undefined;
  /** The catalogue task to register: a GUID in format N, D, B or P, in any case. */
  taskId: string;
};

/** The format of `parameters`. */
export type ParametersContentType =
  /** The parameters are a JSON text. */
  | 'APPLICATION_JSON'
  /** The parameters are an XML document. */
  | 'APPLICATION_XML';

/** How often the task runs. */
export type TaskFrequency =
  /** Configured in this gateway, not documented by the REST contract; sent by name. */
  | 'DAILY'
  /** Configured in this gateway, not documented by the REST contract; sent by name. */
  | 'HOURLY'
  /** Configured in this gateway, not documented by the REST contract; sent by name. */
  | 'MONTHLY'
  /** Documented by the REST contract: 0 in JSON. */
  | 'NONE'
  /** Configured in this gateway, not documented by the REST contract; sent by name. */
  | 'WEEKLY';

/** What the task sends back to the user. */
export type TaskNotification =
  /** Configured in this gateway, not documented by the REST contract; sent by name. */
  | 'EMAIL'
  /** Documented by the REST contract: 0 in JSON. */
  | 'NONE'
  /** Configured in this gateway, not documented by the REST contract; sent by name. */
  | 'SMS';

export type AccountTaskQueryVariables = Exact<{
  id: string;
}>;


export type AccountTaskQuery = { __typename: 'Query', accountTask: { __typename: 'AccountTask', id: string, taskId: string, name: string | null, enabled: boolean | null, frequency: TaskFrequency | null, startDate: string | null, finishDate: string | null, parameters: string | null, contentType: ParametersContentType | null, notification: TaskNotification | null, dateCreated: string | null, dateModified: string | null, lastRunOn: string | null, lastRunBy: string | null, lastModifiedBy: string | null, status: string | null, clientId: string | null, detail: unknown } | null };

export type AccountTasksQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type AccountTasksQuery = { __typename: 'Query', accountTasks: { __typename: 'AccountTaskConnection', edges: Array<{ __typename: 'AccountTaskEdge', cursor: string, node: { __typename: 'AccountTask', id: string, taskId: string, dateCreated: string | null } }>, pageInfo: { __typename: 'PageInfo', hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null } } };

export type CreateAccountTaskMutationVariables = Exact<{
  input: CreateAccountTaskInput;
  idempotencyKey?: string | null | undefined;
}>;


export type CreateAccountTaskMutation = { __typename: 'Mutation', createAccountTask: { __typename: 'CreateAccountTaskPayload', replayed: boolean, result: string | null, identification: { __typename: 'Identification', userId: string | null } | null, accountTask: { __typename: 'AccountTask', id: string, taskId: string, name: string | null, enabled: boolean | null, frequency: TaskFrequency | null, startDate: string | null, finishDate: string | null, parameters: string | null, contentType: ParametersContentType | null, notification: TaskNotification | null, dateCreated: string | null, dateModified: string | null, lastRunOn: string | null, lastRunBy: string | null, lastModifiedBy: string | null, status: string | null, clientId: string | null, detail: unknown } } };

export type AccountTaskFieldsFragment = { __typename: 'AccountTask', id: string, taskId: string, name: string | null, enabled: boolean | null, frequency: TaskFrequency | null, startDate: string | null, finishDate: string | null, parameters: string | null, contentType: ParametersContentType | null, notification: TaskNotification | null, dateCreated: string | null, dateModified: string | null, lastRunOn: string | null, lastRunBy: string | null, lastModifiedBy: string | null, status: string | null, clientId: string | null, detail: unknown };

export const AccountTaskFieldsFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"AccountTaskFields"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"AccountTask"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"taskId"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"enabled"}},{"kind":"Field","name":{"kind":"Name","value":"frequency"}},{"kind":"Field","name":{"kind":"Name","value":"startDate"}},{"kind":"Field","name":{"kind":"Name","value":"finishDate"}},{"kind":"Field","name":{"kind":"Name","value":"parameters"}},{"kind":"Field","name":{"kind":"Name","value":"contentType"}},{"kind":"Field","name":{"kind":"Name","value":"notification"}},{"kind":"Field","name":{"kind":"Name","value":"dateCreated"}},{"kind":"Field","name":{"kind":"Name","value":"dateModified"}},{"kind":"Field","name":{"kind":"Name","value":"lastRunOn"}},{"kind":"Field","name":{"kind":"Name","value":"lastRunBy"}},{"kind":"Field","name":{"kind":"Name","value":"lastModifiedBy"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"clientId"}},{"kind":"Field","name":{"kind":"Name","value":"detail"}}]}}]} as unknown as DocumentNode<AccountTaskFieldsFragment, unknown>;
export const AccountTaskDocument = {"__meta__":{"hash":"743c93dbfd52938ca5d6c55da0102ab2c1acdb8431672fc13543d08d6b8b33e1"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"AccountTask"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"id"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"accountTask"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"id"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"AccountTaskFields"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"AccountTaskFields"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"AccountTask"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"taskId"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"enabled"}},{"kind":"Field","name":{"kind":"Name","value":"frequency"}},{"kind":"Field","name":{"kind":"Name","value":"startDate"}},{"kind":"Field","name":{"kind":"Name","value":"finishDate"}},{"kind":"Field","name":{"kind":"Name","value":"parameters"}},{"kind":"Field","name":{"kind":"Name","value":"contentType"}},{"kind":"Field","name":{"kind":"Name","value":"notification"}},{"kind":"Field","name":{"kind":"Name","value":"dateCreated"}},{"kind":"Field","name":{"kind":"Name","value":"dateModified"}},{"kind":"Field","name":{"kind":"Name","value":"lastRunOn"}},{"kind":"Field","name":{"kind":"Name","value":"lastRunBy"}},{"kind":"Field","name":{"kind":"Name","value":"lastModifiedBy"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"clientId"}},{"kind":"Field","name":{"kind":"Name","value":"detail"}}]}}]} as unknown as DocumentNode<AccountTaskQuery, AccountTaskQueryVariables>;
export const AccountTasksDocument = {"__meta__":{"hash":"1485dbd38f2ee7f44bc02cfaf50b8a847351e341773bf5c963d34388d6810752"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"AccountTasks"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"first"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"after"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"accountTasks"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"Variable","name":{"kind":"Name","value":"first"}}},{"kind":"Argument","name":{"kind":"Name","value":"after"},"value":{"kind":"Variable","name":{"kind":"Name","value":"after"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"edges"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"cursor"}},{"kind":"Field","name":{"kind":"Name","value":"node"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"taskId"}},{"kind":"Field","name":{"kind":"Name","value":"dateCreated"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}},{"kind":"Field","name":{"kind":"Name","value":"hasPreviousPage"}},{"kind":"Field","name":{"kind":"Name","value":"startCursor"}},{"kind":"Field","name":{"kind":"Name","value":"endCursor"}}]}}]}}]}}]} as unknown as DocumentNode<AccountTasksQuery, AccountTasksQueryVariables>;
export const CreateAccountTaskDocument = {"__meta__":{"hash":"d2939357009f8817cc3e14c472e7e2b50ddd61a42c30e78a5d301fb1349e8fc1"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"CreateAccountTask"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"CreateAccountTaskInput"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"idempotencyKey"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"createAccountTask"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}},{"kind":"Argument","name":{"kind":"Name","value":"idempotencyKey"},"value":{"kind":"Variable","name":{"kind":"Name","value":"idempotencyKey"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"replayed"}},{"kind":"Field","name":{"kind":"Name","value":"result"}},{"kind":"Field","name":{"kind":"Name","value":"identification"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"userId"}}]}},{"kind":"Field","name":{"kind":"Name","value":"accountTask"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"AccountTaskFields"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"AccountTaskFields"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"AccountTask"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"taskId"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"enabled"}},{"kind":"Field","name":{"kind":"Name","value":"frequency"}},{"kind":"Field","name":{"kind":"Name","value":"startDate"}},{"kind":"Field","name":{"kind":"Name","value":"finishDate"}},{"kind":"Field","name":{"kind":"Name","value":"parameters"}},{"kind":"Field","name":{"kind":"Name","value":"contentType"}},{"kind":"Field","name":{"kind":"Name","value":"notification"}},{"kind":"Field","name":{"kind":"Name","value":"dateCreated"}},{"kind":"Field","name":{"kind":"Name","value":"dateModified"}},{"kind":"Field","name":{"kind":"Name","value":"lastRunOn"}},{"kind":"Field","name":{"kind":"Name","value":"lastRunBy"}},{"kind":"Field","name":{"kind":"Name","value":"lastModifiedBy"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"clientId"}},{"kind":"Field","name":{"kind":"Name","value":"detail"}}]}}]} as unknown as DocumentNode<CreateAccountTaskMutation, CreateAccountTaskMutationVariables>;