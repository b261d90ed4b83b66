import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { listAttempts } from '../../src/store/idempotency/attempt-rows.ts';
import { openDatabase } from '../../src/store/store.ts';
import { DATABASES, emptyDatabase } from '../support/databases.ts';
import { startRestService } from '../support/rest-service.ts';
import { commandOutput } from '../support/command-output.ts';
import { startCli } from './support/gateway-process.ts';
import { createCaller } from './support/graphql-caller.ts';

const ROUNDS = 3;
const KEYS_OF_ROUND = 30;
const ANSWERS_BEFORE_KILL = 8;
const AUTHORIZATION = 'Bearer of-the-service';
const LOOK_UP = 'query ($key: String!) { writeOutcome(idempotencyKey: $key) { state accountTask { id } } }';

/** The verdict of a create with a key, by the state that `writeOutcome` has shown before. */
const EXPECTED = {
  SUCCEEDED: { kind: 'created', replayed: true },
  UNKNOWN: { failure: 'UPSTREAM_CONNECTION_LOST UNKNOWN' },
  IN_PROGRESS: { failure: 'IDEMPOTENCY_IN_PROGRESS NOT_SENT' },
  FREE: { kind: 'created', replayed: false },
} as const;

interface Outcome {
  readonly state: 'IN_PROGRESS' | 'SUCCEEDED' | 'UNKNOWN';
  readonly accountTask: { readonly id: string } | null;
}

async function lookUp(address: URL, key: string): Promise<Outcome | null> {
  const response = await fetch(new URL('graphql', address), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: AUTHORIZATION },
    body: JSON.stringify({ query: LOOK_UP, variables: { key } }),
  });
  const { data } = (await response.json()) as { readonly data: { readonly writeOutcome: Outcome | null } };
  return data.writeOutcome;
}

/** Ends the leases of killed gateways, and returns what an operator then has to settle. */
async function unsettledIn(databaseUrl: string) {
  const database = await openDatabase(databaseUrl);
  const ended = "SET lease_until = '2026-01-01T00:00:00.000Z'";
  await database.transaction(async (transaction) => {
    await transaction.write(`UPDATE attempts ${ended}`);
    await transaction.write(`UPDATE idempotency_keys ${ended}`);
  });
  const attempts = await Array.fromAsync(listAttempts(database, true));
  await database.close();
  return attempts;
}

/** The command of an operator who found this task of an attempt at the service, or none. */
function toSettle(attemptId: string, taskId: string | null): readonly string[] {
  const verdict = taskId === null ? ['--not-created'] : ['--created', taskId];
  return ['creates', 'settle', '--id', attemptId, ...verdict, '--by', 'ann'];
}

test.each(DATABASES)(
  'on %s, kill -9 over creates, settlements and look-ups sends no key twice and loses no settlement',
  { timeout: 180_000 },
  async (kind) => {
    const caller = createCaller(AUTHORIZATION);
    let processing = 0;
    const service = await startRestService({
      async answer() {
        processing += 1;
        await delay(5);
        processing -= 1;
        return null;
      },
    });
    /** Resolves once the service has processed all that a killed gateway sent. It accepts connections in order, ours last. */
    const untilProcessed = async () => {
      await fetch(service.url, { method: 'POST', body: '{}' });
      await expect.poll(() => processing).toBe(0);
    };
    onTestFinished(() => service.close());
    const databaseUrl = await emptyDatabase(kind);
    const env = { UPSTREAM_URL: service.url.href, DATABASE_URL: databaseUrl };
    const postsOf = (key: string) =>
      service.requests.flatMap(({ body }, index) =>
        (JSON.parse(body.toString()) as { readonly Parameters: string }).Parameters === key ? [index] : [],
      );
    const settled = new Map<string, string>();
    let unknown = 0;
    let gateway = startCli(['serve'], env);
    for (let round = 0; round < ROUNDS; round += 1) {
      const address = await gateway.address();
      const keys = Array.from({ length: KEYS_OF_ROUND }, (_, number) => `"${round}-${number}"`);
      let answered = 0;
      await Promise.all(
        keys.map(async (key) => {
          const looking = lookUp(address, key).catch(() => null);
          await caller.create(address, key, key);
          answered += 1;
          if (answered === ANSWERS_BEFORE_KILL) gateway.kill('SIGKILL');
          await looking;
        }),
      );
      await gateway.exit;
      await untilProcessed();
      const attempts = await unsettledIn(databaseUrl);
      unknown += attempts.length;
      const [victim, ...others] = attempts;
      /** The verdict of an operator who looks at the service. */
      const verdictOf = (key: string | null) => {
        const task = service.tasks.find(({ Parameters }) => Parameters === key);
        return task ? (task['ID'] as string) : null;
      };
      if (victim) {
        // A settlement that is killed is repeated, and the same verdict changes nothing.
        const killed = startCli(toSettle(victim.id, verdictOf(victim.idempotencyKey)), env);
        await delay(round * 150);
        killed.kill('SIGKILL');
        await killed.exit;
      }
      for (const { id, idempotencyKey } of victim ? [victim, ...others.slice(0, 3)] : []) {
        const taskId = verdictOf(idempotencyKey);
        await commandOutput(toSettle(id, taskId), env);
        if (taskId !== null) settled.set(idempotencyKey ?? '', taskId);
      }
      // The next round kills it.
      gateway = startCli(['serve'], env);
      const again = await gateway.address();
      for (const [key, taskId] of settled) {
        expect(await lookUp(again, key)).toEqual({ state: 'SUCCEEDED', accountTask: { id: taskId } });
        expect(await caller.create(again, key, key)).toEqual({ kind: 'created', id: taskId, replayed: true });
      }
      const outcomes = await Promise.all(keys.map((key) => lookUp(again, key)));
      for (const [index, key] of keys.entries()) {
        const { state = null } = outcomes[index] ?? {};
        const verdict = await caller.create(again, key, key);
        expect(verdict).toMatchObject(EXPECTED[state ?? 'FREE']);
        expect([key, postsOf(key).length <= 1]).toEqual([key, true]);
      }
    }
    await expect(commandOutput(toSettle(randomUUID(), null), env)).rejects.toThrow('there is no attempt');
    // Otherwise the test would prove nothing.
    expect(unknown).toBeGreaterThan(0);
    console.log(
      `kill -9 over settlements on ${kind}: ${unknown} of unknown fate, ${settled.size} settled as created, doubled = 0`,
    );
  },
);
