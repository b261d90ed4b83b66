import { afterAll, expect, test } from 'vitest';
import { callOf } from '../support/sample-account.ts';
import { startRestService } from '../support/rest-service.ts';
import { openBackend } from '../../src/app/open-backend.ts';
import { startGateway, startStoreGateway } from '../support/running-gateway.ts';
import { jsonText } from '../support/request-texts.ts';
import { send } from '../support/rest-client.ts';

const gateway = await startStoreGateway({ env: { MAX_BODY_BYTES: '2000' } });
afterAll(() => gateway.close());
const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${gateway.token}` };

interface Envelope {
  readonly ResponseData: { readonly Detail: Readonly<Record<string, unknown>> };
}

test('a task created over REST can be read over GraphQL', async () => {
  const body = jsonText({ StartDate: '"2026-02-22T04:10:00.9500000+00:00"' });
  const { status, text } = await send(gateway.url, { headers, body });
  expect(status).toBe(200);
  const { Detail } = (JSON.parse(text) as Envelope).ResponseData;
  expect(Detail).toMatchObject({ StartDate: '2026-02-22T04:10:00.95+00:00', ClientID: gateway.clientId });
  const query = `{ accountTask(id: "${Detail['ID'] as string}") { parameters startDate } }`;
  const { json } = await gateway.graphql({ query });
  // Only the REST answer trims zeros; the store keeps the text as it was sent.
  expect(json.data).toEqual({ accountTask: { parameters: '"p"', startDate: '2026-02-22T04:10:00.9500000+00:00' } });
});

test.each([undefined, 'Bearer nonsense', 'Basic YTpi'])(
  'a request with the credentials %s is denied',
  async (authorization) => {
    const { Authorization: _, ...others } = headers;
    const request = { headers: authorization ? { ...others, Authorization: authorization } : others, body: jsonText() };
    const answer = await send(gateway.url, request);
    expect([answer.status, answer.header('www-authenticate')]).toEqual([401, 'Bearer']);
    expect(answer.text).toBe('{"Message":"Authorization has been denied for this request."}');
    expect(answer.header('x-request-id')).toBeTruthy();
  },
);

test('a body over MAX_BODY_BYTES gets 413 in the shape of ASP.NET Web API 2', async () => {
  const answer = await send(gateway.url, { headers, body: ' '.repeat(2001) });
  expect([answer.status, answer.text]).toEqual([413, `{"Message":"The request's body is larger than 2000 bytes."}`]);
});

test('a task that is not in the catalogue gets 404 with TASK_NOT_FOUND', async () => {
  const TaskID = '"354a976f-8347-477b-9c1e-bb365812151b"';
  const answer = await send(gateway.url, { headers, body: jsonText({ TaskID }) });
  expect(answer.status).toBe(404);
  expect(JSON.parse(answer.text)).toMatchObject({ Error: { ErrorCode: 'TASK_NOT_FOUND' }, ResponseData: null });
});

test('an Idempotency-Key equals GraphQL’s idempotencyKey, and a repetition creates nothing', async () => {
  const request = {
    headers: { ...headers, 'Idempotency-Key': 'one & "the same"' },
    body: jsonText(),
  };
  const answers = [await send(gateway.url, request), await send(gateway.url, request)];
  expect(answers[1]?.text).toBe(answers[0]?.text);
  const { Detail } = (JSON.parse(answers[0]?.text ?? '') as Envelope).ResponseData;
  const query = `mutation { createAccountTask(idempotencyKey: "one & \\"the same\\"", input: {
    taskId: "${Detail['TaskID'] as string}", frequency: NONE, parameters: "\\"p\\"", contentType: APPLICATION_JSON
  }) { replayed accountTask { id } } }`;
  const { json } = await gateway.graphql({ query });
  expect(json.data).toEqual({ createAccountTask: { replayed: true, accountTask: { id: Detail['ID'] } } });
  const other = await send(gateway.url, { ...request, body: jsonText({ Parameters: '"{}"' }) });
  expect(other.status).toBe(409);
  expect(JSON.parse(other.text)).toMatchObject({ Error: { ErrorCode: 'IDEMPOTENCY_CONFLICT' } });
});

test.each([
  { keys: '', problem: 'expected 1 to 255 characters, got 0' },
  { keys: 'x'.repeat(256), problem: 'expected 1 to 255 characters, got 256' },
  { keys: ['a', 'a'], problem: 'is sent more than once' },
  { keys: ['a', 'b'], problem: 'is sent more than once' },
  { keys: 'ü', problem: 'contains a character that is not printable ASCII' },
  { keys: 'a\tb', problem: 'contains a character that is not printable ASCII' },
])('the Idempotency-Key $keys is refused, and nothing is stored', async ({ keys, problem }) => {
  const count = async () => (await gateway.store.tasks.list({ first: 100, after: null }, call)).tasks.length;
  const call = callOf(gateway.accountId);
  const before = await count();
  const answer = await send(gateway.url, { headers: { ...headers, 'Idempotency-Key': keys }, body: jsonText() });
  expect(answer.status).toBe(400);
  expect(answer.text).toContain(problem);
  expect(await count()).toBe(before);
});

test('the REST contract is not served in upstream mode', async () => {
  const service = await startRestService();
  const upstream = await startGateway(openBackend, { env: { UPSTREAM_URL: service.url.href, RECORD: 'off' } });
  const answer = await send(upstream.url, { headers, body: jsonText() });
  expect([answer.status, service.requests.length]).toEqual([404, 0]);
  await upstream.close();
  await service.close();
});
