import type { Environment } from '../../../src/app/config.ts';
import { examine } from '../../../src/commands/doctor/doctor.ts';
import type { Finding } from '../../../src/commands/doctor/finding.ts';

/** Returns the findings by subject; by default on any free port and with a database in memory. */
export async function examined(env: Environment): Promise<Readonly<Record<string, Finding>>> {
  const findings = await examine({ PORT: '0', DATABASE_URL: 'sqlite::memory:', ...env });
  return Object.fromEntries(findings.map((finding) => [finding.subject, finding]));
}

/** Returns the state of every subject. */
export async function statesOf(env: Environment): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries(Object.entries(await examined(env)).map(([subject, { state }]) => [subject, state]));
}
