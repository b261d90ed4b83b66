import { randomUUID } from 'node:crypto';
import { parseDatabaseAddress } from '../store/sql/database.ts';
import type { Store } from '../store/store.ts';
import type { Config } from './config.ts';

/** The TaskID of the contract's own sample request. */
export const SAMPLE_TASK_ID = '86cb791c-8078-41ae-a045-5dded04c9589';
const CLIENT_NAME = 'demo';
const TASK_NAME = 'Sample task';

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

/** Creates the demo's client and catalogue task unless they exist, and issues a new token for that client. */
export async function seedDemo({ clients, catalogue, tokens }: Store): Promise<string> {
  const known = (await clients.list()).find(({ name, revokedAt }) => name === CLIENT_NAME && revokedAt === null);
  const client = known ?? (await clients.create({ name: CLIENT_NAME })).client;
  const tasks = await catalogue.list();
  if (!tasks.some(({ id }) => id === SAMPLE_TASK_ID)) await catalogue.add({ id: SAMPLE_TASK_ID, name: TASK_NAME });
  const { token } = await tokens.issue({ accountId: client.accountId, clientId: client.id });
  return token;
}

/** The text for the terminal: where to look, an example that works with this configuration, and a token. */
export function demoBanner(address: URL, authorization: string, config: Config): string {
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
${graphiql ? `\nGraphiQL, with a working example:  ${endpoint}\n` : ''}
${introduction}

curl -s ${endpoint} \\
  -H 'Content-Type: application/json' \\
  -H 'Authorization: ${authorization}' \\
  -d '${JSON.stringify(body)}'

Authorization: ${authorization}
`;
}
