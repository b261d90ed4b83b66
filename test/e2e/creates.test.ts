import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { text as readText } from 'node:stream/consumers';
import { expect, inject, onTestFinished, test } from 'vitest';
import { startRestService } from '../support/rest-service.ts';
import { type Exit, runCli, startCli, temporaryDatabase } from './support/gateway-process.ts';
import { createCaller } from './support/graphql-caller.ts';
import { seedStore } from './support/seeded-store.ts';

const caller = createCaller('Bearer of-the-service');

/** Starts a gateway before a service that answers every create but the first two, and makes two creates of unknown fate. */
async function twoUnknown() {
  const service = await startRestService({
    answer: () => (service.requests.length > 2 ? null : { status: 500, body: '' }),
  });
  onTestFinished(() => service.close());
  const env = { UPSTREAM_URL: service.url.href, DATABASE_URL: temporaryDatabase() };
  const address = await startCli(['serve'], env).address();
  for (const key of ['k-1', 'k-2']) {
    expect(await caller.create(address, '{}', key)).toMatchObject({ failure: 'UPSTREAM_FAILED UNKNOWN' });
  }
  return { service, env, address };
}

async function list(env: Readonly<Record<string, string>>, ...options: readonly string[]) {
  const { code, stdout, stderr } = await runCli(['creates', 'list', '--json', ...options], env);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as readonly Readonly<Record<string, string | null>>[];
}

test('an operator lists creates of unknown fate and settles them while the gateway serves', async () => {
  const { service, env, address } = await twoUnknown();
  const settle = (...options: readonly string[]) => runCli(['creates', 'settle', ...options], env);
  const [one, two, ...others] = await list(env, '--unknown');
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
  expect((await runCli(['creates', 'list', '--unknown'], env)).stdout).toBe('none\n');
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

test('bad arguments and configurations are refused with one sentence, and nothing is settled', async () => {
  const { env } = await twoUnknown();
  const [{ id = '' } = {}] = await list(env, '--unknown');
  const verdict = ['--not-created', '--by', 'ann'];
  const ofStore = temporaryDatabase();
  await seedStore(ofStore);
  const settle = (...options: readonly string[]): Promise<Exit> => runCli(['creates', 'settle', ...options], env);
  const refusals: readonly (readonly [Promise<Exit>, RegExp])[] = [
    [settle('--id', 'x', ...verdict), /^--id: expected a GUID/],
    [settle('--id', randomUUID(), ...verdict), /^Not done: --id: there is no attempt/],
    [settle('--request', 'x', ...verdict), /^Not done: --request: there is no attempt of request x/],
    [settle(...verdict), /^--id or --request is required/],
    [settle('--id', String(id), '--request', 'x', ...verdict), /^Give --id or --request, not both/],
    [settle('--id', String(id), '--created', '86cb791c', '--by', 'ann'), /^--created: expected a GUID/],
    [settle('--id', String(id), '--by', 'ann'), /^--created GUID, --not-created, --ran or --not-ran is required/],
    [settle('--id', String(id), '--created', randomUUID(), ...verdict), /^Give --created or --not-created, not both/],
    [settle('--id', String(id), '--ran', ...verdict), /^Give --not-created or --ran, not both/],
    [settle('--id', String(id), '--ran', '--by', 'ann'), /^Not done: .*: is a create: give --created or --not-created/],
    [settle('--id', String(id), '--not-created'), /^--by is required/],
    [settle('--id', String(id), '--not-created', '--by', ' '), /^--by is required/],
    [runCli(['creates', 'list', '--by', 'ann'], env), /^"creates list" takes no --by/],
    [runCli(['creates', 'forget'], env), /^"creates forget" is not a command/],
    [runCli(['creates', 'list'], { ...env, RECORD: 'off' }), /^Not done: NOT_SUPPORTED: .*RECORD=off/],
    [runCli(['creates', 'list'], { DATABASE_URL: ofStore }), /^Not done: NOT_SUPPORTED: .*in store mode/],
    [
      runCli(['creates', 'list'], { ...env, DATABASE_URL: temporaryDatabase() }),
      /^Not done: DATABASE_URL: there is no file \//,
    ],
    [settle('--released'), /^Unknown option '--released'\.\n/],
    [runCli(['creates', 'list'], { ...env, DATABASE_URL: 'postgres://127.0.0.1:1/none' }), /cannot be opened/],
  ];
  for (const [running, message] of refusals) {
    const { code, stdout, stderr } = await running;
    expect({ code, stdout, stderr }).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(message) as string,
    });
  }
  expect(await list(env, '--unknown')).toHaveLength(2);
});
