import { expect, onTestFinished, test } from 'vitest';
import { ConfigError, createGateway } from '../../src/app/embedded.ts';
import type { Environment } from '../../src/app/config.ts';
import { startRestService } from '../support/rest-service.ts';
import { SAMPLE_INPUT } from '../support/running-gateway.ts';

const QUIET = { LOG_LEVEL: 'silent', RECORD: 'off' };

async function embed(env: Environment) {
  const gateway = await createGateway({ env: { ...QUIET, ...env } });
  onTestFinished(() => gateway.close());
  return gateway;
}

async function startService(delay: Promise<void> = Promise.resolve()) {
  const service = await startRestService({ answer: () => delay.then(() => null) });
  onTestFinished(() => service.close());
  return service;
}

function createRequest(): Request {
  const query =
    'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { accountTask { id } } }';
  return new Request('http://gateway/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer abc' },
    body: JSON.stringify({ query, variables: { input: SAMPLE_INPUT } }),
  });
}

test('an embedded gateway sends a create to the service, with the credentials of its caller', async () => {
  const service = await startService();
  const gateway = await embed({ UPSTREAM_URL: service.url.href });
  await gateway.ready();
  const { data } = (await (await gateway.fetch(createRequest())).json()) as { data: unknown };
  expect(data).toEqual({ createAccountTask: { accountTask: { id: service.tasks[0]?.['ID'] } } });
  expect(service.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer abc']);
});

test('an embedded gateway reports all invalid variables', async () => {
  const refused = await createGateway({ env: { PORT: 'http', UPSTREAM_FORMAT: 'yaml' } }).catch(
    (error: unknown) => error,
  );
  expect(refused).toBeInstanceOf(ConfigError);
  expect((refused as ConfigError).problems).toHaveLength(2);
});

test('an embedded gateway writes to the log that it is given', async () => {
  const messages: string[] = [];
  const note = (_: object, message: string) => void messages.push(message);
  const log = { debug: note, info: note, warn: note, error: note };
  const gateway = await createGateway({ env: { ...QUIET, UPSTREAM_URL: 'http://127.0.0.1:9/' }, log });
  await gateway.fetch(createRequest());
  await gateway.close();
  expect(messages).toContain('The service cannot be reached: it refuses connections. Nothing was sent.');
});

test('an embedded gateway serves its metrics by fetch, whatever METRICS_PORT says', async () => {
  const gateway = await embed({ UPSTREAM_URL: 'http://127.0.0.1:9/', METRICS_PORT: '1' });
  expect((await gateway.fetch(new Request('http://gateway/metrics'))).status).toBe(200);
});

test('an embedded gateway is not ready if the service cannot be reached', async () => {
  const gateway = await embed({ UPSTREAM_URL: 'http://127.0.0.1:9/' });
  await expect(gateway.ready()).rejects.toThrow('The service cannot be reached: it refuses connections.');
});

test('closing an embedded gateway finishes requests in flight and refuses later ones before anything is sent', async () => {
  const open = Promise.withResolvers<void>();
  const service = await startService(open.promise);
  const gateway = await embed({ UPSTREAM_URL: service.url.href });
  const inFlight = gateway.fetch(createRequest());
  await expect.poll(() => service.requests.length).toBe(1);
  const closed = gateway.close();
  const later = await gateway.fetch(createRequest());
  expect(later.status).toBe(503);
  expect(await later.json()).toMatchObject({ errors: [{ extensions: { code: 'OVERLOADED', outcome: 'NOT_SENT' } }] });
  open.resolve();
  await closed;
  expect((await inFlight).status).toBe(200);
  expect(service.requests).toHaveLength(1);
});
