import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { openBackend } from '../../src/app/open-backend.ts';
import { openStore } from '../../src/store/store.ts';
import { SAMPLE_INPUT, startGateway } from '../support/running-gateway.ts';
import { AUDIENCE, createKey, ISSUER, signJwt, startIssuer } from '../support/issuer.ts';
import { runCli, startCli, temporaryDatabase } from './support/gateway-process.ts';

const key = await createKey('one');
const issuer = await startIssuer(key);
afterAll(() => issuer.close());
const AUTH = { AUTH_JWKS_URL: issuer.jwksUrl.href, AUTH_ISSUER: ISSUER, AUTH_AUDIENCE: AUDIENCE };

const CREATE = `mutation ($input: CreateAccountTaskInput!) {
  createAccountTask(input: $input) {
    result
    replayed
    identification { userId }
    accountTask {
      id taskId name enabled frequency startDate finishDate parameters contentType notification
      dateCreated dateModified lastRunOn lastRunBy lastModifiedBy status clientId detail
    }
  }
}`;

const INPUTS: readonly Readonly<Record<string, unknown>>[] = [
  { ...SAMPLE_INPUT, frequency: 'WEEKLY', notification: 'SMS', finishDate: '2027-01-01T00:00:00-03:30' },
  { ...SAMPLE_INPUT, startDate: null, finishDate: null, notification: null },
  {
    ...SAMPLE_INPUT,
    contentType: 'APPLICATION_XML',
    parameters: '<a b="1">\r\n\t&#65;&amp;<![CDATA[]]]]><![CDATA[>]]> 0042 0E68 true 😀 </a>',
  },
  { ...SAMPLE_INPUT, parameters: '{"note":"a\\r\\nb \\u0000 <b/> ]]> 😀","n":1.10}' },
];

interface Body {
  readonly data: { readonly createAccountTask: Created } | null;
  readonly errors?: readonly { readonly message: string; readonly extensions: Readonly<Record<string, unknown>> }[];
}
interface Created {
  readonly accountTask: { readonly detail: object };
}

async function create(gateway: URL, authorization: string, input: object): Promise<Body> {
  const response = await fetch(new URL('graphql', gateway), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization },
    body: JSON.stringify({ query: CREATE, variables: { input } }),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as Body;
}

/** An answer without the values that differ from one create to the next. */
function comparable({ data, errors }: Body) {
  expect(errors).toBeUndefined();
  const { accountTask, ...rest } = (data as NonNullable<typeof data>).createAccountTask;
  const { ID, DateCreated, DateModified, ...detail } = accountTask.detail as Record<string, unknown>;
  expect(accountTask).toMatchObject({ id: ID, dateCreated: DateCreated, dateModified: DateModified });
  return { ...rest, accountTask: { ...accountTask, id: 0, dateCreated: 0, dateModified: 0, detail } };
}

