/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocument as DocumentNode } from '../typed-document.ts';
/** The conditions of a list. A task has to meet every one that is given. A list of values matches tasks that have one of them, so an empty list matches no task. `taskIds` and, in store mode, creation times are found by an index. For the others a page looks at up to 2,000 tasks and then ends, perhaps empty; continue from its endCursor while it says hasNextPage. */
export type AccountTaskFilter = {
  /** IDs of the API clients that registered the tasks. */
  clientIds?: Array<string> | null | undefined;
  /** Tasks whose dateCreated is earlier than this time. */
  createdBefore?: string | null | undefined;
  /** Tasks whose dateCreated is this time or later. */
  createdFrom?: string | null | undefined;
  /** True for tasks that are enabled, false for those that are not. */
  enabled?: boolean | null | undefined;
  /** How often the tasks run. */
  frequencies?: Array<TaskFrequency> | null | undefined;
  /** Statuses, exactly as `status` shows them. */
  statuses?: Array<string> | null | undefined;
  /** IDs of catalogue tasks. */
  taskIds?: Array<string> | null | undefined;
};

/** The order of a list: by creation in store mode, in upstream mode by when the gateway recorded the task. */
export type AccountTaskOrder =
  /** The newest task comes first. */
  | 'NEWEST_FIRST'
  /** The oldest task comes first. */
  | 'OLDEST_FIRST';

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

/** One create of a batch. */
export type CreateAccountTaskItem = {
  /** 1 to 255 characters. The same key with the same input creates one task, however often it is sent; repeats return the first result. The same key with another input is refused. */
  idempotencyKey?: string | null | undefined;
  /** The task to register. */
  input: CreateAccountTaskInput;
};

/** The API client to add. */
export type CreateClientInput = {
  /** The name of the client: 1 to 18 characters. */
  name: string;
  /** At most 50 characters. The gateway makes a secret if none is given. */
  secret?: string | null | undefined;
  /** The account: a GUID in format N, D, B or P, in any case. */
  userId: string;
};

/** The format of `parameters`. */
export type ParametersContentType =
  /** The parameters are a JSON text. */
  | 'APPLICATION_JSON'
  /** The parameters are an XML document. */
  | 'APPLICATION_XML';

/** Why a write failed. `extensions.code` has the same codes. */
export type TaskFailureCode =
  /** The caller has no account task with this ID. */
  | 'ACCOUNT_TASK_NOT_FOUND'
  /** A value is invalid; the message names it and says what is accepted. */
  | 'BAD_USER_INPUT'
  /** The account has no API client; create one first. */
  | 'CLIENT_REQUIRED'
  /** The account task was changed after the given ifModified. */
  | 'CONFLICT'
  /** The caller may not do this. */
  | 'FORBIDDEN'
  /** The idempotencyKey was already used with another input. */
  | 'IDEMPOTENCY_CONFLICT'
  /** A write with the same idempotencyKey is still in progress. */
  | 'IDEMPOTENCY_IN_PROGRESS'
  /** A defect of the gateway, described in its log. */
  | 'INTERNAL_SERVER_ERROR'
  /** This backend or its configuration cannot do it. */
  | 'NOT_SUPPORTED'
  /** Too many requests are in progress, or the service has stopped answering. */
  | 'OVERLOADED'
  /** The database failed while it was storing the result. */
  | 'STORE_FAILED'
  /** The database cannot be reached or written, so nothing was sent or stored. */
  | 'STORE_UNAVAILABLE'
  /** The taskId is not in the catalogue. */
  | 'TASK_NOT_FOUND'
  /** The service refused it and explains that in errorCode and errorReason. */
  | 'TASK_REJECTED'
  /** The credentials are missing or were not accepted. */
  | 'UNAUTHENTICATED'
  /** The connection to the service was lost before its answer was complete. */
  | 'UPSTREAM_CONNECTION_LOST'
  /** The service failed while it was processing the request. */
  | 'UPSTREAM_FAILED'
  /** The service did not answer in time. */
  | 'UPSTREAM_TIMEOUT'
  /** The service, or the issuer of the caller's token, cannot be reached. */
  | 'UPSTREAM_UNREACHABLE'
  /** The answer of the service cannot be read. */
  | 'UPSTREAM_UNREADABLE';

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

/** What became of a write that failed. */
export type TaskOutcome =
  /** Nothing left the gateway, so nothing was done. */
  | 'NOT_SENT'
  /** The service answered and did not do it. */
  | 'REJECTED'
  /** No trustworthy answer arrived, so it may have been done. Repeat a create or a run only with the same idempotencyKey; an update ends in the same state, but may overwrite a later change. */
  | 'UNKNOWN';

