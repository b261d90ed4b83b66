import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { SAMPLE_INPUT } from '../support/running-gateway.ts';
import { commandOutput } from '../support/command-output.ts';
import { runCli, startCli, startNpm, temporaryDatabase } from './support/gateway-process.ts';

const ACCOUNT = '0f8fad5b-d9cb-469f-a165-70867728950e';
const GUID = expect.stringMatching(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/) as string;
const CREATE = `mutation ($input: CreateAccountTaskInput!) {
  createAccountTask(input: $input) { accountTask { name clientId } }
}`;

/** Runs a command with --json, in this process, and returns the object that it prints. */
async function runJson(args: readonly string[], env: Readonly<Record<string, string>>): Promise<unknown> {
  return JSON.parse(await commandOutput([...args, '--json'], env));
}

async function readTasks(address: URL, token: string): Promise<unknown> {
  const response = await fetch(new URL('graphql', address), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: '{ accountTasks { edges { node { id } } } }' }),
  });
  return response.json();
}

async function askForToken(
  address: URL,
  id: string,
  secret: string,
): Promise<{ readonly access_token?: string; readonly error?: string }> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: id, client_secret: secret });
  const response = await fetch(new URL('Token', address), { method: 'POST', body });
  return response.json() as Promise<{ readonly access_token?: string; readonly error?: string }>;
}

