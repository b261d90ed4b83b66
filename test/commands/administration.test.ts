import { expect, test } from 'vitest';
import { readCommand } from '../../src/commands/administration.ts';
import { UsageError } from '../../src/commands/arguments.ts';

test.each([
  [['client', 'remove'], '"client remove" is not a command; there are: client create, client list, client revoke.'],
  [['client'], '"client" is not a command; there are: client create, client list, client revoke.'],
  [['restart'], '"restart" is not a command.'],
  [['constructor'], '"constructor" is not a command.'],
  [['client', 'list', '--name', 'a'], '"client list" takes no --name.'],
  [['client', 'create', '--name', '--json'], "Option '--name' argument missing."],
  [['token', '--client', 'x', '--account', 'y'], 'Give --client or --account, not both.'],
  [['client', 'create'], '--name is required.'],
  [['client', 'create', '--name', ''], '--name is required.'],
  [['client', 'create', '--name'], "Option '--name <value>' argument missing"],
  [['client', 'create', '--name', 'a', '--account', '7'], '--account: expected a GUID'],
  [['catalogue', 'add', '--name', 'a'], '--id is required.'],
  [['catalogue', 'add', '--id', 'x', '--name', 'a'], '--id: expected a GUID'],
  [['catalogue', 'add', '--id', '86cb791c-8078-41ae-a045-5dded04c9589'], '--name is required.'],
  [['token'], '--client or --account is required.'],
  [['token', '--client', 'x'], '--client: expected a GUID'],
  [['token', '--colour', 'red'], "Unknown option '--colour'"],
])('%j is refused before any store is opened, with the problem as its message', (args, problem) => {
  expect(() => readCommand(args)).toThrow(UsageError);
  expect(() => readCommand(args)).toThrow(problem);
});
