import { administer } from '../../src/commands/administration.ts';

/** Runs a command on the database in this process and returns its output. @throws Error with the reason of a refusal. */
export async function commandOutput(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  return (await Array.fromAsync(administer(args, env))).join('');
}
