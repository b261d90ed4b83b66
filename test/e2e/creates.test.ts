import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { text as readText } from 'node:stream/consumers';
import { expect, inject, onTestFinished, test } from 'vitest';
import { openBackend } from '../../src/app/open-backend.ts';
import { startRestService } from '../support/rest-service.ts';
import { startGateway } from '../support/running-gateway.ts';
import { commandOutput } from '../support/command-output.ts';
import { runCli, startCli, temporaryDatabase } from './support/gateway-process.ts';
import { createCaller } from './support/graphql-caller.ts';
import { seedStore } from './support/seeded-store.ts';

const caller = createCaller('Bearer of-the-service');

type Env = Readonly<Record<string, string>>;

async function startInProcess(env: Env): Promise<URL> {
  const { url, close } = await startGateway(openBackend, { env, mode: 'serve' });
  onTestFinished(close);
  return url;
}

/** Starts a gateway before a service that answers every create but the first two, and makes two creates of unknown fate. */
async function twoUnknown(start: (env: Env) => Promise<URL> = startInProcess) {
  const service = await startRestService({
    answer: () => (service.requests.length > 2 ? null : { status: 500, body: '' }),
  });
  onTestFinished(() => service.close());
  const env = { UPSTREAM_URL: service.url.href, DATABASE_URL: temporaryDatabase() };
  const address = await start(env);
  for (const key of ['k-1', 'k-2']) {
    expect(await caller.create(address, '{}', key)).toMatchObject({ failure: 'UPSTREAM_FAILED UNKNOWN' });
  }
  return { service, env, address };
}

async function list(env: Env, ...options: readonly string[]) {
  const output = await commandOutput(['creates', 'list', '--json', ...options], env);
  return JSON.parse(output) as readonly Readonly<Record<string, string | null>>[];
}

test('an operator lists creates of unknown fate and settles them while the gateway serves', async () => {
  const { service, env, address } = await twoUnknown((variables) => startCli(['serve'], variables).address());
  const settle = (...options: readonly string[]) => runCli(['creates', 'settle', ...options], env);
  const listed = await runCli(['creates', 'list', '--json', '--unknown'], env);
  expect(listed).toMatchObject({ code: 0, stderr: '' });
  const [one, two, ...others] = JSON.parse(listed.stdout) as Awaited<ReturnType<typeof list>>;
  expect(others).toEqual([]);
  expect([one?.['idempotencyKey'], two?.['idempotencyKey']]).toEqual(['k-1', 'k-2']);
  const created = randomUUID();
  const guid = `{${created.toUpperCase()}}`;
  const settled = await settle('--id', String(one?.['id']), '--created', guid, '--by', 'ann');
  expect(settled).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('state: CREATED') as string });
  const other = await settle('--request', String(two?.['requestId']), '--not-created', '--by', 'bob', '--json');
  expect(JSON.parse(other.stdout)).toMatchObject({ id: two?.['id'], state: 'NOT_CREATED', settledBy: 'bob' });

  expect(await caller.create(address, '{}', 'k-1')).toEqual({ kind: 'created', id: created, replayed: true });
  expect(await caller.create(address, '{}', 'k-2')).toMatchObject({ kind: 'created', replayed: false });
  expect(service.requests).toHaveLength(3);
  expect(await list(env, '--unknown')).toEqual([]);
  expect(await list(env)).toMatchObject([{ state: 'CREATED', settledBy: 'ann' }, { state: 'NOT_CREATED' }]);
  expect(await settle('--id', String(one?.['id']), '--not-created', '--by', 'bob')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^Not done: .* was settled as created as .* by ann at .*, which stays\n$/) as string,
  });
  expect(await commandOutput(['creates', 'list', '--unknown'], env)).toBe('none\n');
});

test('a list ends without a complaint when its reader, such as head, has seen enough', async () => {
  const { env } = await twoUnknown();
  const program = spawn(process.execPath, [inject('program'), 'creates', 'list'], {
    env: { ...process.env, ...env },
  });
  program.stdout.destroy();
  const [complaint, [code]] = await Promise.all([readText(program.stderr), once(program, 'exit')]);
  expect({ code, complaint }).toEqual({ code: 0, complaint: '' });
});

const listIn = (env: Env) => [['creates', 'list'], env] as const;

test('bad arguments and configurations are refused with one sentence, and nothing is settled', async () => {
  const { env } = await twoUnknown();
  const [{ id = '' } = {}] = await list(env, '--unknown');
  const verdict = ['--not-created', '--by', 'ann'];
  const ofStore = temporaryDatabase();
  await seedStore(ofStore);
  const settle = (...options: readonly string[]) => [['creates', 'settle', ...options], env] as const;
  const refusals: readonly (readonly [readonly [readonly string[], Env], RegExp])[] = [
    [settle('--id', 'x', ...verdict), /^--id: expected a GUID/],
    [settle('--id', randomUUID(), ...verdict), /^--id: there is no attempt/],
    [settle('--request', 'x', ...verdict), /^--request: there is no attempt of request x/],
    [settle(...verdict), /^--id or --request is required/],
    [settle('--id', String(id), '--request', 'x', ...verdict), /^Give --id or --request, not both/],
    [settle('--id', String(id), '--created', '86cb791c', '--by', 'ann'), /^--created: expected a GUID/],
    [settle('--id', String(id), '--by', 'ann'), /^--created GUID, --not-created, --ran or --not-ran is required/],
    [settle('--id', String(id), '--created', randomUUID(), ...verdict), /^Give --created or --not-created, not both/],
    [settle('--id', String(id), '--ran', ...verdict), /^Give --not-created or --ran, not both/],
    [settle('--id', String(id), '--ran', '--by', 'ann'), /: is a create: give --created or --not-created/],
    [settle('--id', String(id), '--not-created'), /^--by is required/],
    [settle('--id', String(id), '--not-created', '--by', ' '), /^--by is required/],
    [[['creates', 'list', '--by', 'ann'], env], /^"creates list" takes no --by/],
    [[['creates', 'forget'], env], /^"creates forget" is not a command/],
    [listIn({ ...env, RECORD: 'off' }), /^NOT_SUPPORTED: .*RECORD=off/],
    [listIn({ DATABASE_URL: ofStore }), /^NOT_SUPPORTED: .*in store mode/],
    [listIn({ ...env, DATABASE_URL: temporaryDatabase() }), /^DATABASE_URL: there is no file \//],
    [settle('--released'), /^Unknown option '--released'\./],
    [listIn({ ...env, DATABASE_URL: 'postgres://127.0.0.1:1/none' }), /cannot be opened/],
  ];
  for (const [command, sentence] of refusals) await expect(commandOutput(...command)).rejects.toThrow(sentence);
  expect(await list(env, '--unknown')).toHaveLength(2);

  // The program prints the sentence and nothing else.
  const complaints = [
    [['settle', '--id', randomUUID(), ...verdict], /^Not done: --id: there is no attempt [^\n]*\n$/],
    [['settle', ...verdict], /^--id or --request is required\.\nTo see all commands[^\n]*\n$/],
  ] as const;
  for (const [args, stderr] of complaints)
    expect(await runCli(['creates', ...args], env)).toEqual({
      code: 1,
      signal: null,
      stdout: '',
      stderr: expect.stringMatching(stderr) as string,
    });
});
