import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { startStoreGateway } from '../support/running-gateway.ts';

const run = promisify(execFile);
const gateway = await startStoreGateway();
afterAll(() => gateway.close());

const TASK_ID = '86cb791c-8078-41ae-a045-5dded04c9589';

/** Posts with curl and returns the answer's body. */
async function curl(args: readonly string[]): Promise<string> {
  const url = new URL('api/v2/admin/tasks/account', gateway.url).href;
  const options = ['--silent', '--show-error', '--noproxy', '*', '--header', `Authorization: Bearer ${gateway.token}`];
  try {
    return (await run('curl', [...options, ...args, url])).stdout;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error('This test runs curl, which is not here: install it with the system’s package manager.', {
      cause: error,
    });
  }
}

test('curl creates a task in JSON', async () => {
  const body =
    `{"TaskID":"${TASK_ID}","Frequency":0,` +
    '"Parameters":"{\\"report\\":\\"usage\\"}","ContentType":"application/json"}';
  const text = await curl(['--header', 'Content-Type: application/json', '--data', body]);
  expect(JSON.parse(text)).toMatchObject({
    Error: null,
    ResponseData: { Detail: { TaskID: TASK_ID, Parameters: '{"report":"usage"}' } },
  });
});

test('curl creates a task in XML', async () => {
  const body =
    `<AccountTaskRequest><TaskID>${TASK_ID}</TaskID><Frequency>NONE</Frequency>` +
    '<Parameters>&lt;report&gt;usage&lt;/report&gt;</Parameters>' +
    '<ContentType>application/xml</ContentType></AccountTaskRequest>';
  const headers = ['--header', 'Content-Type: application/xml', '--header', 'Accept: application/xml'];
  const text = await curl([...headers, '--data', body]);
  expect(text).toMatch(/^<ResponseOfAccountTaskResponse /);
  expect(text).toContain(`<TaskID>${TASK_ID}</TaskID>`);
  expect(text).toContain('<Parameters>&lt;report&gt;usage&lt;/report&gt;</Parameters>');
});

test('curl creates a task from a form', async () => {
  const fields = [
    `TaskID=${TASK_ID}`,
    'Frequency=DAILY',
    'Parameters={"report": "usage + tax"}',
    'ContentType=application/json',
  ];
  const text = await curl(fields.flatMap((field) => ['--data-urlencode', field]));
  expect(JSON.parse(text)).toMatchObject({
    ResponseData: { Detail: { Frequency: 'DAILY', Parameters: '{"report": "usage + tax"}' } },
  });
});
