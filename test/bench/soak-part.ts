import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SoakReport, soakStore, soakUpstream } from '../support/soak.ts';
import { table } from './numbers.ts';
import { type Program, startProgram } from './program.ts';

const ROUNDS = 60;
const SOAKS = { 'a store': soakStore, 'in front of a hostile service': soakUpstream };

/** Runs every attack at once on a gateway with a small heap, beside an ordinary caller that must not be affected. */
export async function soakPart(): Promise<string> {
  const rows: string[][] = [];
  for (const [name, soak] of Object.entries(SOAKS)) rows.push([name, ...toCells(name, await run(name, soak))]);
  const head = ['', 'creates', 'refused, sent again', 'peak RSS', 'slowest /health', 'took'];
  return `## Under attack with a heap of 256 MB\n\nNothing was lost and nothing doubled.\n\n${table(head, rows)}`;
}

async function run(name: string, soak: typeof soakStore): Promise<SoakReport> {
  const folder = mkdtempSync(join(tmpdir(), 'soak-'));
  const programs: Program[] = [];
  const start = async (env: Readonly<Record<string, string>>): Promise<URL> => {
    const program = await startProgram({ name, script: 'src/cli.ts serve', env });
    programs.push(program);
    return program.url;
  };
  try {
    return await soak({ start, databaseUrl: `sqlite:${join(folder, 'gateway.db')}`, rounds: ROUNDS });
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
    rmSync(folder, { recursive: true });
  }
}

function toCells(name: string, report: SoakReport): readonly string[] {
  const { creates, refusals, problems, lost, doubled, peakMb, slowestHealthMs, seconds } = report;
  const faults = [...problems, ...lost.map((each) => `lost: ${each}`), ...doubled.map((each) => `doubled: ${each}`)];
  if (faults.length > 0) throw new Error(`${name}:\n${faults.join('\n')}`);
  const figures = [`${peakMb.toFixed(0)} MB`, `${slowestHealthMs.toFixed(0)} ms`, `${seconds.toFixed(0)} s`];
  return [String(creates), String(refusals), ...figures];
}
