import { describe, expect, test } from 'vitest';
import { inputThat, startScriptedGateway } from './scripted-tasks.ts';

const times = <Item>(count: number, item: Item): readonly Item[] => Array.from({ length: count }, () => item);

async function countRefusals(url: URL): Promise<number> {
  const metrics = await (await fetch(new URL('metrics', url))).text();
  return Number(/^gateway_refusals_total\{limit="failures"\} (\d+)$/m.exec(metrics)?.[1]);
}

describe('the limit of errors', () => {
  test('an answer and the log hold twenty errors and the number of the others', async () => {
    const gateway = await startScriptedGateway();
    const query = 'query ($all: [_Any!]!) { _entities(representations: $all) { __typename } }';
    for (const _ of ['unknown', 'known']) {
      const before = gateway.logged.length;
      const { json } = await gateway.graphql({ query, variables: { all: times(1_000, 1) } });
      expect(json.data?.['_entities']).toEqual(times(1_000, null));
      expect(json.errors?.map(({ path }) => path?.[1])).toEqual(Array.from({ length: 20 }, (_item, at) => at));
      expect(json.errors?.at(-1)).toMatchObject({
        message: 'representations.19.__typename: expected AccountTask (and 980 more errors)',
        extensions: { code: 'BAD_USER_INPUT', outcome: 'NOT_SENT' },
      });
      const lines = gateway.logged.slice(before).map(({ sentence }) => sentence);
      expect(lines).toHaveLength(21);
      expect(lines.at(-1)).toBe('and 980 more failures of this request');
    }
    expect(await countRefusals(gateway.url)).toBe(2);
  });

  test('an answer keeps the error of a failed create after forty others', async () => {
    const gateway = await startScriptedGateway();
    const query = `mutation ($inputs: [CreateAccountTaskItem!]!, $bad: CreateAccountTaskInput!) {
      all: createAccountTasks(inputs: $inputs) { ... on CreateAccountTaskPayload { accountTask { startDate } } }
      bad: createAccountTask(input: $bad) { replayed }
    }`;
    const inputs = times(40, { input: inputThat('has an odd date') });
    for (const _ of ['unknown', 'known']) {
      const { json } = await gateway.graphql({ query, variables: { inputs, bad: inputThat('is refused') } });
      expect(json.errors).toHaveLength(20);
      expect(json.errors?.at(0)).toMatchObject({ path: ['all', 0, 'accountTask', 'startDate'] });
      expect(json.errors?.at(-1)).toMatchObject({
        message: 'No. (and 21 more errors)',
        path: ['bad'],
        extensions: { code: 'TASK_REJECTED', outcome: 'REJECTED' },
      });
    }
  });

  test('an answer names twenty problems of a document', async () => {
    const gateway = await startScriptedGateway();
    const query = `{ ${Array.from({ length: 50 }, (_, at) => `nope${at}`).join(' ')} }`;
    const { json } = await gateway.graphql({ query });
    expect(json.errors).toHaveLength(20);
    expect(json.errors?.at(-1)?.message).toMatch(/"nope19".* \(and 30 more errors\)$/);
    expect(gateway.logged).toEqual([]);
  });
});

describe('the log of a batch', () => {
  const query = `mutation ($inputs: [CreateAccountTaskItem!]!) { createAccountTasks(inputs: $inputs) { __typename } }`;

  test('the log has twenty lines for a hundred refused creates, and the number of the others', async () => {
    const gateway = await startScriptedGateway();
    await gateway.graphql({ query, variables: { inputs: times(100, { input: inputThat('is refused') }) } });
    expect(gateway.logged).toHaveLength(21);
    expect(gateway.logged.at(-1)?.sentence).toBe('and 80 more failures of this request');
  });

  test('the log has a line for every create of unknown outcome', async () => {
    const gateway = await startScriptedGateway();
    const inputs = [
      ...times(50, { input: inputThat('is refused') }),
      ...times(50, { input: inputThat('has an unknown outcome') }),
    ];
    await gateway.graphql({ query, variables: { inputs } });
    expect(gateway.logged.filter(({ sentence }) => sentence === 'Too slow.')).toHaveLength(50);
    expect(gateway.logged.at(-1)?.sentence).toBe('and 30 more failures of this request');
  });
});
