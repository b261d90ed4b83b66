import * as fc from 'fast-check';
import {
  type GraphQLInputType,
  type GraphQLNamedType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
  type GraphQLSchema,
} from 'graphql';
import { afterAll, describe, expect, test } from 'vitest';
import { DEFAULT_FREQUENCIES, DEFAULT_NOTIFICATIONS } from '../../src/contract/enums.ts';
import { createSchema } from '../../src/schema/schema.ts';
import { type GatewaySettings, SAMPLE_INPUT, startStoreGateway, type StoreGateway } from '../running-gateway.ts';
import { openRaw, parseAnswers, type RawAnswer, toRequest } from './raw-connection.ts';

/**
 * How many cases each of the four runs tries. More, with a seed of one's own:
 * `FUZZ_RUNS=20000 FUZZ_SEED=7 npx vitest run test/server/fuzz.test.ts`
 */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 150);
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_260_222);
const LONG_MS = Math.max(60_000, RUNS * 100);

const production: GatewaySettings = { mode: 'serve', env: { LOG_LEVEL: 'silent' } };
const gateways = {
  'with the fast lane': await startStoreGateway(),
  'without the fast lane': await startStoreGateway({ env: { FAST_LANE: 'off' } }),
  'in production': await startStoreGateway(production),
};
afterAll(() => Promise.all(Object.values(gateways).map((gateway) => gateway.close())));

const schema = createSchema({ frequencies: DEFAULT_FREQUENCIES, notifications: DEFAULT_NOTIFICATIONS });

/** Values that are right often enough to get further, and wrong in every way. */
const LEAVES: Readonly<Record<string, readonly unknown[]>> = {
  ID: [SAMPLE_INPUT.taskId, 'x', '', 1, `{${SAMPLE_INPUT.taskId}}`, '__proto__'],
  DateTime: [SAMPLE_INPUT.startDate, '2026-02-30T00:00:00Z', '', 0],
  String: [SAMPLE_INPUT.parameters, '<a/>', '', 'QWNjb3VudFRhc2s6', '\u0000', '\ud800', '"\u2028"'],
  Int: [0, 1, 20, 100, 101, -1, 2 ** 31, 1.5],
  Boolean: [true, false, 'true'],
};
const ODD: readonly unknown[] = [
  null,
  [],
  {},
  '',
  0,
  1e300,
  true,
  'x'.repeat(300),
  { __proto__: null, constructor: 1 },
  [[[]]],
];

const rarely = <T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 9, arbitrary: usual }, { weight: 1, arbitrary: odd });

function valueOf(type: GraphQLInputType): fc.Arbitrary<unknown> {
  if (isNonNullType(type)) return valueOf(type.ofType);
  if (isListType(type)) return rarely(fc.array(valueOf(type.ofType), { maxLength: 3 }), fc.constantFrom(...ODD));
  if (isEnumType(type))
    return rarely(fc.constantFrom<unknown>(...type.getValues().map(({ name }) => name)), fc.constantFrom(...ODD));
  if (isInputObjectType(type)) {
    const members = Object.values(type.getFields()).map(({ name, type: member }) => [name, valueOf(member)] as const);
    return rarely(fc.record(Object.fromEntries(members)), fc.record(Object.fromEntries(members), { requiredKeys: [] }));
  }
  const known = LEAVES[type.name];
  const entity = fc.record({
    __typename: fc.constantFrom('AccountTask', 'Task', 'Nope'),
    id: fc.constantFrom(...(LEAVES['ID'] ?? [])),
  });
  return rarely(
    known ? fc.constantFrom(...known) : entity,
    fc.oneof(fc.constantFrom(...ODD), fc.anything({ maxDepth: 2 })),
  );
}

interface Piece {
  readonly text: string;
  /** By name: the type as written, and a value. */
  readonly variables: Readonly<Record<string, readonly [string, unknown]>>;
}

const NOTHING: Piece = { text: '', variables: {} };
const join = (pieces: readonly Piece[]): Piece => ({
  text: pieces.map(({ text }) => text).join(' '),
  variables: Object.assign({}, ...pieces.map(({ variables }) => variables)) as Piece['variables'],
});

const DIRECTIVES = ['', '', '', '', '@include(if: true)', '@skip(if: true)', '@include(if: $nope)', '@nope', '@skip'];

