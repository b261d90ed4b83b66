import { NEWEST_MIGRATION } from '../../store/sql/migrations.ts';
import { broken, type Finding, ok, warning } from './finding.ts';

export interface DatabaseContents {
  readonly tables: number;
  /** The newest migration it has seen; null where it has never seen one. */
  readonly version: number | null;
}

const SUBJECT = 'schema';

/** How the schema of a database stands to the one this program needs. */
export function schemaFinding({ tables, version }: DatabaseContents): Finding {
  if (version === null && tables > 0) {
    return warning(
      SUBJECT,
      `it holds ${count(tables, 'table')} of others`,
      'Give the gateway a database of its own; the start would add its tables to these.',
    );
  }
  if (version === null) return ok(SUBJECT, `empty; the start makes version ${NEWEST_MIGRATION}`);
  if (version > NEWEST_MIGRATION) {
    return broken(
      SUBJECT,
      `version ${version} is newer than this program knows (version ${NEWEST_MIGRATION})`,
      'Run the newer program; migrations only go forward.',
    );
  }
  if (version === NEWEST_MIGRATION) return ok(SUBJECT, `version ${version}, the newest`);
  return ok(SUBJECT, `version ${version}; the start brings it to version ${NEWEST_MIGRATION}`);
}

/** Whether there is anything a caller of the store could do. */
export function storeFinding({ clients, tasks }: { readonly clients: number; readonly tasks: number }): Finding {
  const fact = `${count(clients, 'client')}, ${count(tasks, 'task')} in the catalogue`;
  if (clients > 0 && tasks > 0) return ok('store', fact);
  const command = clients === 0 ? 'client create --name NAME' : 'catalogue add --id GUID --name NAME';
  return warning('store', `${fact}: nothing can be created yet`, `npm run cli -- ${command}`);
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