describe('administration', () => {
  test('--json lets a script set up a client, its token and a first task', async () => {
    const env = { DATABASE_URL: temporaryDatabase() };
    const client = (await runJson(['client', 'create', '--name', 'reports', '--account', ACCOUNT], env)) as {
      readonly id: string;
      readonly secret: string;
    };
    const createdAt = expect.any(String) as string;
    const publicFacts = { id: GUID, accountId: ACCOUNT, name: 'reports', createdAt, revokedAt: null };
    expect(client).toEqual({ ...publicFacts, secret: expect.stringMatching(/^\S{32,}$/) as string });
    expect(await runJson(['client', 'list'], env)).toEqual([publicFacts]);
    const task = { id: SAMPLE_INPUT.taskId, name: 'Usage report' };
    expect(await runJson(['catalogue', 'add', '--id', `{${task.id.toUpperCase()}}`, '--name', task.name], env)).toEqual(
      task,
    );
    expect(await runJson(['catalogue', 'list'], env)).toEqual([task]);
    const { token } = (await runJson(['token', '--client', client.id], env)) as { readonly token: string };

    const gateway = startCli(['serve'], env);
    const response = await fetch(new URL('graphql', await gateway.address()), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: CREATE, variables: { input: SAMPLE_INPUT } }),
    });
    expect(await response.json()).toEqual({
      data: { createAccountTask: { accountTask: { name: 'Usage report', clientId: client.id } } },
    });
  });

  test('a client is replaced while a gateway serves: the new one works and the revoked one is refused', async () => {
    const env = { DATABASE_URL: temporaryDatabase() };
    const address = await startCli(['serve'], env).address();
    const createClient = async () => {
      const args = ['client', 'create', '--name', 'reports', '--account', ACCOUNT];
      const { id, secret } = (await runJson(args, env)) as { readonly id: string; readonly secret: string };
      return { id, askForToken: () => askForToken(address, id, secret) };
    };
    const old = await createClient();
    const { access_token: oldToken = '' } = await old.askForToken();
    expect(await readTasks(address, oldToken)).toEqual({ data: { accountTasks: { edges: [] } } });

    const next = await createClient();
    const { access_token: newToken = '' } = await next.askForToken();
    const revoked = await runJson(['client', 'revoke', '--id', old.id], env);
    expect(revoked).toMatchObject({ id: old.id, revokedAt: expect.any(String) as string });
    expect(await readTasks(address, oldToken)).toMatchObject({
      errors: [
        {
          message: 'The client of this bearer token has been revoked.',
          extensions: { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT', retryable: false },
        },
      ],
    });
    expect(await old.askForToken()).toMatchObject({ error: 'invalid_client' });
    expect(await readTasks(address, newToken)).toEqual({ data: { accountTasks: { edges: [] } } });
    expect(await runJson(['client', 'revoke', '--id', old.id], env)).toEqual(revoked);
    await expect(commandOutput(['token', '--client', old.id], env)).rejects.toThrow(
      /^Client \S+ was revoked at \S+; "client create" creates another one\.$/,
    );
  });

  test('output without --json is lines of text, with a token on a line of its own', async () => {
    const env = { DATABASE_URL: temporaryDatabase() };
    const created = await runCli(['client', 'create', '--name', 'reports'], env);
    const [, id = ''] =
      /^id: (\S+)\naccountId: \S+\nname: reports\ncreatedAt: \S+\nrevokedAt: -\nsecret: \S+\n$/.exec(created.stdout) ??
      [];
    const { stdout, stderr } = await runCli(['token', '--client', id], env);
    expect(stdout).toMatch(/^[\w-]{43}\n$/);
    expect(stderr).toBe('');
    expect(await commandOutput(['catalogue', 'list'], env)).toBe('none\n');
  });

  test('npm run cli runs the administration commands', async () => {
    const env = { DATABASE_URL: temporaryDatabase() };
    const add = ['catalogue', 'add', '--id', ACCOUNT, '--name', 'Report', '--json'];
    const { code, stdout } = await startNpm(['run', '--silent', 'cli', '--', ...add], env).exit;
    expect({ code, json: JSON.parse(stdout) as unknown }).toEqual({ code: 0, json: { id: ACCOUNT, name: 'Report' } });
  });

  test.each([
    ['client', 'list'],
    ['client', 'revoke', '--id', ACCOUNT],
    ['catalogue', 'list'],
    ['token', '--account', ACCOUNT],
    ['token', '--client', ACCOUNT],
  ])('%s %s needs an existing database and does not create one', async (...args) => {
    const databaseUrl = temporaryDatabase();
    const path = databaseUrl.slice('sqlite:'.length);
    await expect(commandOutput(args, { DATABASE_URL: databaseUrl })).rejects.toThrow(
      `DATABASE_URL: there is no file ${path}; set it to the database of the gateway, ` +
        'or start the gateway once to create it',
    );
    expect(existsSync(path)).toBe(false);
  });

  test.each<readonly [readonly string[], Readonly<Record<string, string>>, string]>([
    [['client', 'remove'], {}, '"client remove" is not a command'],
    [['client', 'create', '--name', 'x'.repeat(19)], {}, 'name: expected 1 to 18 characters, not only blanks'],
    [['client', 'list'], { PORT: 'http' }, 'PORT: expected a whole number from 0 to 65535, got "http"'],
    [['explain', '{}'], {}, 'input: Field "taskId"'],
    [['doctor', 'please'], {}, '"doctor" takes no argument except --json.'],
  ])('with --json the error of %j is a JSON object', async (args, env, error) => {
    const { code, stdout, stderr } = await runCli([...args, '--json'], { DATABASE_URL: temporaryDatabase(), ...env });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(JSON.parse(stderr)).toEqual({ error: expect.stringContaining(error) as string });
  });

  test('an unknown command is refused with the reason and where to look, before a database is created', async () => {
    const databaseUrl = temporaryDatabase();
    const { code, stdout, stderr } = await runCli(['client', 'remove'], { DATABASE_URL: databaseUrl });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(
      '"client remove" is not a command; there are: client create, client list, client revoke.\nTo see all commands and options, run: npx account-task-gateway --help\n',
    );
    expect(existsSync(databaseUrl.slice('sqlite:'.length))).toBe(false);
  });

  test('serve refuses arguments, since variables configure it', async () => {
    const { code, stderr } = await runCli(['serve', '--port', '80'], { DATABASE_URL: temporaryDatabase() });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^"serve" takes no arguments; configure it with environment variables\.\n/);
  });

  test('input that the store refuses is reported in one line', async () => {
    const env = { DATABASE_URL: temporaryDatabase() };
    const { code, stderr } = await runCli(['client', 'create', '--name', 'x'.repeat(19)], env);
    expect(code).toBe(1);
    expect(stderr).toBe(`Not done: name: expected 1 to 18 characters, not only blanks, got "${'x'.repeat(19)}"\n`);
  });

  test.each([
    ['token', '--client', ACCOUNT],
    ['client', 'revoke', '--id', ACCOUNT],
  ])('an unknown client is reported as such: %s %s', async (...args) => {
    const env = { DATABASE_URL: temporaryDatabase() };
    await commandOutput(['client', 'create', '--name', 'reports'], env);
    await expect(commandOutput(args, env)).rejects.toThrow(
      `There is no client ${ACCOUNT}; "client list" shows all of them.`,
    );
  });

  test('no command, and help, show the usage', async () => {
    const help = await runCli(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toMatch(/^Usage: npm run cli/);
    expect((await runCli([])).stdout).toBe(help.stdout);
    expect((await runCli(['client', 'create', '--help'])).stdout).toBe(help.stdout);
  });
});

describe('schema', () => {
  test('schema prints the committed SDL, or that of the configured enums', async () => {
    const committed = readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8');
    expect(await runCli(['schema'], {})).toMatchObject({ code: 0, stdout: `${committed}\n`, stderr: '' });
    const { stdout } = await runCli(['schema'], { TASK_FREQUENCIES: 'NONE=0,YEARLY' });
    expect(stdout).toMatch(/enum TaskFrequency \{[^}]+YEARLY/);
  });

  test.each([
    [[], '3.1.1'],
    [['--3.0'], '3.0.4'],
  ])('openapi %j prints the document of the configured enums', async (options, version) => {
    const { code, stdout } = await runCli(['openapi', ...options], { TASK_FREQUENCIES: 'NONE=0,YEARLY' });
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { openapi: version }]);
    expect(stdout).toContain('"YEARLY"');
  });

  test('schema refuses arguments', async () => {
    const { code, stderr } = await runCli(['schema', '--json'], {});
    expect(code).toBe(1);
    expect(stderr).toContain('"schema" takes no arguments.');
  });
});