function selectionOf(type: GraphQLNamedType, depth: number): fc.Arbitrary<Piece> {
  const fields = isObjectType(type) ? Object.values(type.getFields()) : [];
  const choices = fields.map((field) => {
    const args = field.args.map((arg) =>
      fc.tuple(valueOf(arg.type), fc.nat({ max: 3 }), fc.boolean()).map(([value, salt, isGiven]): Piece => {
        if (!isGiven && !isNonNullType(arg.type)) return NOTHING;
        const name = `${arg.name}${salt}`;
        return { text: `${arg.name}: $${name}`, variables: { [name]: [String(arg.type), value] } };
      }),
    );
    const inner = getNamedType(field.type);
    const hasSelection = isObjectType(inner) || isUnionType(inner);
    return fc
      .tuple(
        fc.constantFrom('', '', '', 'a: ', 'b: '),
        fc.tuple(...args).map(join),
        fc.constantFrom(...DIRECTIVES),
        hasSelection && depth > 0 ? selectionOf(inner, depth - 1) : fc.constant(NOTHING),
      )
      .map(
        ([alias, given, directive, selected]): Piece => ({
          text: `${alias}${field.name}${given.text.trim() ? `(${given.text})` : ''} ${directive} ${selected.text}`,
          variables: { ...given.variables, ...selected.variables },
        }),
      );
  });
  const onTypes = isUnionType(type)
    ? type.getTypes().map((member) =>
        selectionOf(member, depth - 1).map((piece) => ({
          ...piece,
          text: `... on ${member.name} ${piece.text || '{ __typename }'}`,
        })),
      )
    : [];
  const odd = fc
    .constantFrom('__typename', 'nope', '...F', '... { __typename }', '__schema { types { name } }', '')
    .map((text) => ({
      text,
      variables: {},
    }));
  return fc
    .array(fc.oneof({ weight: 6, arbitrary: fc.oneof(...choices, ...onTypes, odd) }, { weight: 1, arbitrary: odd }), {
      minLength: 1,
      maxLength: 3,
    })
    .map((pieces) => {
      const all = join(pieces);
      return { ...all, text: `{ ${all.text} }` };
    });
}

function documentOf(of: GraphQLSchema): fc.Arbitrary<{ query: string; variables: Record<string, unknown> }> {
  const roots = [of.getQueryType(), of.getMutationType()].filter((type) => type != null);
  return fc.constantFrom(...roots).chain((root) =>
    selectionOf(root, 3).map(({ text, variables }) => {
      const definitions = Object.entries(variables).map(([name, [type]]) => `$${name}: ${type}`);
      const operation = root === of.getMutationType() ? 'mutation' : 'query';
      const fragment = text.includes('...F') ? ` fragment F on ${root.name} { __typename }` : '';
      return {
        query: `${operation} O${definitions.length > 0 ? `(${definitions.join(', ')})` : ''} ${text}${fragment}`,
        variables: Object.fromEntries(Object.entries(variables).map(([name, [, value]]) => [name, value])),
      };
    }),
  );
}

/** A text with some of its characters taken out, put in, doubled or replaced. */
function damaged(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const change = fc.tuple(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.nat({ max: 4 }),
    fc.string({ unit: 'binary', maxLength: 3 }),
  );
  return fc.tuple(text, fc.array(change, { maxLength: 3 })).map(([whole, changes]) =>
    changes.reduce((changing, [place, taken, put]) => {
      const index = Math.floor(place * changing.length);
      return changing.slice(0, index) + put + changing.slice(index + taken);
    }, whole),
  );
}

const FACTS = { seed: SEED, numRuns: RUNS, endOnFailure: true } as const;

/** Whatever was asked: an answer of the caller's making, in JSON, and no defect of the gateway's. */
function complaintOf(status: number, body: string, asked: unknown): string | null {
  const told = `${status} ${body.slice(0, 500)} to ${JSON.stringify(asked)?.slice(0, 2_000)}`;
  if (status >= 500 || !(status >= 100)) return `a failure: ${told}`;
  if (body.includes('"code":"INTERNAL_SERVER_ERROR"')) return `a defect: ${told}`;
  try {
    JSON.parse(body || '{}');
    return null;
  } catch {
    return `no JSON: ${told}`;
  }
}

/** On a connection of its own: one that is kept may be closed just when it is used again. */
async function exchange({ url }: StoreGateway, bytes: Buffer): Promise<readonly RawAnswer[]> {
  const { socket, closed } = openRaw(url, bytes);
  socket.setTimeout(LONG_MS, () => socket.destroy());
  return parseAnswers(await closed);
}

async function ask(
  gateway: StoreGateway,
  text: string,
  accept = '*/*',
): Promise<{ readonly complaint: string | null; readonly body: string }> {
  const sent = Buffer.from(text);
  const head = [
    'POST /graphql HTTP/1.1',
    'Host: x',
    'Content-Type: application/json',
    `Authorization: Bearer ${gateway.token}`,
    `Accept: ${accept}`,
    `Content-Length: ${sent.length}`,
    'Connection: close',
  ];
  const [answer] = await exchange(gateway, Buffer.concat([Buffer.from(toRequest(head)), sent]));
  const body = Buffer.from(answer?.body ?? '', 'latin1').toString();
  return { complaint: complaintOf(answer?.status ?? NaN, body, text), body };
}

