import { parseArgs, type ParseArgsConfig } from 'node:util';
import { GUID_FORMS, parseGuid } from '../contract/text-formats.ts';

export const USAGE = `Usage: npm run cli -- COMMAND [--json]
       npx account-task-gateway COMMAND [--json]     where the package is installed

Run the gateway; environment variables configure it
  demo                       seeded store and GraphiQL, for this machine only (npm start)
  serve                      production (npm run serve)

Check it
  doctor                     checks everything that serve needs and changes nothing; exit status 1 if
                             something is broken (npm run doctor)
  explain [WRITE] FILE | - | JSON
                             shows the request that a create with this input, or with these variables,
                             would send to the service, and sends nothing; - reads standard input. WRITE
                             is create, update, run or create-client (npm run explain)
  schema                     prints the GraphQL schema of this configuration as a Federation subgraph,
                             for the checks of a schema registry
  openapi [--3.0]            prints the OpenAPI 3.1 document of the REST contract as this configuration
                             serves it; with --3.0 as OpenAPI 3.0.4

Administer the store in DATABASE_URL
  client create --name NAME [--account GUID]
                             creates an API client, in a new account unless one is given; the secret is
                             shown only once
  client list                lists all clients
  client revoke --id GUID    invalidates a client's secret and tokens at once; its tasks stay
  catalogue add --id GUID --name NAME
                             adds a task that accounts may register; GUID is its TaskID
  catalogue list             lists these tasks
  token --client GUID | --account GUID
                             issues a bearer token, valid for 8 hours, for a client or for the
                             account itself

Settle creates and runs whose outcome is UNKNOWN
  creates list [--unknown]   lists the creates and runs that are in progress, unknown or settled by hand;
                             with --unknown those that wait to be settled
  creates settle (--id ID | --request ID) VERDICT --by NAME
                             records what became of it. VERDICT is --created GUID or --not-created for a
                             create, --ran or --not-ran for a run. Its key then replays the account task
                             GUID or the run, or is free again. --id is the id that the list shows;
                             --request is a requestId with one write to settle; NAME is yours

  --json                     prints the result, or the error, as JSON; not for demo, serve, schema and
                             openapi
  --help                     prints this text`;

/** A command with wrong or missing arguments. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Parses options and positional arguments. @throws UsageError for unknown or incomplete options. */
export function parseOptions<Options extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    // Node's text also advises on values and arguments that begin with a hyphen, which no command takes.
    const [problem = ''] = (error as Error).message.split(/\.?\n|\. To specify/);
    throw new UsageError(`${problem.replace('argument is ambiguous', 'argument missing').replace(/\.$/, '')}.`);
  }
}

/** Returns the value of an option. @throws UsageError if it is missing or empty. */
export function required(option: string, value: string | undefined): string {
  if (!value) throw new UsageError(`--${option} is required.`);
  return value;
}

/** Returns a GUID hyphenated and lower-case. @throws UsageError for any other text. */
export function guid(option: string, value: string): string {
  const parsed = parseGuid(value);
  if (parsed === null) throw new UsageError(`--${option}: expected ${GUID_FORMS}, got "${value}".`);
  return parsed;
}
