/** The request to every program of the benchmark: one create with all fields of the task selected. */
export const QUERY = `mutation CreateAccountTask($input: CreateAccountTaskInput!) {
  createAccountTask(input: $input) {
    accountTask {
      id taskId name enabled frequency startDate finishDate parameters contentType notification
      dateCreated dateModified lastRunOn lastRunBy lastModifiedBy status clientId
    }
  }
}`;

export const INPUT = {
  taskId: '86cb791c-8078-41ae-a045-5dded04c9589',
  frequency: 'DAILY',
  startDate: '2026-02-22T04:10:00.9543747+00:00',
  finishDate: '2026-03-22T04:10:00.9543747+00:00',
  parameters: '{"report":"usage","days":30}',
  contentType: 'APPLICATION_JSON',
  notification: 'EMAIL',
};

/** The same create as a request of the contract, for the program without GraphQL. */
export function toRestBody(parameters = INPUT.parameters): string {
  return JSON.stringify({
    TaskID: INPUT.taskId,
    Frequency: INPUT.frequency,
    StartDate: INPUT.startDate,
    FinishDate: INPUT.finishDate,
    Parameters: parameters,
    ContentType: 'application/json',
    Notification: INPUT.notification,
  });
}

export function toGraphqlBody(query = QUERY, parameters = INPUT.parameters): string {
  return JSON.stringify({ query, variables: { input: { ...INPUT, parameters } } });
}

const AUTHORIZATION = 'Bearer 0123456789abcdef0123456789abcdef';

export function toRequest(path: string, body: string, authorization = AUTHORIZATION): Buffer {
  const head = [
    `POST ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Content-Type: application/json',
    `Authorization: ${authorization}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}
