import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { nodeWarnings, startCli, startNpm, temporaryDatabase } from './support/gateway-process.ts';
import { findSystemProgram } from '../support/system-program.ts';

const curl = findSystemProgram({ names: ['curl'], debianPackage: 'curl' });
const LIST = '{ accountTasks { edges { node { id } } } }';

interface Listed {
  readonly data: { readonly accountTasks: { readonly edges: readonly { readonly node: { readonly id: string } }[] } };
}

async function listIds(address: URL, authorization: string): Promise<readonly string[]> {
  const response = await fetch(new URL('graphql', address), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: authorization },
    body: JSON.stringify({ query: LIST }),
  });
  const { data } = (await response.json()) as Listed;
  return data.accountTasks.edges.map(({ node }) => node.id);
}

function headerIn(stdout: string): string {
  return /^Authorization: (Bearer \S+)$/m.exec(stdout)?.[1] ?? '';
}

describe('npm start', () => {
  test('npm start prints the address of GraphiQL, a header, and a curl command that creates a task', async () => {
    const demo = startNpm(['start'], { DATABASE_URL: temporaryDatabase() });
    const address = await demo.address();
    await demo.output(/^Authorization: Bearer \S+$/m);
    const banner = demo.stdout();
    expect(banner).toContain(`${address.href}graphql\n`);
    const [command = ''] = /^curl (?:.|\n)*?(?=\n\n)/m.exec(banner) ?? [];

    const answer = JSON.parse(execFileSync('bash', ['-c', command.replace('curl', curl)], { encoding: 'utf8' })) as {
      readonly data: { readonly createAccountTask: { readonly accountTask: { readonly id: string } } };
    };
    expect(answer).toEqual({
      data: {
        createAccountTask: {
          accountTask: {
            id: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown,
            name: 'Sample task',
            startDate: '2026-02-22T04:10:00.9543747+00:00',
          },
        },
      },
    });
    expect(await listIds(address, headerIn(banner))).toEqual([answer.data.createAccountTask.accountTask.id]);
    const [, userId, accountHeader = ''] =
      /createClient \(userId (\S+)\): Authorization: (Bearer \S+)$/m.exec(banner) ?? [];
    const client = await fetch(new URL('graphql', address), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: accountHeader },
      body: JSON.stringify({
        query: `mutation { createClient(input: { name: "Reports", userId: "${userId}" }) { secret } }`,
      }),
    });
    const secret = expect.stringMatching(/^[\w-]{43}$/) as unknown;
    expect(await client.json()).toEqual({ data: { createClient: { secret } } });
    expect(nodeWarnings(demo.stderr())).toEqual([]);
  });

  test('npm start ends the server when npm receives a signal', async () => {
    const demo = startNpm(['start'], { DATABASE_URL: temporaryDatabase() });
    const address = await demo.address();
    demo.kill('SIGTERM');
    await demo.exit;
    await expect(fetch(new URL('health', address))).rejects.toThrow('fetch failed');
  });
});

describe('a second start', () => {
  test('a second start finds the tasks of the first, and the token of the first still works', async () => {
    const env = { DATABASE_URL: temporaryDatabase() };
    const first = startCli(['demo'], env);
    const header = (await first.output(/^Authorization: Bearer \S+$/m)).replace('Authorization: ', '');
    const address = await first.address();
    const [command = ''] = /^curl (?:.|\n)*?(?=\n\n)/m.exec(first.stdout()) ?? [];
    execFileSync('bash', ['-c', command.replace('curl', curl)]);
    const ids = await listIds(address, header);
    expect(ids).toHaveLength(1);
    first.kill('SIGINT');
    expect(await first.exit).toMatchObject({ code: 0, stderr: '' });

    const second = startCli(['demo'], env);
    await second.output(/^Authorization: Bearer \S+$/m);
    expect(headerIn(second.stdout())).not.toBe(header);
    expect(await listIds(await second.address(), header)).toEqual(ids);
    expect(await listIds(await second.address(), headerIn(second.stdout()))).toEqual(ids);
  });

  test('a start on a port in use fails with one line', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { code, stdout, stderr } = await startCli(['demo'], {
      DATABASE_URL: temporaryDatabase(),
      PORT: String(port),
    }).exit;
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toBe(`Cannot start: port ${port} of 127.0.0.1 is in use; set PORT to another port\n`);
  });
});
