import { onTestFinished } from 'vitest';
import type { NewAccountTask } from '../../src/contract/account-task.ts';
import { DEFAULT_FREQUENCIES, DEFAULT_NOTIFICATIONS } from '../../src/contract/enums.ts';
import type { Call, TaskService } from '../../src/contract/task-service.ts';
import type { UpstreamClientOptions } from '../../src/upstream/client.ts';
import {
  createUpstreamTaskService,
  type UpstreamTaskServiceOptions,
} from '../../src/upstream/upstream-task-service.ts';
import { openClient } from './upstream-client.ts';

const TABLES = { frequencies: DEFAULT_FREQUENCIES, notifications: DEFAULT_NOTIFICATIONS };

export const SAMPLE_TASK: NewAccountTask = {
  TaskID: '86cb791c-8078-41ae-a045-5dded04c9589',
  Frequency: 'NONE',
  StartDate: '2026-02-22T04:10:00.9543747+00:00',
  FinishDate: null,
  Parameters: '{"note":"héllo 😀"}',
  ContentType: 'application/json',
  Notification: 'NONE',
};

export const CALL = {
  caller: { kind: 'forwarded', authorization: 'Bearer abc.def-123' },
  requestId: '0d0e5f5a-6a80-4b9d-9ae1-7a3f5b0d9f10',
} as const satisfies Call;

export const FORMATS = ['json', 'xml'] as const;

/** Opens the task service of the upstream backend, and closes it at the end of the test. */
export function openTaskService(
  baseUrl: URL,
  options: Partial<UpstreamTaskServiceOptions & UpstreamClientOptions> = {},
): TaskService {
  const client = openClient(baseUrl, { maxAnswerBytes: 65_536, connectRetries: 3, ...options });
  const service = createUpstreamTaskService({
    client,
    format: 'json',
    tables: TABLES,
    checksTaskId: true,
    ...options,
  });
  onTestFinished(() => service.close());
  return service;
}
