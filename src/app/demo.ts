import { randomUUID } from 'node:crypto';
import { parseDatabaseAddress } from '../store/sql/database.ts';
import type { CatalogueTask } from '../store/catalogue.ts';
import type { Store } from '../store/store.ts';
import type { Backend } from './gateway.ts';
import type { Config } from './config.ts';
import type { FaultTask } from './faults.ts';
import type { Observers } from './observers.ts';
import { storeBackend } from './open-backend.ts';

/** The TaskID of the contract's own sample request. */
export const SAMPLE_TASK_ID = '86cb791c-8078-41ae-a045-5dded04c9589';
const CLIENT_NAME = 'demo';

export const SAMPLE_MUTATION = `# Press play (Ctrl-Enter) to create a task.
mutation CreateAccountTask {
  createAccountTask(
    input: {
      taskId: "${SAMPLE_TASK_ID}"
      frequency: NONE
      startDate: "2026-02-22T04:10:00.9543747+00:00"
      finishDate: "2026-02-22T04:10:00.9543747+00:00"
      parameters: "{\\"report\\":\\"usage\\"}"
      contentType: APPLICATION_JSON
      notification: NONE
    }
  ) {
    result
    accountTask {
      id
      name
      frequency
      startDate
      finishDate
      parameters
      status
      dateCreated
    }
  }
}
`;

/** Adds a key of its own to a sample create where the gateway refuses creates without one. */
export function withSampleKey(mutation: string, { requiresIdempotencyKey }: Config): string {
  return requiresIdempotencyKey
    ? mutation.replace(/\((\s*)input:/, `($1idempotencyKey: "${randomUUID()}" $1input:`)
    : mutation;
}

export interface Demo {
  readonly backend: Backend;
  /** With a new token of the demo's client. */
  readonly authorization: string;
  /** Tells the user of the terminal how to create clients. */
  readonly accountNote: string;
  /** The catalogue tasks whose creates fail on purpose. */
  readonly faults: readonly FaultTask[];
}

/** Opens the store with the demo's client and catalogue. */
export async function openDemo(config: Config, observers: Observers): Promise<Demo> {
  const { openDatabase, createStore } = await import('../store/store.ts');
  const database = await openDatabase(config.databaseUrl);
  const store = createStore(database, { ...config, observeCommits: observers.metrics.observeCommits });
  let faults: readonly FaultTask[] = [];
  let { tasks } = store;
  if (config.faults) {
    const { FAULT_TASKS, faultyTaskService } = await import('./faults.ts');
    faults = FAULT_TASKS;
    tasks = faultyTaskService(tasks, { ...config, database });
  }
  const seeded = await seedDemo(store, [{ id: SAMPLE_TASK_ID, name: 'Sample task' }, ...faults]);
  return { backend: await storeBackend({ ...store, tasks }, config, observers), ...seeded, faults };
}

/** Creates what does not exist yet, and issues new tokens: one of the client, and one of its account, which may create clients. */
async function seedDemo({ clients, catalogue, tokens }: Store, tasks: readonly CatalogueTask[]) {
  const known = (await clients.list()).find(({ name, revokedAt }) => name === CLIENT_NAME && revokedAt === null);
  const client = known ?? (await clients.create({ name: CLIENT_NAME })).client;
  const ids = new Set((await catalogue.list()).map(({ id }) => id));
  for (const task of tasks) if (!ids.has(task.id)) await catalogue.add(task);
  const { accountId, id: clientId } = client;
  const [ofClient, ofAccount] = [
    await tokens.issue({ accountId, clientId }),
    await tokens.issue({ accountId, clientId: null }),
  ];
  return {
    authorization: `Bearer ${ofClient.token}`,
    accountNote: `To add an API client, send this with createClient (userId ${accountId}): Authorization: Bearer ${ofAccount.token}\n`,
  };
}

/** The text for the terminal: where to look, an example that works with this configuration, and a token. */
export function demoBanner(address: URL, authorization: string, config: Config, accountNote = ''): string {
  const { upstream, databaseUrl, graphiql, trustedDocuments } = config;
  const endpoint = new URL('graphql', address).href;
  const destination = upstream
    ? `Creates are sent to ${upstream.url.href}.`
    : `Tasks are stored in ${parseDatabaseAddress(databaseUrl)?.name}.`;
  const example =
    `mutation { createAccountTask(input: { taskId: "${SAMPLE_TASK_ID}", frequency: NONE, ` +
    'startDate: "2026-02-22T04:10:00.9543747+00:00", parameters: "{}", contentType: APPLICATION_JSON }) ' +
    '{ accountTask { id name startDate } } }';
  const [introduction, body] =
    trustedDocuments === null
      ? [graphiql ? 'Or from a terminal:' : 'From a terminal:', { query: withSampleKey(example, config) }]
      : [`Only documents in ${trustedDocuments} run:`, { documentId: `<a hash in ${trustedDocuments}>` }];
  return `
account-task-gateway: a demo for this machine only. ${destination}
${graphiql ? `\nGraphiQL, with a working example:  ${endpoint}\n` : ''}What this gateway offers:  ${address.href}

${introduction}

curl -s ${endpoint} \\
  -H 'Content-Type: application/json' \\
  -H 'Authorization: ${authorization}' \\
  -d '${JSON.stringify(body)}'

Authorization: ${authorization}
${accountNote}
Press Ctrl-C to stop.
`;
}
