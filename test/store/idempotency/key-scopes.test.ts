import { afterAll, expect, test } from 'vitest';
import { openBackend } from '../../../src/app/open-backend.ts';
import { type RunningGateway, SAMPLE_INPUT, startGateway, startStoreGateway } from '../../support/running-gateway.ts';
import { startRestService } from '../../support/rest-service.ts';
import { AUDIENCE, createKey, ISSUER, signJwt, startIssuer } from '../../support/issuer.ts';

const CREATE = `mutation ($input: CreateAccountTaskInput!) {
  createAccountTask(input: $input, idempotencyKey: "one key") { replayed accountTask { id } }
}`;
const TASKS = '{ accountTasks { edges { node { id } } } }';

interface Created {
  readonly replayed: boolean;
  readonly accountTask: { readonly id: string };
}

const key = await createKey('one');
const issuer = await startIssuer(key);
const AUTH = { AUTH_JWKS_URL: issuer.jwksUrl.href, AUTH_ISSUER: ISSUER, AUTH_AUDIENCE: AUDIENCE };
const service = await startRestService({
  answer: ({ path }) =>
    path === '/Token'
      ? {
          status: 200,
          headers: { 'Content-Type': 'application/json' },
          body: '{"access_token":"own","token_type":"bearer"}',
        }
      : null,
});
const UPSTREAM = { UPSTREAM_URL: service.url.href, DATABASE_URL: 'sqlite::memory:' };
const store = await startStoreGateway({ env: AUTH });
const forwarding = await startGateway(openBackend, { env: UPSTREAM });
const checking = await startGateway(openBackend, { env: { ...UPSTREAM, ...AUTH } });
const own = await startGateway(openBackend, {
  env: { ...UPSTREAM, ...AUTH, UPSTREAM_CLIENT_ID: 'gateway', UPSTREAM_CLIENT_SECRET: 'secret' },
});
afterAll(() => Promise.all([store, forwarding, checking, own, service, issuer].map((part) => part.close())));

const jwt = async (sub: string, jti: string) => `Bearer ${await signJwt(key, { sub, jti })}`;
const anotherToken = async ({ accountId, clientId }: { readonly accountId: string; readonly clientId: string }) =>
  `Bearer ${(await store.store.tokens.issue({ accountId, clientId })).token}`;
const { client: sibling } = await store.store.clients.create({ name: 'sibling', accountId: store.accountId });

const MODES: readonly (readonly [
  string,
  RunningGateway,
  { readonly same: readonly string[]; readonly other: string },
])[] = [
  [
    'the subject of a JWT, whatever the token',
    own,
    { same: [await jwt('alice', '1'), await jwt('alice', '2')], other: await jwt('bob', '1') },
  ],
  ['a forwarded Authorization header', forwarding, { same: ['Bearer a', 'bearer a'], other: 'Bearer b' }],
  [
    'the subject of a JWT that is verified and forwarded',
    checking,
    { same: [await jwt('alice', '3'), await jwt('alice', '4')], other: await jwt('bob', '2') },
  ],
  [
    'the client of a token of the store',
    store,
    {
      same: [`Bearer ${store.token}`, await anotherToken(store)],
      other: await anotherToken({ accountId: store.accountId, clientId: sibling.id }),
    },
  ],
  [
    'the account that a JWT identifies',
    store,
    {
      same: [await jwt(store.accountId, '1'), await jwt(store.accountId.toUpperCase(), '2')],
      other: `Bearer ${store.token}`,
    },
  ],
];

test.each(MODES)('keys and records belong to %s', async (_, gateway, { same, other }) => {
  const create = async (authorization: string): Promise<Created> => {
    const { json } = await gateway.graphql({ query: CREATE, variables: { input: SAMPLE_INPUT } }, { authorization });
    return (json.data as unknown as { readonly createAccountTask: Created }).createAccountTask;
  };
  const [one, two] = [await create(same[0] as string), await create(same[1] as string)];
  expect(two).toEqual({ ...one, replayed: true });
  const another = await create(other);
  expect(another.accountTask.id).not.toBe(one.accountTask.id);
  const { text } = await gateway.graphql({ query: TASKS }, { authorization: same[1] as string });
  expect(text).toContain(one.accountTask.id);
  // In the store, the clients of an account share its tasks but not their keys.
  expect(text.includes(another.accountTask.id)).toBe(gateway === store);
});
