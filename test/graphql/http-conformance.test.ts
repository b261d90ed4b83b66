import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serverAudits } from 'graphql-http';
import { afterAll, describe, expect, test } from 'vitest';
import { startStoreGateway } from '../support/running-gateway.ts';

type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

/** The documents of the audits that are valid. */
const AUDITED = [
  '{ __typename }',
  'query Query { __typename }',
  '{ __type(name: "Run🏃Swim🏊") { name } }',
  'query Type($name: String!) { __type(name: $name) { name } }',
  'mutation { __typename }',
];
/** Audits of variables whose document uses introspection, which production refuses. */
const INTROSPECTING = ['2EA1', '28B9', 'D6D5', '6A70'];

const folder = mkdtempSync(join(tmpdir(), 'audits-'));
const manifest = join(folder, 'documents.json');
writeFileSync(manifest, JSON.stringify(Object.fromEntries(AUDITED.map((document) => [sha256(document), document]))));

const gateways = {
  plain: await startStoreGateway(),
  hardened: await startStoreGateway({ mode: 'serve' }),
  introspecting: await startStoreGateway({ mode: 'serve', env: { INTROSPECTION: 'on' } }),
  trusting: await startStoreGateway({ mode: 'serve', env: { TRUSTED_DOCUMENTS: manifest } }),
};
afterAll(async () => {
  await Promise.all(Object.values(gateways).map((gateway) => gateway.close()));
  rmSync(folder, { recursive: true });
});

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

let lastAnswer: Response | undefined;

const send: Fetch = async (url, init) => {
  const answer = await fetch(url, init);
  lastAnswer = answer.clone();
  return answer;
};

/** Adds the header that production requires of a GET, except to audits that expect a refusal for the missing Content-Type. */
const sendWithHeader: Fetch = (url, init) =>
  send(
    url,
    init?.method === 'POST'
      ? init
      : { ...init, headers: { ...(init?.headers as Record<string, string>), 'Apollo-Require-Preflight': '1' } },
  );

/** Sends the hash of the document in its place, as clients of trusted documents do. */
const sendWithHash: Fetch = (url, init) => {
  const target = new URL(url);
  const query = target.searchParams.get('query');
  if (query !== null) {
    target.searchParams.delete('query');
    target.searchParams.set('documentId', `sha256:${sha256(query)}`);
  }
  return sendWithHeader(target.href, { ...init, ...(init?.body ? { body: nameDocument(init.body as string) } : {}) });
};

function nameDocument(body: string): string {
  try {
    const { query, ...others } = JSON.parse(body) as { readonly query?: unknown };
    return typeof query === 'string' ? JSON.stringify({ ...others, documentId: `sha256:${sha256(query)}` }) : body;
  } catch {
    return body;
  }
}

describe.each([
  ['unchanged, against the demo', gateways.plain, send, []],
  ['with a header against forgery, against production', gateways.hardened, sendWithHeader, INTROSPECTING],
  ['with a header against forgery, against production with introspection', gateways.introspecting, sendWithHeader, []],
  ['with hashes for documents, against production with trusted documents', gateways.trusting, sendWithHash, []],
] as const)('the official audits of GraphQL over HTTP, %s', (_name, gateway, fetchFn, refused: readonly string[]) => {
  const audits = serverAudits({ url: () => new URL('graphql', gateway.url).href, fetchFn });

  test('the suite has audits', () => {
    expect(audits.length).toBeGreaterThan(50);
    expect(audits.map(({ id }) => id)).toEqual(expect.arrayContaining([...refused]));
  });

  test.each(audits.map(({ id, name, fn }) => [id, name, fn] as const))(
    'audit %s holds: %s',
    async (id, _what, audit) => {
      const result = await audit();
      const verdict = result.status === 'ok' ? 'ok' : `${result.status}: ${result.reason} ${await lastAnswer?.text()}`;
      expect(verdict).toMatch(refused.includes(id) ? /introspection has been disabled/ : /^ok$/);
    },
  );
});