/** The new state of the task. It replaces every field: an optional field that is not given is cleared. */
export type UpdateAccountTaskInput = {
  /** The format of `parameters`. */
  contentType: ParametersContentType;
  /** True to enable the task, false to switch it off. */
  enabled: boolean;
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

/** How far a write with an idempotencyKey has come. */
export type WriteState =
  /** The write is under way. Its key cannot be used again yet. */
  | 'IN_PROGRESS'
  /** The write was done. A repeat with its key returns the same result. */
  | 'SUCCEEDED'
  /** Nobody knows whether the write was done. A repeat with its key is not sent. */
  | 'UNKNOWN';

export type AccountTaskQueryVariables = Exact<{
  id: string;
}>;


export type AccountTaskQuery = { __typename: 'Query', accountTask: { __typename: 'AccountTask', id: string, taskId: string, name: string | null, enabled: boolean | null, frequency: TaskFrequency | null, startDate: string | null, finishDate: string | null, parameters: string | null, contentType: ParametersContentType | null, notification: TaskNotification | null, dateCreated: string | null, dateModified: string | null, lastRunOn: string | null, lastRunBy: string | null, lastModifiedBy: string | null, status: string | null, clientId: string | null, detail: unknown } | null };

export type AccountTasksQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
  filter?: AccountTaskFilter | null | undefined;
  order?: AccountTaskOrder | null | undefined;
}>;


export type AccountTasksQuery = { __typename: 'Query', accountTasks: { __typename: 'AccountTaskConnection', edges: Array<{ __typename: 'AccountTaskEdge', cursor: string, node: { __typename: 'AccountTask', id: string, taskId: string, dateCreated: string | null } }>, pageInfo: { __typename: 'PageInfo', hasNextPage: boolean, hasPreviousPage: boolean, startCursor: string | null, endCursor: string | null } } };

export type CreateAccountTaskMutationVariables = Exact<{
  input: CreateAccountTaskInput;
  idempotencyKey?: string | null | undefined;
}>;


export type CreateAccountTaskMutation = { __typename: 'Mutation', createAccountTask: { __typename: 'CreateAccountTaskPayload', replayed: boolean, result: string | null, identification: { __typename: 'Identification', userId: string | null } | null, accountTask: { __typename: 'AccountTask', id: string, taskId: string, name: string | null, enabled: boolean | null, frequency: TaskFrequency | null, startDate: string | null, finishDate: string | null, parameters: string | null, contentType: ParametersContentType | null, notification: TaskNotification | null, dateCreated: string | null, dateModified: string | null, lastRunOn: string | null, lastRunBy: string | null, lastModifiedBy: string | null, status: string | null, clientId: string | null, detail: unknown } } };

export type AccountTaskFieldsFragment = { __typename: 'AccountTask', id: string, taskId: string, name: string | null, enabled: boolean | null, frequency: TaskFrequency | null, startDate: string | null, finishDate: string | null, parameters: string | null, contentType: ParametersContentType | null, notification: TaskNotification | null, dateCreated: string | null, dateModified: string | null, lastRunOn: string | null, lastRunBy: string | null, lastModifiedBy: string | null, status: string | null, clientId: string | null, detail: unknown };

export type TryUpdateAccountTaskMutationVariables = Exact<{
  id: string;
  input: UpdateAccountTaskInput;
  ifModified?: string | null | undefined;
}>;


export type TryUpdateAccountTaskMutation = { __typename: 'Mutation', tryUpdateAccountTask:
    | { __typename: 'UpdateAccountTaskFailure', code: TaskFailureCode, outcome: TaskOutcome, retryable: boolean, message: string, errorCode: string | null, errorReason: string | null, requestId: string }
    | { __typename: 'UpdateAccountTaskPayload', result: string | null, identification: { __typename: 'Identification', userId: string | null } | null, accountTask: { __typename: 'AccountTask', id: string, taskId: string, name: string | null, enabled: boolean | null, frequency: TaskFrequency | null, startDate: string | null, finishDate: string | null, parameters: string | null, contentType: ParametersContentType | null, notification: TaskNotification | null, dateCreated: string | null, dateModified: string | null, lastRunOn: string | null, lastRunBy: string | null, lastModifiedBy: string | null, status: string | null, clientId: string | null, detail: unknown } | null }
   };

export type TryRunAccountTaskMutationVariables = Exact<{
  id: string;
  idempotencyKey?: string | null | undefined;
}>;


export type TryRunAccountTaskMutation = { __typename: 'Mutation', tryRunAccountTask:
    | { __typename: 'RunAccountTaskFailure', code: TaskFailureCode, outcome: TaskOutcome, retryable: boolean, message: string, errorCode: string | null, errorReason: string | null, requestId: string }
    | { __typename: 'RunAccountTaskPayload', accountTaskId: string, replayed: boolean, result: string | null, identification: { __typename: 'Identification', userId: string | null } | null }
   };

