import {
  type AccountTask,
  DETAIL_FIELDS,
  type DetailKind,
  type NewAccountTask,
  readAccountTask,
  type ReadProblem,
  type CreatedClient,
} from './account-task.ts';
import type { EnumTables } from './enums.ts';
import { EMPTY_GUID, parseGuid } from './text-formats.ts';
import { isAbsent, isJsonObject, type JsonObject, jsonMember, type JsonValue } from './json-value.ts';
import type { WriteInput, WriteName, WriteResult } from './task-service.ts';

/** A member of a request's body. `maxLength` is from the contract's prose. */
export interface BodyMember {
  /** For an enum, the name of its table. */
  readonly kind: 'guid' | 'date' | 'text' | 'content type' | 'boolean' | keyof EnumTables;
  readonly isRequired: boolean;
  readonly maxLength?: number;
  /** The limit of our own store. */
  readonly storeMinLength?: number;
}

/** The members of all requests' bodies by the contract's names. */
export const BODY_FIELDS = {
  TaskID: { kind: 'guid', isRequired: true },
  Frequency: { kind: 'frequencies', isRequired: true },
  StartDate: { kind: 'date', isRequired: false },
  FinishDate: { kind: 'date', isRequired: false },
  Parameters: { kind: 'text', isRequired: true },
  ContentType: { kind: 'content type', isRequired: true },
  Notification: { kind: 'notifications', isRequired: false },
  Enabled: { kind: 'boolean', isRequired: false },
  Name: { kind: 'text', isRequired: true, maxLength: 18 },
  Secret: { kind: 'text', isRequired: true, maxLength: 50, storeMinLength: 16 },
  UserID: { kind: 'guid', isRequired: true },
} as const satisfies Readonly<Record<string, BodyMember>>;
export type BodyField = keyof typeof BODY_FIELDS;

/** The values of a request's body, with enum members by name. A member that is null or absent is not sent. */
export type RequestBody = { readonly [Field in BodyField]?: string | boolean | null };

export interface BodyModel {
  /** The contract's name of the model, which is the root element in XML. */
  readonly name: string;
  readonly jsonOrder: readonly BodyField[];
  readonly xmlOrder: readonly BodyField[];
}

export interface AnswerModel {
  /** The contract's name of the model, which is the root element in XML. Answers with other roots are read too. */
  readonly name: string;
  /** The known members of Detail in the contract's order, each with its kind. */
  readonly detail: Readonly<Record<string, DetailKind>>;
}

/** The request of a write, the reading of its answer and the wording of its failures. */
export interface Operation<Name extends WriteName = WriteName> {
  readonly method: 'POST' | 'PUT';
  /** Relative to the service's base address; `{id}` stands for the ID of the account task. */
  readonly path: string;
  /** Null for a request without a body. */
  readonly body: BodyModel | null;
  /** True if it takes an idempotency key. */
  readonly hasKey: boolean;
  readonly answer: AnswerModel;
  /** Completes "The service does not allow this caller to …". */
  readonly action: string;
  /** Completes "The service refused …". */
  readonly subject: string;
  /** Tells what an unknown outcome means. */
  readonly unknownFate: string;
  toBody(input: WriteInput<Name>): RequestBody;
  /** Reads the result from an answer without an Error. */
  read(content: AnswerContent, input: WriteInput<Name>): WriteResult<Name> | ReadProblem;
  /** The secret in a request, which must not appear in a failure. */
  secretOf?(input: WriteInput<Name>): string | null;
}

/** The content of an answer without an Error. */
export interface AnswerContent {
  readonly Identification: { readonly UserId: string | null } | null;
  readonly Result: string | null;
  readonly detail: JsonValue | undefined;
}

/** The fields of a new task, in the order of the contract. Fingerprints of stored keys depend on the order, too. */
export const TASK_FIELDS = [
  'TaskID',
  'Frequency',
  'StartDate',
  'FinishDate',
  'Parameters',
  'ContentType',
  'Notification',
] as const satisfies readonly BodyField[];
const CLIENT_FIELDS = ['Name', 'Secret', 'UserID'] as const satisfies readonly BodyField[];

export const ACCOUNT_TASK_REQUEST: BodyModel = {
  name: 'AccountTaskRequest',
  jsonOrder: TASK_FIELDS,
  xmlOrder: TASK_FIELDS,
};
export const ACCOUNT_TASK_ANSWER: AnswerModel = { name: 'ResponseOfAccountTaskResponse', detail: DETAIL_FIELDS };
const AT = 'ResponseData.Detail';

