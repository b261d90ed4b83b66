import { expect } from 'vitest';
import { type DatabaseKind, emptyDatabase } from '../../support/databases.ts';
import { createLoad } from './create-load.ts';
import { startCli } from './gateway-process.ts';
import { createCaller } from './graphql-caller.ts';
import { seedStore } from './seeded-store.ts';
import { createUpdateLoad } from './update-load.ts';

const ROUNDS = 20;
/** Differs per round, so that rounds stop at different points of a batch. */
const answersBeforeKill = (round: number): number => 9 + round;

export interface CrashReport {
  readonly rounds: number;
  readonly lost: number;
  readonly doubled: number;
}

/** Kills the gateway during a load again and again. No task is ever removed, so the last comparison covers every round. */
export async function killInRounds(kind: DatabaseKind): Promise<CrashReport> {
  const databaseUrl = await emptyDatabase(kind);
  const caller = createCaller(await seedStore(databaseUrl));
  const load = createLoad(caller);
  const updates = createUpdateLoad(caller);
  const start = () => startCli(['serve'], { DATABASE_URL: databaseUrl });
  const lookAt = async (address: URL) => {
    const { others, lost } = updates.compare(await caller.list(address));
    expect(lost).toEqual([]);
    const findings = load.compare(others);
    expect(findings).toMatchObject({ lost: [], doubled: [], damaged: [] });
    return findings;
  };

  for (let round = 0; round < ROUNDS; round += 1) {
    const gateway = start();
    const address = await gateway.address();
    if (round === 0) await updates.prepare(address);
    const updating = updates.run(address);
    await load.run(address, answersBeforeKill(round), () => gateway.kill('SIGKILL'));
    await updating;
    expect(await gateway.exit).toMatchObject({ signal: 'SIGKILL' });
  }

  const address = await start().address();
  await lookAt(address);
  await load.finish(address);
  const keyed = load.creates.filter(({ key }) => key !== null);
  const again = await Promise.all(keyed.map(({ parameters, key }) => caller.create(address, parameters, key)));
  expect(again).toEqual(keyed.map(({ ids }) => ({ kind: 'created', id: [...ids][0], replayed: true })));
  const { acknowledged, lost, doubled } = await lookAt(address);
  const report = { rounds: ROUNDS, lost: lost.length, doubled: doubled.length };
  const counts = `${load.creates.length} creates, ${keyed.length} of them with a key, ${acknowledged} acknowledged, ${updates.count()} updates`;
  console.log(`kill -9 on ${kind}: ${ROUNDS} rounds, ${counts}, lost = ${report.lost}, doubled = ${report.doubled}`);
  return report;
}