export type TryCreateClientMutationVariables = Exact<{
  input: CreateClientInput;
}>;


export type TryCreateClientMutation = { __typename: 'Mutation', tryCreateClient:
    | { __typename: 'CreateClientFailure', code: TaskFailureCode, outcome: TaskOutcome, retryable: boolean, message: string, errorCode: string | null, errorReason: string | null, requestId: string }
    | { __typename: 'CreateClientPayload', secret: string | null, client: { __typename: 'Client', id: string } }
   };

export type TryCreateAccountTaskMutationVariables = Exact<{
  input: CreateAccountTaskInput;
  idempotencyKey?: string | null | undefined;
}>;


export type TryCreateAccountTaskMutation = { __typename: 'Mutation', tryCreateAccountTask:
    | { __typename: 'CreateAccountTaskFailure', code: TaskFailureCode, outcome: TaskOutcome, retryable: boolean, message: string, errorCode: string | null, errorReason: string | null, requestId: string }
    | { __typename: 'CreateAccountTaskPayload', replayed: boolean, result: string | null, identification: { __typename: 'Identification', userId: string | null } | null, accountTask: { __typename: 'AccountTask', id: string, taskId: string, name: string | null, enabled: boolean | null, frequency: TaskFrequency | null, startDate: string | null, finishDate: string | null, parameters: string | null, contentType: ParametersContentType | null, notification: TaskNotification | null, dateCreated: string | null, dateModified: string | null, lastRunOn: string | null, lastRunBy: string | null, lastModifiedBy: string | null, status: string | null, clientId: string | null, detail: unknown } }
   };

export type CreateAccountTasksMutationVariables = Exact<{
  inputs: Array<CreateAccountTaskItem> | CreateAccountTaskItem;
}>;


export type CreateAccountTasksMutation = { __typename: 'Mutation', createAccountTasks: Array<
    | { __typename: 'CreateAccountTaskFailure', code: TaskFailureCode, outcome: TaskOutcome, retryable: boolean, message: string, errorCode: string | null, errorReason: string | null, requestId: string }
    | { __typename: 'CreateAccountTaskPayload', replayed: boolean, accountTask: { __typename: 'AccountTask', id: string, taskId: string, dateCreated: string | null } }
  > };

export type WriteOutcomeQueryVariables = Exact<{
  idempotencyKey: string;
}>;


export type WriteOutcomeQuery = { __typename: 'Query', writeOutcome: { __typename: 'WriteOutcome', state: WriteState, firstTriedAt: string, expiresAt: string, requestId: string, settledBy: string | null, accountTask: { __typename: 'AccountTask', id: string, taskId: string, name: string | null, enabled: boolean | null, frequency: TaskFrequency | null, startDate: string | null, finishDate: string | null, parameters: string | null, contentType: ParametersContentType | null, notification: TaskNotification | null, dateCreated: string | null, dateModified: string | null, lastRunOn: string | null, lastRunBy: string | null, lastModifiedBy: string | null, status: string | null, clientId: string | null, detail: unknown } | null, failure:
      | { __typename: 'CreateAccountTaskFailure', code: TaskFailureCode, outcome: TaskOutcome, retryable: boolean, message: string, errorCode: string | null, errorReason: string | null, requestId: string }
      | { __typename: 'CreateClientFailure', code: TaskFailureCode, outcome: TaskOutcome, retryable: boolean, message: string, errorCode: string | null, errorReason: string | null, requestId: string }
      | { __typename: 'RunAccountTaskFailure', code: TaskFailureCode, outcome: TaskOutcome, retryable: boolean, message: string, errorCode: string | null, errorReason: string | null, requestId: string }
      | { __typename: 'UpdateAccountTaskFailure', code: TaskFailureCode, outcome: TaskOutcome, retryable: boolean, message: string, errorCode: string | null, errorReason: string | null, requestId: string }
     | null } | null };

type WriteFailureFields_CreateAccountTaskFailure_Fragment = { __typename: 'CreateAccountTaskFailure', code: TaskFailureCode, outcome: TaskOutcome, retryable: boolean, message: string, errorCode: string | null, errorReason: string | null, requestId: string };

type WriteFailureFields_CreateClientFailure_Fragment = { __typename: 'CreateClientFailure', code: TaskFailureCode, outcome: TaskOutcome, retryable: boolean, message: string, errorCode: string | null, errorReason: string | null, requestId: string };

type WriteFailureFields_RunAccountTaskFailure_Fragment = { __typename: 'RunAccountTaskFailure', code: TaskFailureCode, outcome: TaskOutcome, retryable: boolean, message: string, errorCode: string | null, errorReason: string | null, requestId: string };