describe.each(Object.entries(gateways))(`whatever it is asked (seed ${SEED}), the gateway %s`, (_name, gateway) => {
  test('answers documents of every make, twice', { timeout: LONG_MS }, async () => {
    let valid = 0;
    await fc.assert(
      fc.asyncProperty(documentOf(schema), async (document) => {
        const body = JSON.stringify(document);
        const answer = await ask(gateway, body);
        expect(answer.complaint).toBeNull();
        expect((await ask(gateway, body, 'application/graphql-response+json')).complaint).toBeNull();
        if ('data' in (JSON.parse(answer.body) as object)) valid += 1;
      }),
      FACTS,
    );
    // It would be no test if nothing ever ran.
    expect(valid).toBeGreaterThan(RUNS / 20);
  });

  test('answers damaged documents and damaged JSON', { timeout: LONG_MS }, async () => {
    const body = fc.oneof(
      damaged(documentOf(schema).map(({ query }) => query)).map((query) => JSON.stringify({ query })),
      damaged(documentOf(schema).map((document) => JSON.stringify(document))),
      fc.anything({ maxDepth: 3 }).map((value) => JSON.stringify(value) ?? ''),
      fc
        .record(
          { query: fc.anything(), variables: fc.anything(), operationName: fc.anything(), extensions: fc.anything() },
          { requiredKeys: [] },
        )
        .map((value) => JSON.stringify(value)),
    );
    await fc.assert(
      fc.asyncProperty(body, async (text) => {
        expect((await ask(gateway, text)).complaint).toBeNull();
      }),
      FACTS,
    );
  });

  test('answers any bytes and any headers', { timeout: LONG_MS }, async () => {
    const name = fc.constantFrom(
      'accept',
      'content-type',
      'origin',
      'authorization',
      'x-request-id',
      'host',
      'cookie',
      'set-cookie',
      'expect',
      'upgrade',
      'te',
      'content-encoding',
      'if-none-match',
      'range',
      'connection',
    );
    const value = fc.oneof(
      fc.string({ unit: 'binary-ascii', maxLength: 30 }),
      fc.constantFrom(
        '*/*',
        'text/html',
        'application/json',
        'application/json;charset=utf-16',
        'multipart/form-data',
        'application/graphql',
        'text/event-stream',
        'multipart/mixed',
        'close',
        'keep-alive',
        'Upgrade',
        'websocket',
        '100-continue',
        'gzip',
        `Bearer ${gateway.token}`,
        'null',
        ';',
        ',',
        '\u00ff',
      ),
    );
    const path = fc.oneof(
      fc.constantFrom(
        '/graphql',
        '/graphql?query={__typename}',
        '/Token',
        '/api/v2/admin/tasks/account',
        '/health',
        '/',
        '*',
        '//',
      ),
      fc.webPath(),
      fc.string({ unit: 'binary-ascii', maxLength: 20 }).map((text) => `/graphql?query=${text}`),
      fc.webQueryParameters().map((parameters) => `/graphql?${parameters}&variables={`),
    );
    const request = fc.tuple(
      fc.constantFrom('GET', 'POST', 'POST', 'PUT', 'OPTIONS', 'DELETE', 'X'),
      path,
      fc.array(fc.tuple(name, value), { maxLength: 6 }),
      fc.oneof(
        fc.uint8Array({ maxLength: 60 }),
        documentOf(schema).map((document) => Buffer.from(JSON.stringify(document))),
      ),
    );
    await fc.assert(
      fc.asyncProperty(request, async ([method, target, headers, body]) => {
        const head = [
          `${method} ${target} HTTP/1.1`,
          'Host: x',
          ...headers.map(([key, text]) => `${key}: ${text}`),
          `Content-Length: ${body.length}`,
          'Connection: close',
        ];
        const bytes = Buffer.concat([Buffer.from(toRequest(head), 'latin1'), body]);
        const answers = await exchange(gateway, bytes);
        const sent = bytes.toString('latin1');
        expect(answers.length > 0 ? '' : sent).toBe('');
        for (const { status, headers: given, body: text } of answers) {
          const isJson = given.get('content-type')?.includes('json');
          expect(complaintOf(status, isJson ? Buffer.from(text, 'latin1').toString() : '{}', sent)).toBeNull();
        }
      }),
      FACTS,
    );
  });

  test('is alive after all of that', async () => {
    expect((await gateway.graphql({ query: '{ __typename }' })).json.data).toEqual({ __typename: 'Query' });
  });
});
