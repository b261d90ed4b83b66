import { Pool } from 'undici';

const FIELDS = [
  'id',
  'taskId',
  'name',
  'enabled',
  'frequency',
  'startDate',
  'finishDate',
  'parameters',
  'contentType',
  'notification',
  'dateCreated',
  'dateModified',
  'lastRunOn',
  'lastRunBy',
  'lastModifiedBy',
  'status',
  'clientId',
] as const;
const NAMES: Readonly<Record<string, string>> = { id: 'ID', taskId: 'TaskID', clientId: 'ClientID' };

/** The part of the schema that the benchmark uses, written by hand. */
export const TYPE_DEFS = `
  enum TaskFrequency { NONE HOURLY DAILY WEEKLY MONTHLY }
  enum TaskNotification { NONE EMAIL SMS }
  enum ParametersContentType { APPLICATION_JSON APPLICATION_XML }
  input CreateAccountTaskInput {
    taskId: ID! frequency: TaskFrequency! startDate: String finishDate: String
    parameters: String! contentType: ParametersContentType! notification: TaskNotification
  }
  type AccountTask {
    id: ID! taskId: ID! name: String enabled: Boolean frequency: TaskFrequency startDate: String finishDate: String
    parameters: String contentType: ParametersContentType notification: TaskNotification dateCreated: String
    dateModified: String lastRunOn: String lastRunBy: String lastModifiedBy: String status: String clientId: ID
  }
  type CreateAccountTaskPayload { accountTask: AccountTask! }
  type Query { ok: Boolean }
  type Mutation { createAccountTask(input: CreateAccountTaskInput!): CreateAccountTaskPayload! }
`;

export function toRequestBody(input: Readonly<Record<string, string>>): Record<string, unknown> {
  return {
    TaskID: input['taskId'],
    Frequency: input['frequency'],
    StartDate: input['startDate'],
    FinishDate: input['finishDate'],
    Parameters: input['parameters'],
    ContentType: input['contentType'] === 'APPLICATION_XML' ? 'application/xml' : 'application/json',
    Notification: input['notification'],
  };
}

export function toPayload(answer: { ResponseData: { Detail: Record<string, unknown> } }): object {
  const { Detail } = answer.ResponseData;
  const accountTask = Object.fromEntries(
    FIELDS.map((field) => [field, Detail[NAMES[field] ?? field.charAt(0).toUpperCase() + field.slice(1)]]),
  );
  return { accountTask: { ...accountTask, contentType: 'APPLICATION_JSON' } };
}

const pool = new Pool(process.env['UPSTREAM_URL'] ?? 'http://127.0.0.1', { connections: 64 });

export async function createTaskAtService(
  input: Readonly<Record<string, string>>,
  authorization: string,
): Promise<object> {
  const answer = await pool.request({
    method: 'POST',
    path: '/api/v2/admin/tasks/account',
    headers: { 'content-type': 'application/json', authorization },
    body: JSON.stringify(toRequestBody(input)),
  });
  return toPayload((await answer.body.json()) as never);
}
