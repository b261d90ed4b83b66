import { type TaskService, unsupportedWrites } from '../../src/contract/task-service.ts';

/** Creates a task service of the given methods. It has no tasks, and refuses other writes. */
export function partialTaskService(methods: Partial<TaskService>): TaskService {
  return {
    ...unsupportedWrites('not part of this test'),
    find: async (ids) => ids.map(() => null),
    list: async () => ({ tasks: [], hasNextPage: false }),
    findOutcome: async () => null,
    checks: {},
    close: async () => {},
    ...methods,
  };
}