/** An address that stays the same while the server behind it is replaced. */
async function openForwarder(target: URL) {
  const forwarder = { target };
  const server = createServer((incoming) => {
    const outgoing = connect(Number(forwarder.target.port), forwarder.target.hostname);
    incoming.pipe(outgoing).pipe(incoming);
    incoming.on('error', () => outgoing.destroy());
    outgoing.on('error', () => incoming.destroy());
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return { url, forwarder };
}

/** A store gateway with a client and the sample task. */
async function openStoreGateway() {
  const databaseUrl = temporaryDatabase();
  const store = await openStore({ databaseUrl });
  const { client, secret } = await store.clients.create({ name: 'circle' });
  await store.catalogue.add({ id: SAMPLE_INPUT.taskId, name: 'Usage report' });
  await store.close();
  const start = () => startGateway(openBackend, { mode: 'serve', env: { DATABASE_URL: databaseUrl } });
  let gateway = await start();
  onTestFinished(() => gateway.close());
  const { url, forwarder } = await openForwarder(gateway.url);
  const withDatabase = <T>(use: (database: DatabaseSync) => T): T => {
    const database = new DatabaseSync(databaseUrl.slice('sqlite:'.length));
    try {
      return use(database);
    } finally {
      database.close();
    }
  };
  return {
    url,
    client: { id: client.id, secret },
    /** The number of issued tokens that are still valid. */
    tokens: () => withDatabase((database) => database.prepare('SELECT hash FROM tokens').all().length),
    revokeTokens: () => withDatabase((database) => database.exec('DELETE FROM tokens')),
    /** Runs `between` while the gateway is down, and starts it again with empty memory. */
    async restart(between: () => void) {
      await gateway.close();
      between();
      gateway = await start();
      forwarder.target = gateway.url;
    },
  };
}

type StoreGateway = Awaited<ReturnType<typeof openStoreGateway>>;

async function openUpstreamGateway({ url, client }: StoreGateway, format: string) {
  const process = startCli(['serve'], {
    DATABASE_URL: temporaryDatabase(),
    UPSTREAM_URL: url.href,
    UPSTREAM_FORMAT: format,
    UPSTREAM_CLIENT_ID: client.id,
    UPSTREAM_CLIENT_SECRET: client.secret,
    ...AUTH,
  });
  return { url: await process.address(), process };
}

async function tokenOf({ url, client }: StoreGateway): Promise<string> {
  const form = { grant_type: 'client_credentials', client_id: client.id, client_secret: client.secret };
  const response = await fetch(new URL('Token', url), { method: 'POST', body: new URLSearchParams(form) });
  return ((await response.json()) as { access_token: string }).access_token;
}

test('a store answers alike directly and through a gateway in front of it, in JSON and in XML', {
  timeout: 120_000,
}, async () => {
  const store = await openStoreGateway();
  const gateways = await Promise.all(['json', 'xml'].map((format) => openUpstreamGateway(store, format)));
  const own = `Bearer ${await tokenOf(store)}`;
  const jwt = `Bearer ${await signJwt(key)}`;
  for (const { url, process } of gateways) {
    for (const input of INPUTS) {
      const [direct, through] = await Promise.all([create(store.url, own, input), create(url, jwt, input)]);
      expect(comparable(through)).toEqual(comparable(direct));
    }
    const unknown = { ...SAMPLE_INPUT, taskId: crypto.randomUUID() };
    const [direct] = (await create(store.url, own, unknown)).errors ?? [];
    const [through] = (await create(url, jwt, unknown)).errors ?? [];
    expect(through?.message).toBe(direct?.message);
    expect(through?.extensions).toMatchObject({ outcome: 'REJECTED', errorCode: direct?.extensions['code'] });
    expect(process.stderr()).not.toContain(store.client.secret);
  }
});

test('a gateway fetches one token for many creates, keeps it while it is valid and renews it once on a 401', {
  timeout: 120_000,
}, async () => {
  const store = await openStoreGateway();
  const { url } = await openUpstreamGateway(store, 'json');
  const jwt = `Bearer ${await signJwt(key)}`;
  const createMany = async () => {
    const bodies = await Promise.all(Array.from({ length: 8 }, () => create(url, jwt, SAMPLE_INPUT)));
    expect(bodies.flatMap(({ errors }) => errors ?? [])).toEqual([]);
  };
  expect(store.tokens()).toBe(0);
  await createMany();
  expect(store.tokens()).toBe(1);
  await store.restart(() => undefined);
  await createMany();
  expect(store.tokens()).toBe(1);
  await store.restart(store.revokeTokens);
  expect(store.tokens()).toBe(0);
  await createMany();
  expect(store.tokens()).toBe(1);
});

test('a gateway with credentials of its own does not start unless it authenticates its callers', {
  timeout: 120_000,
}, async () => {
  const env = {
    UPSTREAM_URL: 'https://service.example/',
    UPSTREAM_CLIENT_ID: crypto.randomUUID(),
    UPSTREAM_CLIENT_SECRET: 'hunter2',
  };
  const { code, stderr } = await runCli(['serve'], env);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^Cannot start: UPSTREAM_CLIENT_ID: .*also set AUTH_JWKS_URL, AUTH_ISSUER, AUTH_AUDIENCE.*\n$/,
  );
});
