import { expect, test, vi } from 'vitest';
import { startCli, temporaryDatabase } from './support/gateway-process.ts';
import { describeSoak, soakStore, soakUpstream } from '../support/soak.ts';

vi.setConfig({ testTimeout: 300_000 });

const ROUNDS = 1;
const UNHARMED = { problems: [], lost: [], doubled: [] };
const BOUNDS = ['argument_sizes', 'answer_bytes', 'pipelined_requests'];
const BOUNDS_AT_SERVICE = ['upstream_answer_bytes', 'upstream_answer_values'];

function start(env: Readonly<Record<string, string>>): Promise<URL> {
  return startCli(['serve'], env).address();
}

test('a store with a small heap serves another caller under attack, and loses and doubles nothing', async () => {
  const report = await soakStore({ start, databaseUrl: temporaryDatabase(), rounds: ROUNDS });
  console.log(`soak of a store: ${describeSoak(report)}`);
  expect(report).toMatchObject(UNHARMED);
  expect(report.bounds).toEqual(expect.arrayContaining(BOUNDS));
});

test('a gateway with a small heap in front of a hostile service serves another caller, and loses and doubles nothing', async () => {
  const report = await soakUpstream({ start, databaseUrl: temporaryDatabase(), rounds: ROUNDS });
  console.log(`soak in front of a service: ${describeSoak(report)}`);
  expect(report).toMatchObject(UNHARMED);
  expect(report.bounds).toEqual(expect.arrayContaining([...BOUNDS, ...BOUNDS_AT_SERVICE]));
});
