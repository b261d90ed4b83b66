import { afterAll, describe, expect, test } from 'vitest';
import { type GraphqlAnswer, SAMPLE_INPUT, startStoreGateway } from '../support/running-gateway.ts';

const gateway = await startStoreGateway();
afterAll(() => gateway.close());

const MUTATION = `mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { accountTask { id } } }`;

function withoutRequestId(text: string): string {
  return text.replace(/"requestId":"[^"]*"/g, '');
}

async function outcomeOf(response: Response): Promise<unknown> {
  const { errors } = (await response.json()) as { errors: { extensions: Record<string, unknown> }[] };
  return errors[0]?.extensions['outcome'];
}

async function countTasks(): Promise<number> {
  const { json } = await gateway.graphql({ query: '{ accountTasks(first: 100) { edges { cursor } } }' });
  return (json.data as unknown as { accountTasks: { edges: unknown[] } }).accountTasks.edges.length;
}

const BAD_VALUES = [
  ['taskId', 'not-a-guid', 'input.taskId', 'GUID'],
  ['taskId', '', 'input.taskId', 'GUID'],
  ['taskId', '{86cb791c807841aea0455dded04c9589}', 'input.taskId', 'GUID'],
  ['taskId', '{0x86cb791c,0x8078,0x41ae,{0xa0,0x45,0x5d,0xde,0xd0,0x4c,0x95,0x89}}', 'input.taskId', 'GUID'],
  ['frequency', 'SOMETIMES', 'input.frequency', 'DAILY, HOURLY, MONTHLY, NONE, WEEKLY'],
  ['frequency', 'none', 'input.frequency', 'DAILY, HOURLY, MONTHLY, NONE, WEEKLY'],
  ['frequency', 0, 'input.frequency', 'DAILY, HOURLY, MONTHLY, NONE, WEEKLY'],
  ['notification', 'PIGEON', 'input.notification', 'EMAIL, NONE, SMS'],
  ['contentType', 'application/json', 'input.contentType', 'APPLICATION_JSON, APPLICATION_XML'],
  ['startDate', '2026-02-22T04:10:00', 'input.startDate', 'offset'],
  ['startDate', '2026-02-22T04:10:00.12345678Z', 'input.startDate', '7 fraction digits'],
  ['startDate', '2026-02-30T04:10:00Z', 'input.startDate', 'ISO 8601'],
  ['finishDate', '2026-02-22T24:00:00Z', 'input.finishDate', 'ISO 8601'],
  ['finishDate', 1_771_733_400, 'input.finishDate', 'ISO 8601'],
  ['parameters', '{"report":', 'input.parameters', 'JSON'],
  ['parameters', '', 'input.parameters', 'JSON'],
  ['parameters', '"\ud800"', 'input.parameters', 'surrogate'],
] as const;

