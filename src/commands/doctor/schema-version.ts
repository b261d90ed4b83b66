import { NEWEST_MIGRATION } from '../../store/sql/migrations.ts';
import { broken, type Finding, ok, warning } from './finding.ts';

export interface DatabaseContents {
  readonly tables: number;
  /** The newest migration that ran on it; null if none did. */
  readonly version: number | null;
}

const SUBJECT = 'schema';

/** Compares the schema of a database with the one that this program needs. */
export function schemaFinding({ tables, version }: DatabaseContents): Finding {
  if (version === null && tables > 0) {
    return warning(
      SUBJECT,
      `contains ${count(tables, 'table')} of other programs`,
      'Give the gateway a database of its own; at startup it would add its tables to these.',
    );
  }
  if (version === null) return ok(SUBJECT, `empty; the gateway creates version ${NEWEST_MIGRATION} at startup`);
  if (version > NEWEST_MIGRATION) {
    return broken(
      SUBJECT,
      `version ${version} is newer than this program supports (version ${NEWEST_MIGRATION})`,
      'Run the newer version of the gateway; migrations only go forward.',
    );
  }
  if (version === NEWEST_MIGRATION) return ok(SUBJECT, `version ${version}, up to date`);
  return ok(SUBJECT, `version ${version}; the gateway migrates it to version ${NEWEST_MIGRATION} at startup`);
}

/** Checks that callers of the store can create anything. */
export function storeFinding({ clients, tasks }: { readonly clients: number; readonly tasks: number }): Finding {
  const fact = `${count(clients, 'client')}, ${count(tasks, 'task')} in the catalogue`;
  if (clients > 0 && tasks > 0) return ok('store', fact);
  const command = clients === 0 ? 'client create --name NAME' : 'catalogue add --id GUID --name NAME';
  return warning('store', `${fact}: nothing can be created yet`, `Run: npm run cli -- ${command}`);
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
