import type { Store } from '../store/store.ts';

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

/** Creates the demo's client and catalogue task unless they exist, and issues a new token for that client. */
export async function seedDemo({ clients, catalogue, tokens }: Store): Promise<string> {
  const known = (await clients.list()).find(({ name, revokedAt }) => name === CLIENT_NAME && revokedAt === null);
  const client = known ?? (await clients.create({ name: CLIENT_NAME })).client;
  const tasks = await catalogue.list();
  if (!tasks.some(({ id }) => id === SAMPLE_TASK_ID)) await catalogue.add({ id: SAMPLE_TASK_ID, name: TASK_NAME });
  const { token } = await tokens.issue({ accountId: client.accountId, clientId: client.id });
  return token;
}

/** What the terminal shows: where to look, what to try, and as whom. */
export function demoBanner(address: URL, authorization: string, keptIn: string): string {
  const query =
    `mutation { createAccountTask(input: { taskId: "${SAMPLE_TASK_ID}", frequency: NONE, ` +
    'startDate: "2026-02-22T04:10:00.9543747+00:00", parameters: "{}", contentType: APPLICATION_JSON }) ' +
    '{ accountTask { id name startDate } } }';
  return `
account-task-gateway: a demo for this machine alone. ${keptIn}

GraphiQL, with a working example:  ${new URL('graphql', address).href}

Or from a terminal:

curl -s ${new URL('graphql', address).href} \\
  -H 'Content-Type: application/json' \\
  -H 'Authorization: ${authorization}' \\
  -d '${JSON.stringify({ query })}'

Authorization: ${authorization}
`;
}