/** The writes of the contract. Encoding, sending, reading, explaining and serving them take what they need from here. */
export const OPERATIONS: { readonly [Name in WriteName]: Operation<Name> } = {
  create: {
    method: 'POST',
    path: 'api/v2/admin/tasks/account',
    body: ACCOUNT_TASK_REQUEST,
    hasKey: true,
    answer: ACCOUNT_TASK_ANSWER,
    action: 'create the task',
    subject: 'the task',
    unknownFate: 'the task may have been created',
    toBody: (task) => task,
    read({ detail, ...rest }, sent) {
      const accountTask = readTask(withTaskId(detail, sent));
      return 'at' in accountTask ? accountTask : { accountTask, ...rest, replayed: false };
    },
  },
  update: {
    method: 'PUT',
    path: 'api/v1/admin/tasks/account/{id}',
    // The XML serializer of the service writes the members of the base class first.
    body: {
      name: 'AccountTaskUpdateRequest',
      jsonOrder: ['Enabled', ...TASK_FIELDS],
      xmlOrder: [...TASK_FIELDS, 'Enabled'],
    },
    hasKey: false,
    answer: ACCOUNT_TASK_ANSWER,
    action: 'update the task',
    subject: 'the update',
    unknownFate: 'the task may have been updated',
    toBody: ({ enabled, task }) => ({ ...task, Enabled: enabled }),
    read({ detail, ...rest }) {
      // The contract does not document the Detail, so it may be missing. One that is there must be whole.
      if (isBlank(detail)) return { accountTask: null, ...rest };
      const accountTask = readTask(detail);
      return 'at' in accountTask ? accountTask : { accountTask, ...rest };
    },
  },
  run: {
    method: 'POST',
    path: 'api/v1/admin/tasks/account/run?id={id}',
    body: null,
    hasKey: true,
    answer: { name: 'ResponseOfObject', detail: {} },
    action: 'run the task',
    subject: 'the run',
    unknownFate: 'the task may have been run',
    toBody: () => ({}),
    read: ({ Identification, Result }) => ({ Identification, Result, replayed: false }),
  },
  createClient: {
    method: 'POST',
    path: 'api/v1/admin/clients',
    // The XML sample begins with ID and AccountID, which neither the JSON sample nor the table of members has.
    body: { name: 'ClientRequest', jsonOrder: CLIENT_FIELDS, xmlOrder: CLIENT_FIELDS },
    hasKey: false,
    answer: { name: 'ResponseOfClientResponse', detail: { ID: 'guid', Name: 'text', Secret: 'text' } },
    action: 'create a client',
    subject: 'the client',
    unknownFate: 'a client may exist whose secret nobody has; create another',
    toBody: ({ Name, Secret, UserID }) => ({ Name, Secret, UserID }),
    read: ({ detail }, sent) => readClient(detail, sent.Secret),
    secretOf: ({ Secret }) => Secret,
  },
};

/** The path of a request, relative to the service's base address. */
export function pathOf<Name extends WriteName>({ path }: Operation<Name>, input: WriteInput<Name>): string {
  return 'id' in input ? path.replace('{id}', input.id) : path;
}

function readTask(detail: JsonValue | undefined): AccountTask | ReadProblem {
  return isJsonObject(detail) ? readAccountTask(detail, AT) : notAnObject(detail);
}

/** Completes the Detail of a create with the TaskID that was sent if the service left it out. */
function withTaskId(detail: JsonValue | undefined, { TaskID }: NewAccountTask): JsonValue | undefined {
  return isJsonObject(detail) && isAbsent(jsonMember(detail, 'TaskID')) ? { ...detail, TaskID } : detail;
}

/** Reads the Detail of a new client. If the service leaves the Secret out, it is the one that was sent. */
function readClient(detail: JsonValue | undefined, sentSecret: string | null): CreatedClient | ReadProblem {
  if (!isJsonObject(detail)) return notAnObject(detail);
  const id = textOf(detail, 'ID');
  const ID = id === null ? null : parseGuid(id.trim());
  if (ID === null && id !== null) return { at: `${AT}.ID`, problem: 'is not a GUID' };
  if (ID === null || ID === EMPTY_GUID) return { at: `${AT}.ID`, problem: 'is missing' };
  const Secret = textOf(detail, 'Secret');
  if (Secret === null && !isAbsent(jsonMember(detail, 'Secret'))) return { at: `${AT}.Secret`, problem: 'is not text' };
  return { ID, Name: textOf(detail, 'Name'), Secret: Secret ?? sentSecret, detail };
}

function textOf(detail: JsonObject, name: string): string | null {
  const value = jsonMember(detail, name);
  return typeof value === 'string' && !isAbsent(value) ? value : null;
}

function notAnObject(detail: JsonValue | undefined): ReadProblem {
  return { at: AT, problem: isAbsent(detail) ? 'is missing' : 'is not an object' };
}

function isBlank(detail: JsonValue | undefined): boolean {
  return isAbsent(detail) || (isJsonObject(detail) && Object.values(detail).every(isAbsent));
}
