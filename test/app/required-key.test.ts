import { describe, expect, onTestFinished, test } from 'vitest';
import { openBackend } from '../../src/app/open-backend.ts';
import { createBatch, item } from '../support/batch.ts';
import { startRestService } from '../support/rest-service.ts';
import { type RunningGateway, SAMPLE_INPUT, startGateway, startStoreGateway } from '../support/running-gateway.ts';
import { send } from '../support/rest-client.ts';
import { jsonText } from '../support/request-texts.ts';

const ENV = { REQUIRE_IDEMPOTENCY_KEY: 'on' };
const MESSAGE =
  'idempotencyKey: expected a key of 1 to 255 characters, got none; this gateway refuses creates and runs without one';
const REFUSED = { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT', retryable: false };
const CREATE = `mutation ($input: CreateAccountTaskInput!, $key: String) {
  createAccountTask(input: $input, idempotencyKey: $key) { replayed }
}`;

async function startBehindService() {
  const service = await startRestService();
  const gateway = await startGateway(openBackend, {
    env: { ...ENV, UPSTREAM_URL: service.url.href, DATABASE_URL: 'sqlite::memory:' },
    authorization: 'Bearer caller-1',
  });
  onTestFinished(() => Promise.all([gateway.close(), service.close()]).then(() => undefined));
  return { gateway, posts: () => service.requests.length };
}

/** Sends creates with and without a key, alone and in a batch. */
async function createWithAndWithoutKeys(gateway: RunningGateway) {
  const alone = await gateway.graphql({ query: CREATE, variables: { input: SAMPLE_INPUT } });
  const keyed = await gateway.graphql({ query: CREATE, variables: { input: SAMPLE_INPUT, key: 'alone' } });
  const batch = await createBatch(gateway, [item('1'), { ...item('2'), idempotencyKey: 'in a batch' }]);
  return { errors: alone.json.errors, data: keyed.json.data, batch };
}
const ENDS = {
  errors: [{ message: MESSAGE, extensions: REFUSED }],
  data: { createAccountTask: { replayed: false } },
  batch: [{ ...REFUSED, message: MESSAGE }, { replayed: false }],
};

describe('with REQUIRE_IDEMPOTENCY_KEY=on', () => {
  test('the store refuses creates without a key, alone and in a batch', async () => {
    const gateway = await startStoreGateway({ env: ENV });
    onTestFinished(() => gateway.close());
    expect(await createWithAndWithoutKeys(gateway)).toMatchObject(ENDS);
  });

  test('the service receives only the creates with a key', async () => {
    const { gateway, posts } = await startBehindService();
    expect(await createWithAndWithoutKeys(gateway)).toMatchObject(ENDS);
    expect(posts()).toBe(2);
  });

  test('the REST endpoint refuses a create without the header Idempotency-Key', async () => {
    const gateway = await startStoreGateway({ env: ENV });
    onTestFinished(() => gateway.close());
    const headers = { Authorization: `Bearer ${gateway.token}`, 'Content-Type': 'application/json' };
    const refused = await send(gateway.url, { headers, body: jsonText() });
    expect(refused.status).toBe(400);
    expect(JSON.parse(refused.text)).toMatchObject({ Error: { ErrorCode: 'BAD_USER_INPUT' }, ResponseData: null });
    const created = await send(gateway.url, { headers: { ...headers, 'Idempotency-Key': 'k' }, body: jsonText() });
    expect(created.status).toBe(200);
  });
});