type WriteFailureFields_UpdateAccountTaskFailure_Fragment = { __typename: 'UpdateAccountTaskFailure', code: TaskFailureCode, outcome: TaskOutcome, retryable: boolean, message: string, errorCode: string | null, errorReason: string | null, requestId: string };

export type WriteFailureFieldsFragment =
  | WriteFailureFields_CreateAccountTaskFailure_Fragment
  | WriteFailureFields_CreateClientFailure_Fragment
  | WriteFailureFields_RunAccountTaskFailure_Fragment
  | WriteFailureFields_UpdateAccountTaskFailure_Fragment
;

export const AccountTaskFieldsFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"AccountTaskFields"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"AccountTask"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"taskId"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"enabled"}},{"kind":"Field","name":{"kind":"Name","value":"frequency"}},{"kind":"Field","name":{"kind":"Name","value":"startDate"}},{"kind":"Field","name":{"kind":"Name","value":"finishDate"}},{"kind":"Field","name":{"kind":"Name","value":"parameters"}},{"kind":"Field","name":{"kind":"Name","value":"contentType"}},{"kind":"Field","name":{"kind":"Name","value":"notification"}},{"kind":"Field","name":{"kind":"Name","value":"dateCreated"}},{"kind":"Field","name":{"kind":"Name","value":"dateModified"}},{"kind":"Field","name":{"kind":"Name","value":"lastRunOn"}},{"kind":"Field","name":{"kind":"Name","value":"lastRunBy"}},{"kind":"Field","name":{"kind":"Name","value":"lastModifiedBy"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"clientId"}},{"kind":"Field","name":{"kind":"Name","value":"detail"}}]}}]} as unknown as DocumentNode<AccountTaskFieldsFragment, unknown>;
export const WriteFailureFieldsFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"WriteFailureFields"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"WriteFailure"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"outcome"}},{"kind":"Field","name":{"kind":"Name","value":"retryable"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"errorCode"}},{"kind":"Field","name":{"kind":"Name","value":"errorReason"}},{"kind":"Field","name":{"kind":"Name","value":"requestId"}}]}}]} as unknown as DocumentNode<WriteFailureFieldsFragment, unknown>;
export const AccountTaskDocument = {"__meta__":{"text":"query AccountTask($id: ID!) {\n  __typename\n  accountTask(id: $id) {\n    __typename\n    ...AccountTaskFields\n  }\n}\n\nfragment AccountTaskFields on AccountTask {\n  __typename\n  id\n  taskId\n  name\n  enabled\n  frequency\n  startDate\n  finishDate\n  parameters\n  contentType\n  notification\n  dateCreated\n  dateModified\n  lastRunOn\n  lastRunBy\n  lastModifiedBy\n  status\n  clientId\n  detail\n}","hash":"743c93dbfd52938ca5d6c55da0102ab2c1acdb8431672fc13543d08d6b8b33e1"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"AccountTask"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"id"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"accountTask"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"id"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"AccountTaskFields"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"AccountTaskFields"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"AccountTask"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"taskId"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"enabled"}},{"kind":"Field","name":{"kind":"Name","value":"frequency"}},{"kind":"Field","name":{"kind":"Name","value":"startDate"}},{"kind":"Field","name":{"kind":"Name","value":"finishDate"}},{"kind":"Field","name":{"kind":"Name","value":"parameters"}},{"kind":"Field","name":{"kind":"Name","value":"contentType"}},{"kind":"Field","name":{"kind":"Name","value":"notification"}},{"kind":"Field","name":{"kind":"Name","value":"dateCreated"}},{"kind":"Field","name":{"kind":"Name","value":"dateModified"}},{"kind":"Field","name":{"kind":"Name","value":"lastRunOn"}},{"kind":"Field","name":{"kind":"Name","value":"lastRunBy"}},{"kind":"Field","name":{"kind":"Name","value":"lastModifiedBy"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"clientId"}},{"kind":"Field","name":{"kind":"Name","value":"detail"}}]}}]} as unknown as DocumentNode<AccountTaskQuery, AccountTaskQueryVariables>;
export const AccountTasksDocument = {"__meta__":{"text":"query AccountTasks($first: Int, $after: String, $last: Int, $before: String, $filter: AccountTaskFilter, $order: AccountTaskOrder) {\n  __typename\n  accountTasks(\n    first: $first\n    after: $after\n    last: $last\n    before: $before\n    filter: $filter\n    order: $order\n  ) {\n    __typename\n    edges {\n      __typename\n      cursor\n      node {\n        __typename\n        id\n        taskId\n        dateCreated\n      }\n    }\n    pageInfo {\n      __typename\n      hasNextPage\n      hasPreviousPage\n      startCursor\n      endCursor\n    }\n  }\n}","hash":"b9b5f07a57f1060607243e94d3639fc45ea5684e2b0f97fb9096847b0228e353"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"AccountTasks"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"first"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"after"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"last"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"before"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"filter"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"AccountTaskFilter"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"order"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"AccountTaskOrder"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"accountTasks"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"Variable","name":{"kind":"Name","value":"first"}}},{"kind":"Argument","name":{"kind":"Name","value":"after"},"value":{"kind":"Variable","name":{"kind":"Name","value":"after"}}},{"kind":"Argument","name":{"kind":"Name","value":"last"},"value":{"kind":"Variable","name":{"kind":"Name","value":"last"}}},{"kind":"Argument","name":{"kind":"Name","value":"before"},"value":{"kind":"Variable","name":{"kind":"Name","value":"before"}}},{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"Variable","name":{"kind":"Name","value":"filter"}}},{"kind":"Argument","name":{"kind":"Name","value":"order"},"value":{"kind":"Variable","name":{"kind":"Name","value":"order"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"edges"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"cursor"}},{"kind":"Field","name":{"kind":"Name","value":"node"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"taskId"}},{"kind":"Field","name":{"kind":"Name","value":"dateCreated"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}},{"kind":"Field","name":{"kind":"Name","value":"hasPreviousPage"}},{"kind":"Field","name":{"kind":"Name","value":"startCursor"}},{"kind":"Field","name":{"kind":"Name","value":"endCursor"}}]}}]}}]}}]} as unknown as DocumentNode<AccountTasksQuery, AccountTasksQueryVariables>;
export const CreateAccountTaskDocument = {"__meta__":{"text":"mutation CreateAccountTask($input: CreateAccountTaskInput!, $idempotencyKey: String) {\n  __typename\n  createAccountTask(input: $input, idempotencyKey: $idempotencyKey) {\n    __typename\n    replayed\n    result\n    identification {\n      __typename\n      userId\n    }\n    accountTask {\n      __typename\n      ...AccountTaskFields\n    }\n  }\n}\n\nfragment AccountTaskFields on AccountTask {\n  __typename\n  id\n  taskId\n  name\n  enabled\n  frequency\n  startDate\n  finishDate\n  parameters\n  contentType\n  notification\n  dateCreated\n  dateModified\n  lastRunOn\n  lastRunBy\n  lastModifiedBy\n  status\n  clientId\n  detail\n}","hash":"d2939357009f8817cc3e14c472e7e2b50ddd61a42c30e78a5d301fb1349e8fc1"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"CreateAccountTask"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"CreateAccountTaskInput"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"idempotencyKey"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"createAccountTask"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}},{"kind":"Argument","name":{"kind":"Name","value":"idempotencyKey"},"value":{"kind":"Variable","name":{"kind":"Name","value":"idempotencyKey"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"replayed"}},{"kind":"Field","name":{"kind":"Name","value":"result"}},{"kind":"Field","name":{"kind":"Name","value":"identification"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"userId"}}]}},{"kind":"Field","name":{"kind":"Name","value":"accountTask"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"AccountTaskFields"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"AccountTaskFields"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"AccountTask"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"taskId"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"enabled"}},{"kind":"Field","name":{"kind":"Name","value":"frequency"}},{"kind":"Field","name":{"kind":"Name","value":"startDate"}},{"kind":"Field","name":{"kind":"Name","value":"finishDate"}},{"kind":"Field","name":{"kind":"Name","value":"parameters"}},{"kind":"Field","name":{"kind":"Name","value":"contentType"}},{"kind":"Field","name":{"kind":"Name","value":"notification"}},{"kind":"Field","name":{"kind":"Name","value":"dateCreated"}},{"kind":"Field","name":{"kind":"Name","value":"dateModified"}},{"kind":"Field","name":{"kind":"Name","value":"lastRunOn"}},{"kind":"Field","name":{"kind":"Name","value":"lastRunBy"}},{"kind":"Field","name":{"kind":"Name","value":"lastModifiedBy"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"clientId"}},{"kind":"Field","name":{"kind":"Name","value":"detail"}}]}}]} as unknown as DocumentNode<CreateAccountTaskMutation, CreateAccountTaskMutationVariables>;
export const TryUpdateAccountTaskDocument = {"__meta__":{"text":"mutation TryUpdateAccountTask($id: ID!, $input: UpdateAccountTaskInput!, $ifModified: DateTime) {\n  __typename\n  tryUpdateAccountTask(id: $id, input: $input, ifModified: $ifModified) {\n    __typename\n    ... on UpdateAccountTaskPayload {\n      __typename\n      result\n      identification {\n        __typename\n        userId\n      }\n      accountTask {\n        __typename\n        ...AccountTaskFields\n      }\n    }\n    ...WriteFailureFields\n  }\n}\n\nfragment AccountTaskFields on AccountTask {\n  __typename\n  id\n  taskId\n  name\n  enabled\n  frequency\n  startDate\n  finishDate\n  parameters\n  contentType\n  notification\n  dateCreated\n  dateModified\n  lastRunOn\n  lastRunBy\n  lastModifiedBy\n  status\n  clientId\n  detail\n}\n\nfragment WriteFailureFields on WriteFailure {\n  __typename\n  code\n  outcome\n  retryable\n  message\n  errorCode\n  errorReason\n  requestId\n}","hash":"84224bb4540bb8ac4874a5fa8f9e648bedd40426465a7ca9f901e28cef6a15af"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"TryUpdateAccountTask"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"id"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"UpdateAccountTaskInput"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"ifModified"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"DateTime"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"tryUpdateAccountTask"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"id"}}},{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}},{"kind":"Argument","name":{"kind":"Name","value":"ifModified"},"value":{"kind":"Variable","name":{"kind":"Name","value":"ifModified"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"UpdateAccountTaskPayload"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"result"}},{"kind":"Field","name":{"kind":"Name","value":"identification"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"userId"}}]}},{"kind":"Field","name":{"kind":"Name","value":"accountTask"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"AccountTaskFields"}}]}}]}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"WriteFailureFields"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"AccountTaskFields"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"AccountTask"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"taskId"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"enabled"}},{"kind":"Field","name":{"kind":"Name","value":"frequency"}},{"kind":"Field","name":{"kind":"Name","value":"startDate"}},{"kind":"Field","name":{"kind":"Name","value":"finishDate"}},{"kind":"Field","name":{"kind":"Name","value":"parameters"}},{"kind":"Field","name":{"kind":"Name","value":"contentType"}},{"kind":"Field","name":{"kind":"Name","value":"notification"}},{"kind":"Field","name":{"kind":"Name","value":"dateCreated"}},{"kind":"Field","name":{"kind":"Name","value":"dateModified"}},{"kind":"Field","name":{"kind":"Name","value":"lastRunOn"}},{"kind":"Field","name":{"kind":"Name","value":"lastRunBy"}},{"kind":"Field","name":{"kind":"Name","value":"lastModifiedBy"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"clientId"}},{"kind":"Field","name":{"kind":"Name","value":"detail"}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"WriteFailureFields"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"WriteFailure"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"outcome"}},{"kind":"Field","name":{"kind":"Name","value":"retryable"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"errorCode"}},{"kind":"Field","name":{"kind":"Name","value":"errorReason"}},{"kind":"Field","name":{"kind":"Name","value":"requestId"}}]}}]} as unknown as DocumentNode<TryUpdateAccountTaskMutation, TryUpdateAccountTaskMutationVariables>;
export const TryRunAccountTaskDocument = {"__meta__":{"text":"mutation TryRunAccountTask($id: ID!, $idempotencyKey: String) {\n  __typename\n  tryRunAccountTask(id: $id, idempotencyKey: $idempotencyKey) {\n    __typename\n    ... on RunAccountTaskPayload {\n      __typename\n      accountTaskId\n      replayed\n      result\n      identification {\n        __typename\n        userId\n      }\n    }\n    ...WriteFailureFields\n  }\n}\n\nfragment WriteFailureFields on WriteFailure {\n  __typename\n  code\n  outcome\n  retryable\n  message\n  errorCode\n  errorReason\n  requestId\n}","hash":"b25a7ee56d225550f011012509e747759cecb04bc5b9b66b06649eea2f553eeb"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"TryRunAccountTask"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"id"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"idempotencyKey"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"tryRunAccountTask"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"id"}}},{"kind":"Argument","name":{"kind":"Name","value":"idempotencyKey"},"value":{"kind":"Variable","name":{"kind":"Name","value":"idempotencyKey"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"RunAccountTaskPayload"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"accountTaskId"}},{"kind":"Field","name":{"kind":"Name","value":"replayed"}},{"kind":"Field","name":{"kind":"Name","value":"result"}},{"kind":"Field","name":{"kind":"Name","value":"identification"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"userId"}}]}}]}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"WriteFailureFields"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"WriteFailureFields"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"WriteFailure"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"outcome"}},{"kind":"Field","name":{"kind":"Name","value":"retryable"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"errorCode"}},{"kind":"Field","name":{"kind":"Name","value":"errorReason"}},{"kind":"Field","name":{"kind":"Name","value":"requestId"}}]}}]} as unknown as DocumentNode<TryRunAccountTaskMutation, TryRunAccountTaskMutationVariables>;
export const TryCreateClientDocument = {"__meta__":{"text":"mutation TryCreateClient($input: CreateClientInput!) {\n  __typename\n  tryCreateClient(input: $input) {\n    __typename\n    ... on CreateClientPayload {\n      __typename\n      secret\n      client {\n        __typename\n        id\n      }\n    }\n    ...WriteFailureFields\n  }\n}\n\nfragment WriteFailureFields on WriteFailure {\n  __typename\n  code\n  outcome\n  retryable\n  message\n  errorCode\n  errorReason\n  requestId\n}","hash":"9c5ad0c24d0c773de7e28a0587ae39d5b0cce034ea8b939a68971c35470c8152"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"TryCreateClient"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"CreateClientInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"tryCreateClient"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"CreateClientPayload"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"secret"}},{"kind":"Field","name":{"kind":"Name","value":"client"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}}]}}]}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"WriteFailureFields"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"WriteFailureFields"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"WriteFailure"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"outcome"}},{"kind":"Field","name":{"kind":"Name","value":"retryable"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"errorCode"}},{"kind":"Field","name":{"kind":"Name","value":"errorReason"}},{"kind":"Field","name":{"kind":"Name","value":"requestId"}}]}}]} as unknown as DocumentNode<TryCreateClientMutation, TryCreateClientMutationVariables>;
export const TryCreateAccountTaskDocument = {"__meta__":{"text":"mutation TryCreateAccountTask($input: CreateAccountTaskInput!, $idempotencyKey: String) {\n  __typename\n  tryCreateAccountTask(input: $input, idempotencyKey: $idempotencyKey) {\n    __typename\n    ... on CreateAccountTaskPayload {\n      __typename\n      replayed\n      result\n      identification {\n        __typename\n        userId\n      }\n      accountTask {\n        __typename\n        ...AccountTaskFields\n      }\n    }\n    ...WriteFailureFields\n  }\n}\n\nfragment AccountTaskFields on AccountTask {\n  __typename\n  id\n  taskId\n  name\n  enabled\n  frequency\n  startDate\n  finishDate\n  parameters\n  contentType\n  notification\n  dateCreated\n  dateModified\n  lastRunOn\n  lastRunBy\n  lastModifiedBy\n  status\n  clientId\n  detail\n}\n\nfragment WriteFailureFields on WriteFailure {\n  __typename\n  code\n  outcome\n  retryable\n  message\n  errorCode\n  errorReason\n  requestId\n}","hash":"eeeaa2f18cdfc12440b85be8a76d2da8335c739ee0e33ee8e705212d2f904017"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"TryCreateAccountTask"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"CreateAccountTaskInput"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"idempotencyKey"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"tryCreateAccountTask"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}},{"kind":"Argument","name":{"kind":"Name","value":"idempotencyKey"},"value":{"kind":"Variable","name":{"kind":"Name","value":"idempotencyKey"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"CreateAccountTaskPayload"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"replayed"}},{"kind":"Field","name":{"kind":"Name","value":"result"}},{"kind":"Field","name":{"kind":"Name","value":"identification"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"userId"}}]}},{"kind":"Field","name":{"kind":"Name","value":"accountTask"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"AccountTaskFields"}}]}}]}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"WriteFailureFields"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"AccountTaskFields"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"AccountTask"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"taskId"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"enabled"}},{"kind":"Field","name":{"kind":"Name","value":"frequency"}},{"kind":"Field","name":{"kind":"Name","value":"startDate"}},{"kind":"Field","name":{"kind":"Name","value":"finishDate"}},{"kind":"Field","name":{"kind":"Name","value":"parameters"}},{"kind":"Field","name":{"kind":"Name","value":"contentType"}},{"kind":"Field","name":{"kind":"Name","value":"notification"}},{"kind":"Field","name":{"kind":"Name","value":"dateCreated"}},{"kind":"Field","name":{"kind":"Name","value":"dateModified"}},{"kind":"Field","name":{"kind":"Name","value":"lastRunOn"}},{"kind":"Field","name":{"kind":"Name","value":"lastRunBy"}},{"kind":"Field","name":{"kind":"Name","value":"lastModifiedBy"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"clientId"}},{"kind":"Field","name":{"kind":"Name","value":"detail"}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"WriteFailureFields"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"WriteFailure"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"outcome"}},{"kind":"Field","name":{"kind":"Name","value":"retryable"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"errorCode"}},{"kind":"Field","name":{"kind":"Name","value":"errorReason"}},{"kind":"Field","name":{"kind":"Name","value":"requestId"}}]}}]} as unknown as DocumentNode<TryCreateAccountTaskMutation, TryCreateAccountTaskMutationVariables>;
export const CreateAccountTasksDocument = {"__meta__":{"text":"mutation CreateAccountTasks($inputs: [CreateAccountTaskItem!]!) {\n  __typename\n  createAccountTasks(inputs: $inputs) {\n    __typename\n    ... on CreateAccountTaskPayload {\n      __typename\n      replayed\n      accountTask {\n        __typename\n        id\n        taskId\n        dateCreated\n      }\n    }\n    ...WriteFailureFields\n  }\n}\n\nfragment WriteFailureFields on WriteFailure {\n  __typename\n  code\n  outcome\n  retryable\n  message\n  errorCode\n  errorReason\n  requestId\n}","hash":"7c479534370ef887e0d284aac9fc0a6482f860419d52dd8e1f1e00b17d31b1c0"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"CreateAccountTasks"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"inputs"}},"type":{"kind":"NonNullType","type":{"kind":"ListType","type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"CreateAccountTaskItem"}}}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"createAccountTasks"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"inputs"},"value":{"kind":"Variable","name":{"kind":"Name","value":"inputs"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"CreateAccountTaskPayload"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"replayed"}},{"kind":"Field","name":{"kind":"Name","value":"accountTask"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"taskId"}},{"kind":"Field","name":{"kind":"Name","value":"dateCreated"}}]}}]}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"WriteFailureFields"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"WriteFailureFields"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"WriteFailure"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"outcome"}},{"kind":"Field","name":{"kind":"Name","value":"retryable"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"errorCode"}},{"kind":"Field","name":{"kind":"Name","value":"errorReason"}},{"kind":"Field","name":{"kind":"Name","value":"requestId"}}]}}]} as unknown as DocumentNode<CreateAccountTasksMutation, CreateAccountTasksMutationVariables>;
export const WriteOutcomeDocument = {"__meta__":{"text":"query WriteOutcome($idempotencyKey: String!) {\n  __typename\n  writeOutcome(idempotencyKey: $idempotencyKey) {\n    __typename\n    state\n    accountTask {\n      __typename\n      ...AccountTaskFields\n    }\n    failure {\n      __typename\n      ...WriteFailureFields\n    }\n    firstTriedAt\n    expiresAt\n    requestId\n    settledBy\n  }\n}\n\nfragment AccountTaskFields on AccountTask {\n  __typename\n  id\n  taskId\n  name\n  enabled\n  frequency\n  startDate\n  finishDate\n  parameters\n  contentType\n  notification\n  dateCreated\n  dateModified\n  lastRunOn\n  lastRunBy\n  lastModifiedBy\n  status\n  clientId\n  detail\n}\n\nfragment WriteFailureFields on WriteFailure {\n  __typename\n  code\n  outcome\n  retryable\n  message\n  errorCode\n  errorReason\n  requestId\n}","hash":"786db02226c57fae159d4b309bc4c16449e01e7e7dfca7036b0cf43ea1ab1ea6"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"WriteOutcome"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"idempotencyKey"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"writeOutcome"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"idempotencyKey"},"value":{"kind":"Variable","name":{"kind":"Name","value":"idempotencyKey"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"state"}},{"kind":"Field","name":{"kind":"Name","value":"accountTask"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"AccountTaskFields"}}]}},{"kind":"Field","name":{"kind":"Name","value":"failure"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"WriteFailureFields"}}]}},{"kind":"Field","name":{"kind":"Name","value":"firstTriedAt"}},{"kind":"Field","name":{"kind":"Name","value":"expiresAt"}},{"kind":"Field","name":{"kind":"Name","value":"requestId"}},{"kind":"Field","name":{"kind":"Name","value":"settledBy"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"AccountTaskFields"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"AccountTask"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"taskId"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"enabled"}},{"kind":"Field","name":{"kind":"Name","value":"frequency"}},{"kind":"Field","name":{"kind":"Name","value":"startDate"}},{"kind":"Field","name":{"kind":"Name","value":"finishDate"}},{"kind":"Field","name":{"kind":"Name","value":"parameters"}},{"kind":"Field","name":{"kind":"Name","value":"contentType"}},{"kind":"Field","name":{"kind":"Name","value":"notification"}},{"kind":"Field","name":{"kind":"Name","value":"dateCreated"}},{"kind":"Field","name":{"kind":"Name","value":"dateModified"}},{"kind":"Field","name":{"kind":"Name","value":"lastRunOn"}},{"kind":"Field","name":{"kind":"Name","value":"lastRunBy"}},{"kind":"Field","name":{"kind":"Name","value":"lastModifiedBy"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"clientId"}},{"kind":"Field","name":{"kind":"Name","value":"detail"}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"WriteFailureFields"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"WriteFailure"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"outcome"}},{"kind":"Field","name":{"kind":"Name","value":"retryable"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"errorCode"}},{"kind":"Field","name":{"kind":"Name","value":"errorReason"}},{"kind":"Field","name":{"kind":"Name","value":"requestId"}}]}}]} as unknown as DocumentNode<WriteOutcomeQuery, WriteOutcomeQueryVariables>;