describe('a bad value', () => {
  for (const [field, value, named, accepted] of BAD_VALUES) {
    test(`refuses ${field} ${JSON.stringify(value)} as a variable by its path, and stores nothing`, async () => {
      const before = await countTasks();
      const { json } = await gateway.graphql({
        query: MUTATION,
        variables: { input: { ...SAMPLE_INPUT, [field]: value } },
      });
      const [error] = json.errors ?? [];
      expect(error?.message).toContain(named);
      expect(error?.message).toContain(accepted);
      expect(error?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', outcome: 'NOT_SENT', retryable: false });
      expect(error?.extensions['requestId']).toBeTruthy();
      expect(await countTasks()).toBe(before);
    });

    // GraphQL's lexer refuses this one earlier.
    if (value === '"\ud800"') continue;
    test(`refuses ${field} ${JSON.stringify(value)} in the document by its path, and stores nothing`, async () => {
      const before = await countTasks();
      const literals = Object.entries({ ...SAMPLE_INPUT, [field]: value }).map(([name, given]: [string, unknown]) => {
        const isEnumName =
          typeof given === 'string' && /^(frequency|notification|contentType)$/.test(name) && /^\w+$/.test(given);
        return `${name}: ${isEnumName ? given : JSON.stringify(given)}`;
      });
      const query = `mutation { createAccountTask(input: { ${literals.join(', ')} }) { accountTask { id } } }`;
      const { json } = await gateway.graphql({ query });
      const [error] = json.errors ?? [];
      expect(error?.message).toContain(named);
      expect(error?.message).toContain(accepted);
      expect(error?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', outcome: 'NOT_SENT', retryable: false });
      expect(await countTasks()).toBe(before);
    });
  }

  test('refuses parameters that are not well-formed XML although contentType says so', async () => {
    const input = { ...SAMPLE_INPUT, contentType: 'APPLICATION_XML', parameters: '<a><b></a>' };
    const { json } = await gateway.graphql({ query: MUTATION, variables: { input } });
    expect(json.errors?.[0]?.message).toMatch(/^input\.parameters: is not well-formed XML/);
    expect(json.errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' });
  });

  test('refuses a finishDate before the startDate, compared as instants to 100 ns', async () => {
    const input = {
      ...SAMPLE_INPUT,
      startDate: '2026-02-22T05:10:00.0000001+01:00',
      finishDate: '2026-02-22T04:10:00Z',
    };
    const { json } = await gateway.graphql({ query: MUTATION, variables: { input } });
    expect(json.errors?.[0]?.message).toMatch(/^input\.finishDate: /);
    expect(json.errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' });
  });

  test('answers the same bad document alike the second time', async () => {
    const query = 'mutation { createAccountTask(input: { taskId: 1.5 }) { accountTask { id } } }';
    const first = await gateway.graphql({ query });
    const second = await gateway.graphql({ query });
    expect(withoutRequestId(second.text)).toBe(withoutRequestId(first.text));
  });
});

describe('a malformed request', () => {
  const post = (body: BodyInit, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
    fetch(new URL('graphql', gateway.url), { method: 'POST', headers, body });

  test('answers malformed JSON with 400', async () => {
    const response = await post('{"query": "{ __typename }"');
    expect(response.status).toBe(400);
    expect(await outcomeOf(response)).toBe('NOT_SENT');
  });

  test.each([
    ['application/json', '{}', 'Send a body such as {"query": "{ __typename }"}.'],
    [
      'application/x-www-form-urlencoded',
      '{"query":"{ __typename }"}',
      'for a JSON body send Content-Type: application/json.',
    ],
  ])('answers a body of %s without a query with how to send one', async (type, body, hint) => {
    const response = await post(body, { 'content-type': type, authorization: `Bearer ${gateway.token}` });
    const { errors } = (await response.json()) as GraphqlAnswer;
    expect(response.status).toBe(400);
    expect(errors?.[0]?.message).toMatch(/^query: expected a GraphQL document, got none\. /);
    expect(errors?.[0]?.message).toContain(hint);
  });

  test('answers an empty body with 400', async () => {
    const response = await post('');
    expect(response.status).toBe(400);
    expect(await outcomeOf(response)).toBe('NOT_SENT');
  });

  test('answers a body over MAX_BODY_BYTES with 413, with or without Content-Length', async () => {
    const large = JSON.stringify({ query: '{ __typename }', variables: { a: 'x'.repeat(1_048_576) } });
    const announced = await post(large);
    expect(announced.status).toBe(413);
    expect(await outcomeOf(announced)).toBe('NOT_SENT');
    const streamed = await fetch(new URL('graphql', gateway.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: new Blob([large]).stream(),
      duplex: 'half',
    } as RequestInit);
    expect(streamed.status).toBe(413);
  });

  test('reads a body of exactly MAX_BODY_BYTES', async () => {
    const frame = JSON.stringify({ query: '{ __typename }', variables: { a: '' } });
    const exact = frame.replace('""', `"${'x'.repeat(1_048_576 - frame.length)}"`);
    const authorized = { 'content-type': 'application/json', authorization: `Bearer ${gateway.token}` };
    expect((await post(exact, authorized)).status).toBe(200);
  });
});
