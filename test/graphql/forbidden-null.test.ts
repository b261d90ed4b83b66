import { expect, onTestFinished, test } from 'vitest';
import { startStoreGateway } from '../support/running-gateway.ts';

const INPUT =
  'input: { taskId: "86cb791c-8078-41ae-a045-5dded04c9589", frequency: NONE, parameters: "{}", contentType: APPLICATION_JSON }';
const create = (rest: string): string => `createAccountTask(${INPUT}) { accountTask { id ${rest} } }`;

test.each([
  ['@skip below a write', `mutation ($v: Boolean = true) { ${create('name @skip(if: $v)')} }`],
  [
    '@include of a fragment below a write',
    `mutation ($v: Boolean = true) { ${create('...Name @include(if: $v)')} } fragment Name on AccountTask { name }`,
  ],
  [
    'an argument of a later write',
    `mutation ($v: TaskFrequency = NONE) { ${create('')} b: ${create('').replace('NONE', '$v')} }`,
  ],
  [
    'an item of a later batch',
    `mutation ($v: TaskFrequency = NONE) { ${create('')} createAccountTasks(inputs: [{ ${INPUT.replace('NONE', '$v')} }]) { __typename } }`,
  ],
])('a null for %s is refused before anything runs', async (_what, query) => {
  const gateway = await startStoreGateway();
  onTestFinished(() => gateway.close());
  const refused = await gateway.graphql({ query, variables: { v: null } });
  expect(refused.json).toEqual({
    errors: [
      {
        message: 'variables.v: expected a value, or none for its default, got null',
        locations: expect.any(Array) as unknown,
        extensions: expect.objectContaining({ code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' }) as unknown,
      },
    ],
  });
  const { json } = await gateway.graphql({ query: '{ accountTasks { totalCount } }' });
  expect(json.data).toEqual({ accountTasks: { totalCount: 0 } });
  const accepted = await gateway.graphql({ query });
  expect(accepted.json.errors).toBeUndefined();
});
