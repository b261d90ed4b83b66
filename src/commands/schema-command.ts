import { type Config, toTables } from '../app/config.ts';
import { createOpenApi } from '../rest/openapi.ts';
import { createSchema, printSubgraph } from '../schema/schema.ts';
import { parseOptions, UsageError } from './arguments.ts';

/** Prints the SDL of the gateway with this configuration, for the checks of a schema registry. */
export function printConfiguredSchema(config: Config): string {
  return printSubgraph(createSchema(toTables(config)));
}

/** Prints the OpenAPI document of the REST face with this configuration. */
export function printOpenApi(args: readonly string[], config: Config): string {
  const { values, positionals } = parseOptions(args, { '3.0': { type: 'boolean', default: false } });
  if (positionals.length > 0) throw new UsageError('"openapi" takes no arguments but --3.0.');
  return JSON.stringify(createOpenApi(toTables(config), values['3.0'] ? '3.0' : '3.1'), null, 2);
}
