import { afterAll, describe, expect, test } from 'vitest';
import { type GraphqlAnswer, startStoreGateway } from '../support/running-gateway.ts';

const gateway = await startStoreGateway();
afterAll(() => gateway.close());

const ADD = 'mutation ($input: CreateClientInput!) { createClient(input: $input) { secret } }';
const TRY = ADD.replace('createClient(', 'tryCreateClient(').replace('{ secret }', '{ __typename }');
const OWN = 'mutation ($s: String) { createClient(input: { name: "n", userId: "LEAKED-ID", secret: $s }) { secret } }';
const given = { name: 'shop', userId: '22222222-3333-4444-8555-666666666666', secret: 'LEAKED "; at \n secret' };
const { secret, ...others } = given;

/** A document that adds a client with this literal as its input. */
function adding(literal: string): string {
  return `mutation { createClient(input: ${literal}) { secret } }`;
}

type Sent = readonly [query: string, variables: object, message: string];

const VARIABLES: Readonly<Record<string, Sent>> = {
  'with a field missing': [
    TRY,
    { input: { ...given, userId: undefined } },
    'Variable "$input" got invalid value [hidden]; Field "userId" of required type "ID!" was not provided.',
  ],
  'with another spelling of secret': [
    ADD,
    { input: { ...others, Secret: secret } },
    'Variable "$input" got invalid value [hidden]; Field "Secret" is not defined by type "CreateClientInput". Did you mean "secret"?',
  ],
  'with an unknown field': [
    TRY,
    { input: { ...others, clientSecret: secret } },
    'Variable "$input" got invalid value [hidden]; Field "clientSecret" is not defined by type "CreateClientInput".',
  ],
  'with a null field': [
    ADD,
    { input: { ...given, name: null } },
    'Variable "$input" got invalid value [hidden] at "input.name"; Expected non-nullable type "String!" not to be null.',
  ],
  'with a list as secret': [
    ADD,
    { input: { ...given, secret: ['LEAKED'] } },
    'Variable "$input" got invalid value [hidden] at "input.secret"; String cannot represent a non string value: [hidden].',
  ],
  'that is the secret': [
    ADD,
    { input: secret },
    'Variable "$input" got invalid value [hidden]; Expected type "CreateClientInput" to be an object.',
  ],
  'with a list of its own': [
    OWN,
    { s: [secret] },
    'Variable "$s" got invalid value [hidden]; String cannot represent a non string value: [hidden].',
  ],
};

const LITERALS: Readonly<Record<string, Sent>> = {
  'with a field missing': [
    adding('{ name: "n", secret: "LEAKED" }'),
    {},
    'input: Field "CreateClientInput.userId" of required type "ID!" was not provided.',
  ],
  'that is the secret': [adding('"LEAKED"'), {}, 'input: Expected value of type "CreateClientInput!", found [hidden].'],
  'in a list': [
    adding('[{ name: "n", secret: """LEAKED""" }]'),
    {},
    'input: Expected value of type "CreateClientInput", found [hidden].',
  ],
  'with a secret without quotes': [
    adding('{ name: "n", userId: "u", secret: LEAKED }'),
    {},
    'input.secret: String cannot represent a non string value: [hidden].',
  ],
  'with a list as secret': [
    adding('{ name: "n", userId: "u", secret: ["LEAKED"] }'),
    {},
    'input.secret: String cannot represent a non string value: [hidden].',
  ],
};

