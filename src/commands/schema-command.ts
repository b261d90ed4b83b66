import { type Config, toTables } from '../app/config.ts';
import { createSchema, printSubgraph } from '../schema/schema.ts';

/** Prints the SDL of the gateway with this configuration, for the checks of a schema registry. */
export function printConfiguredSchema(config: Config): string {
  return printSubgraph(createSchema(toTables(config)));
}
