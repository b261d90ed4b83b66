import { afterAll, expect, test } from 'vitest';
import { startRestService } from '../upstream/rest-service.ts';
import { openBackend } from '../../src/backend.ts';
import { startGateway, startStoreGateway } from '../running-gateway.ts';
import { jsonText } from './request-texts.ts';
import { send } from './rest-client.ts';

const gateway = await startStoreGateway({ env: { MAX_BODY_BYTES: '2000' } });
afterAll(() => gateway.close());
const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${gateway.token}` };

interface Envelope {
  readonly ResponseData: { readonly Detail: Readonly<Record<string, unknown>> };
}

test('a task created over REST is one of GraphQL’s', async () => {
  const body = jsonText({ StartDate: '"2026-02-22T04:10:00.9500000+00:00"' });
  const { status, text } = await send(gateway.url, { headers, body });
  expect(status).toBe(200);
  const { Detail } = (JSON.parse(text) as Envelope).ResponseData;
  expect(Detail).toMatchObject({ StartDate: '2026-02-22T04:10:00.95+00:00', ClientID: gateway.clientId });
  const query = `{ accountTask(id: "${Detail['ID'] as string}") { parameters startDate } }`;
  const { json } = await gateway.graphql({ query });
  // The zeros are the framework's to trim; the store keeps what was given.
  expect(json.data).toEqual({ accountTask: { parameters: '"p"', startDate: '2026-02-22T04:10:00.9500000+00:00' } });
});

test.each([undefined, 'Bearer nonsense', 'Basic YTpi'])('the credentials %s are denied', async (authorization) => {
  const { Authorization: _, ...others } = headers;
  const request = { headers: authorization ? { ...others, Authorization: authorization } : others, body: jsonText() };
  const answer = await send(gateway.url, request);
  expect([answer.status, answer.header('www-authenticate')]).toEqual([401, 'Bearer']);
  expect(answer.text).toBe('{"Message":"Authorization has been denied for this request."}');
  expect(answer.header('x-request-id')).toBeTruthy();
});

test('a body over MAX_BODY_BYTES is 413 in the framework’s shape', async () => {
  const answer = await send(gateway.url, { headers, body: ' '.repeat(2001) });
  expect([answer.status, answer.text]).toEqual([413, `{"Message":"The request's body is larger than 2000 bytes."}`]);
});

test('an account without its task in the catalogue is told so under 404', async () => {
  const TaskID = '"354a976f-8347-477b-9c1e-bb365812151b"';
  const answer = await send(gateway.url, { headers, body: jsonText({ TaskID }) });
  expect(answer.status).toBe(404);
  expect(JSON.parse(answer.text)).toMatchObject({ Error: { ErrorCode: 'TASK_NOT_FOUND' }, ResponseData: null });
});

test('with an upstream the path is not served', async () => {
  const service = await startRestService();
  const upstream = await startGateway(openBackend, { env: { UPSTREAM_URL: service.url.href, RECORD: 'off' } });
  const answer = await send(upstream.url, { headers, body: jsonText() });
  expect([answer.status, service.requests.length]).toEqual([404, 0]);
  await upstream.close();
  await service.close();
});
