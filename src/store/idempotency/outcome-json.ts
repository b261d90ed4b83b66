import { type CreatedAccountTask, readAccountTask } from '../../contract/account-task.ts';
import { type JsonObject, parseJsonKeepingDigits } from '../../contract/json-value.ts';

/** A create's result as text, digits of numbers included. */
export function formatCreated({ accountTask, Identification, Result }: CreatedAccountTask): string {
  return JSON.stringify({ Identification, Result, Detail: accountTask.detail });
}

/** The result that `formatCreated` wrote. */
export function parseCreated(text: string): CreatedAccountTask {
  const { Identification, Result, Detail } = parseJsonKeepingDigits(text) as unknown as Pick<
    CreatedAccountTask,
    'Identification' | 'Result'
  > & { readonly Detail: JsonObject };
  const accountTask = readAccountTask(Detail, 'Detail');
  if ('at' in accountTask) throw new Error(`A stored result cannot be read: ${accountTask.at} ${accountTask.problem}`);
  return { accountTask, Identification, Result, replayed: false };
}
