import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { vi } from 'vitest';
import { openBackend } from '../../src/app/open-backend.ts';
import { SAMPLE_TASK_ID } from '../../src/app/demo.ts';
import { createMetricsOfWorkers } from '../../src/cluster/supervisor.ts';
import { SAMPLE_DETAIL } from './contract-samples.ts';
import { type RunningGateway, SAMPLE_INPUT, startGateway, startStoreGateway } from './running-gateway.ts';
import { type MetricFamily, readExposition } from './exposition.ts';
import { startRestService } from './rest-service.ts';

const CREATE = `mutation Register($input: CreateAccountTaskInput!, $key: String) {
  createAccountTask(input: $input, idempotencyKey: $key) { accountTask { id } replayed }
}`;

function register(key: string | null = null, parameters = '{}'): object {
  return { query: CREATE, variables: { input: { ...SAMPLE_INPUT, parameters }, key } };
}

async function readMetrics({ url }: RunningGateway): Promise<readonly MetricFamily[]> {
  return readExposition(await (await fetch(new URL('metrics', url))).text());
}

/** Runs a garbage collection and waits for its metric, which appears a little after the first collection. */
async function collectGarbage(gateway: RunningGateway): Promise<void> {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  await vi.waitUntil(
    async () => {
      const families = await readMetrics(gateway);
      return families.some(({ name, samples }) => name === 'nodejs_gc_duration_seconds' && samples.length > 0);
    },
    { timeout: 10_000 },
  );
}

/** Returns the metrics of each backend after successful, failing and unexpected traffic, and those that the supervisor of workers adds. */
export async function serveAndReadMetrics(): Promise<{
  readonly upstream: readonly MetricFamily[];
  readonly store: readonly MetricFamily[];
  readonly workers: readonly MetricFamily[];
}> {
  const workers = readExposition((await createMetricsOfWorkers().render(2)).text);
  return { upstream: await serveUpstream(), store: await serveStore(), workers };
}

async function serveUpstream(): Promise<readonly MetricFamily[]> {
  const drifted = {
    Error: null,
    Warning: 'new',
    ResponseData: {
      Detail: { ...SAMPLE_DETAIL, TaskID: SAMPLE_TASK_ID, Frequency: 'YEARLY', Colour: 'blue' },
      Identification: null,
      Result: '',
    },
  };
  const service = await startRestService({
    answer({ headers }) {
      const requestId = headers['x-request-id'];
      if (requestId === 'fails') return { status: 503, body: '' };
      if (requestId === 'drifts') return { status: 200, body: JSON.stringify(drifted) };
      return null;
    },
  });
  const gateway = await startGateway(openBackend, {
    mode: 'serve',
    authorization: 'Bearer of-a-caller',
    env: {
      UPSTREAM_URL: service.url.href,
      DATABASE_URL: 'sqlite::memory:',
      LOG_LEVEL: 'silent',
      MAX_BODY_BYTES: '10000',
    },
  });
  try {
    await gateway.graphql(register());
    await gateway.graphql(register('key-1'));
    await gateway.graphql(register('key-1'));
    await gateway.graphql(register('key-1', '{"other":1}'));
    await gateway.graphql(register(), { 'x-request-id': 'fails' });
    await gateway.graphql(register(), { 'x-request-id': 'drifts' });
    await gateway.graphql({ query: '{ accountTasks { pageInfo { hasNextPage } } }' });
    await gateway.graphql({ query: '{ nothing }' });
    await gateway.graphql(register(null, JSON.stringify('x'.repeat(10_000))));
    for (const path of ['health', 'ready', 'nothing']) await fetch(new URL(path, gateway.url));
    await collectGarbage(gateway);
    return await readMetrics(gateway);
  } finally {
    await gateway.close();
    await service.close();
  }
}

async function serveStore(): Promise<readonly MetricFamily[]> {
  const gateway = await startStoreGateway();
  try {
    await gateway.graphql(register('key-1'));
    await gateway.graphql(register('key-1'));
    await fetch(new URL('api/v2/admin/tasks/account', gateway.url), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${gateway.token}` },
      body: JSON.stringify({ TaskID: SAMPLE_TASK_ID, Frequency: 0, Parameters: '{}', ContentType: 'application/json' }),
    });
    await fetch(new URL('Token', gateway.url), { method: 'POST' });
    return await readMetrics(gateway);
  } finally {
    await gateway.close();
  }
}