const SYNTAX: Readonly<Record<string, Sent>> = {
  'with a quote in the secret': [
    adding('{ secret: "a"" LEAKED " }'),
    {},
    'Syntax Error: Expected Name, found String [hidden].',
  ],
  'with a block text after the secret': [
    adding('{ secret: "a" """LEAKED"\n" """ }'),
    {},
    'Syntax Error: Expected Name, found BlockString [hidden].',
  ],
  'with a name for a colon': [adding('{ secret LEAKED }'), {}, 'Syntax Error: Expected ":", found Name [hidden].'],
  'with the secret at its end': [`${adding('{}')} LEAKED`, {}, 'Syntax Error: Unexpected Name [hidden].'],
  'with a bad escape': [
    adding(String.raw`{ secret: "\uLEAKED" }`),
    {},
    'Syntax Error: Invalid Unicode escape sequence: [hidden].',
  ],
  'with a bad character': [adding('{ secret: a~ }'), {}, 'Syntax Error: Unexpected character: [hidden].'],
  'with a bad number': [
    adding('{ secret: 1LEAKED }'),
    {},
    'Syntax Error: Invalid number, expected digit but got: [hidden].',
  ],
  'with a bracket missing': [adding('{ secret: "LEAKED" '), {}, 'Syntax Error: Expected Name, found ")".'],
};

/** Sends a request in each form that GraphQL over HTTP has. */
async function sendInEachForm(query: string, variables: object): Promise<readonly string[]> {
  const text = new URLSearchParams({ query, variables: JSON.stringify(variables) }).toString();
  const url = new URL('graphql', gateway.url);
  const authorization = `Bearer ${gateway.token}`;
  const posted = (type: string, body: string) =>
    fetch(url, { method: 'POST', headers: { authorization, 'content-type': type }, body });
  const answers = [
    posted('application/json', JSON.stringify({ query, variables })),
    posted('application/x-www-form-urlencoded', text),
    fetch(`${url.href}?${text}`, { headers: { authorization } }),
  ];
  return Promise.all(answers.map(async (answer) => (await answer).text()));
}

describe.each([
  ['a variable', VARIABLES],
  ['a literal', LITERALS],
  ['a document that cannot be parsed', SYNTAX],
])('the error of a bad client as %s', (kind, cases) => {
  test.each(Object.entries(cases))('quotes no value: one %s', async (_, [query, variables, message]) => {
    const answers = await sendInEachForm(query, variables);
    for (const [index, answer] of answers.entries()) {
      expect(answer).not.toMatch(/LEAK/);
      const [error] = (JSON.parse(answer) as GraphqlAnswer).errors ?? [];
      // A mutation by GET is refused before its variables are read.
      const isEarlier = kind === 'a variable' && index === 2;
      const expected = isEarlier
        ? { extensions: { outcome: 'NOT_SENT' } }
        : { message, locations: [{ line: 1 }], extensions: { outcome: 'NOT_SENT' } };
      expect(error).toMatchObject(expected);
    }
  });
});

test.each([
  [
    'createClient',
    { errors: [{ message: expect.stringMatching(/^input\.userId: expected a GUID: [^"]*$/) as string }] },
  ],
  ['tryCreateClient', { data: { tryCreateClient: { message: expect.stringMatching(/^input\.userId: /) as string } } }],
])('an error about the account of %s does not quote it, because it may be the secret', async (field, answer) => {
  const query = field === 'createClient' ? ADD : TRY.replace('__typename', '... on WriteFailure { message }');
  const { json, text } = await gateway.graphql({ query, variables: { input: { ...given, userId: secret } } });
  expect(json).toMatchObject(answer);
  expect(text).not.toContain('LEAKED');
});

test('an error about the operationName of a document that adds clients does not quote it', async () => {
  const { json } = await gateway.graphql({ query: TRY, operationName: 'LEAKED', variables: { input: given } });
  expect(json.errors).toEqual([
    {
      message: "operationName: expected the name of one of the document's operations, got [hidden].",
      extensions: expect.objectContaining({ code: 'OPERATION_RESOLUTION_FAILURE', outcome: 'NOT_SENT' }) as object,
    },
  ]);
});

test('an error of another operation quotes the value', async () => {
  const { json } = await gateway.graphql({ query: '{ accountTasks(first: "many") { totalCount } }' });
  expect(json.errors?.[0]?.message).toBe('first: Int cannot represent non-integer value: "many"');
});
