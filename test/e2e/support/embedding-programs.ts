// Programs that embed the installed package as its users would, one per runtime.

const CREATE_GATEWAY = `import { createGateway } from 'account-task-gateway';`;

/** Embeds it in node:http, through a short adapter to Fetch. */
export const ON_NODE = `import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
${CREATE_GATEWAY}

const gateway = await createGateway({ env: process.env });
const server = createServer(async (incoming, response) => {
  const { method, headers, url, socket } = incoming;
  const body = method === 'GET' || method === 'HEAD' ? undefined : Readable.toWeb(incoming);
  const request = new Request(new URL(url, 'http://gateway/'), { method, headers, body, duplex: 'half' });
  const answer = await gateway.fetch(request, { remoteAddress: socket.remoteAddress });
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  if (answer.body) await pipeline(Readable.fromWeb(answer.body), response);
  else response.end();
});
server.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + server.address().port + '/'));
process.once('SIGTERM', () => server.close(() => gateway.close()));
`;

export const ON_BUN = `${CREATE_GATEWAY}

const gateway = await createGateway({ env: process.env });
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: (request, self) => gateway.fetch(request, { remoteAddress: self.requestIP(request)?.address }),
});
console.log('http://127.0.0.1:' + server.port + '/');
process.once('SIGTERM', async () => {
  await server.stop();
  await gateway.close();
  process.exit(0);
});
`;

export const ON_DENO = `${CREATE_GATEWAY}

const gateway = await createGateway({ env: Deno.env.toObject() });
const server = Deno.serve({
  hostname: '127.0.0.1',
  port: 0,
  onListen: ({ port }) => console.log('http://127.0.0.1:' + port + '/'),
}, (request, { remoteAddr }) => gateway.fetch(request, { remoteAddress: remoteAddr.hostname }));
Deno.addSignalListener('SIGTERM', async () => {
  await server.shutdown();
  await gateway.close();
  Deno.exit(0);
});
`;

/** Queries the SDL, and prints the answer and the version of the project's own graphql. */
export const BESIDE_GRAPHQL = `import { version } from 'graphql';
${CREATE_GATEWAY}

const gateway = await createGateway({ env: process.env });
const request = new Request('http://gateway/graphql', {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: '{"query":"{ __typename _service { sdl } }"}',
});
const answer = await gateway.fetch(request);
console.log(JSON.stringify({ version, status: answer.status, ...(await answer.json()) }));
await gateway.close();
`;

/** Must pass a strict type check against the package's declarations. */
export const TYPED = `import {
  ConfigError,
  createGateway,
  type EmbeddedGateway,
  type Environment,
  type FetchHandler,
  type GatewayOptions,
  type Log,
} from 'account-task-gateway';
import { type KeyStorage, type Send, submitAccountTask, submitTaskRun, toFailure } from 'account-task-gateway/client';

const env: Environment = { UPSTREAM_URL: 'https://service.example/', RECORD: 'off' };
const log: Log = { debug() {}, info() {}, warn() {}, error() {} };
const options: GatewayOptions = { env, log };
const gateway: EmbeddedGateway = await createGateway(options).catch((error: unknown) => {
  if (error instanceof ConfigError) console.error(error.problems.map((problem: string) => problem.length));
  throw error;
});
const handler: FetchHandler = gateway.fetch;
const response: Response = await handler(new Request('http://gateway/health'), { remoteAddress: '192.0.2.1' });
export const status: number = response.status;
await gateway.close();

// @ts-expect-error -- The variables are needed.
await createGateway({});

const texts = new Map<string, string>();
const storage: KeyStorage = {
  getItem: (name) => texts.get(name) ?? null,
  setItem: (name, text) => void texts.set(name, text),
  removeItem: (name) => void texts.delete(name),
};
const send: Send = async ({ query, variables }) => JSON.stringify({ query, variables });
const input = { taskId: '1', frequency: 'NONE', parameters: '', contentType: 'APPLICATION_JSON' } as const;
const result = await submitAccountTask(send, input, { storage, callerId: 'a', keyLifetimeMs: 1 });
export const shown: string = result.kind === 'created' ? result.accountTask.id : result.failure.message;
const run = await submitTaskRun(send, '1', { storage, callerId: 'a', keyLifetimeMs: 1 });
export const ran: string = run.kind === 'ran' ? run.accountTaskId : run.failure.message;
export const code: string | undefined = toFailure(result)?.code;

// @ts-expect-error -- A key without a caller is nobody's.
await submitAccountTask(send, input, { storage, keyLifetimeMs: 1 });
`;
