import { expect, test } from 'vitest';
import { SAMPLE_INPUT } from '../support/running-gateway.ts';
import { startCli, temporaryDatabase } from './support/gateway-process.ts';

const CREATE = `mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { accountTask { id } } }`;
const FIND = 'query ($id: ID!) { accountTask(id: $id) { id startDate parameters } }';
const CALLERS = 8;
const ACKNOWLEDGED_BEFORE_THE_KILL = 40;

async function ask<Data>(address: URL, authorization: string, query: string, variables: object): Promise<Data> {
  const response = await fetch(new URL('graphql', address), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: authorization },
    body: JSON.stringify({ query, variables }),
  });
  const { data } = (await response.json()) as { readonly data: Data };
  return data;
}

async function startDemo(databaseUrl: string) {
  const demo = startCli(['demo'], { DATABASE_URL: databaseUrl });
  const header = (await demo.output(/^Authorization: Bearer \S+$/m)).replace('Authorization: ', '');
  return { demo, header, address: await demo.address() };
}

test('every acknowledged task exists at the next start after kill -9 during creates', async () => {
  const databaseUrl = temporaryDatabase();
  const { demo, header, address } = await startDemo(databaseUrl);
  const acknowledged = new Map<string, string>();
  const createUntilKilled = async (caller: number): Promise<void> => {
    for (let count = 0; ; count += 1) {
      const parameters = JSON.stringify({ caller, count });
      const input = { ...SAMPLE_INPUT, parameters };
      const { createAccountTask } = await ask<{
        readonly createAccountTask: { readonly accountTask: { readonly id: string } };
      }>(address, header, CREATE, { input });
      acknowledged.set(createAccountTask.accountTask.id, parameters);
      if (acknowledged.size === ACKNOWLEDGED_BEFORE_THE_KILL) demo.kill('SIGKILL');
    }
  };
  await Promise.allSettled(Array.from({ length: CALLERS }, (_, caller) => createUntilKilled(caller)));
  expect(await demo.exit).toMatchObject({ signal: 'SIGKILL' });
  expect(acknowledged.size).toBeGreaterThanOrEqual(ACKNOWLEDGED_BEFORE_THE_KILL);

  const again = await startDemo(databaseUrl);
  for (const [id, parameters] of acknowledged) {
    const { accountTask } = await ask<{ readonly accountTask: unknown }>(again.address, again.header, FIND, { id });
    expect(accountTask).toEqual({ id, startDate: SAMPLE_INPUT.startDate, parameters });
  }
});
