import { onTestFinished } from 'vitest';
import type { Environment } from '../../src/app/config.ts';
import { type AccountTask, readAccountTask } from '../../src/contract/account-task.ts';
import { TaskFailure } from '../../src/contract/failure.ts';
import type { Log } from '../../src/telemetry/log.ts';
import { SAMPLE_DETAIL } from '../support/contract-samples.ts';
import { type RunningGateway, SAMPLE_INPUT, startGateway } from '../support/running-gateway.ts';
import { partialTaskService } from '../support/partial-task-service.ts';

/** An input whose parameters name the outcome of its create. */
export const inputThat = (outcome: keyof typeof OUTCOMES) => ({ ...SAMPLE_INPUT, parameters: JSON.stringify(outcome) });

const OUTCOMES = {
  succeeds: (task: AccountTask) => task,
  'is refused': () => {
    throw new TaskFailure({ code: 'TASK_REJECTED', outcome: 'REJECTED' }, 'No.');
  },
  'has an unknown outcome': () => {
    throw new TaskFailure({ code: 'UPSTREAM_TIMEOUT', outcome: 'UNKNOWN' }, 'Too slow.');
  },
  'meets a defect': () => {
    throw new Error('a defect');
  },
  /** A nullable field of the answer fails. */
  'has an odd date': (task: AccountTask) => ({ ...task, fields: { ...task.fields, StartDate: 5 as never } }),
  /** A non-null field of the answer fails. */
  'has no taskId': (task: AccountTask) => ({ ...task, TaskID: null as never }),
} as const satisfies Record<string, (task: AccountTask) => AccountTask>;

export interface ScriptedGateway extends RunningGateway {
  /** The warnings and errors of the log. */
  readonly logged: readonly { readonly facts: object; readonly sentence: string }[];
  /** The IDs of all tasks that were created, in order. */
  readonly ids: readonly string[];
}

/** Starts a gateway whose creates end as their inputs say. It stops after the test. */
export async function startScriptedGateway(env: Environment = {}): Promise<ScriptedGateway> {
  const ids: string[] = [];
  const logged: { facts: object; sentence: string }[] = [];
  const note = (facts: object, sentence: string): void => void logged.push({ facts, sentence });
  const log: Log = { debug: () => undefined, info: () => undefined, warn: note, error: note };
  const tasks = partialTaskService({
    create: async ({ Parameters }) => {
      const end = OUTCOMES[JSON.parse(Parameters) as keyof typeof OUTCOMES];
      const id = `00000000-0000-4000-8000-${String(ids.length).padStart(12, '0')}`;
      const accountTask = end(readAccountTask({ ...SAMPLE_DETAIL, ID: id }, 'Detail') as AccountTask);
      ids.push(id);
      return { accountTask, Identification: null, Result: null, replayed: false };
    },
  });
  const gateway = await startGateway(
    () => ({
      tasks,
      authenticate: (authorization) => ({ kind: 'forwarded', authorization: authorization ?? '' }),
      issueToken: null,
      batchConcurrency: 4,
    }),
    { log, env },
  );
  onTestFinished(() => gateway.close());
  return { ...gateway, logged, ids };
}
