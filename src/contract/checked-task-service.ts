import type { NewAccountTask } from './account-task.ts';
import { asRepeatable, badInput, badTaskField, type TaskFailure } from './failure.ts';
import { characterNotInXml, parametersProblem, type XmlChecker } from './parameters.ts';
import type { TaskService } from './task-service.ts';

export interface TaskChecks {
  readonly xmlProblem: XmlChecker;
  /** True if creates are sent as XML, which cannot carry every character. */
  readonly travelsAsXml: boolean;
  /** Why this backend refuses idempotency keys; null if it supports them. */
  readonly keyRefusal: string | null;
  /** True if a create without a key is refused. */
  readonly requiresKey: boolean;
}

const KEY_REQUIRED = 'expected a key of 1 to 255 characters, got none; this gateway refuses creates without one';

const MAX_KEY_LENGTH = 255;
// oxlint-disable-next-line no-control-regex -- this pattern looks for control characters
const CONTROL_CHARACTER = /[\u0000-\u001F\u007F]/;

/**
 * Decorates a task service so that invalid Parameters and idempotency keys are refused before anything is sent or stored.
 * `create` rejects with BAD_USER_INPUT, NOT_SENT for Parameters that do not parse as their ContentType or that the wire cannot
 * carry, and for a key that is too long, contains a control character, is not supported, or is missing but required.
 * `findOutcome` refuses malformed keys too. The failure of an update whose fate is unknown is made retryable.
 */
export function checkedTaskService(inner: TaskService, checks: TaskChecks): TaskService {
  return {
    ...inner,
    create(task, call) {
      const refusal = findCreateRefusal(task, call.idempotencyKey ?? null, checks);
      return refusal ? Promise.reject(refusal) : inner.create(task, call);
    },
    update: (update, call) =>
      inner.update(update, call).catch((error: unknown) => {
        throw asRepeatable(error);
      }),
    findOutcome(idempotencyKey, call) {
      const problem = idempotencyKeyProblem(idempotencyKey);
      return problem ? Promise.reject(badInput('idempotencyKey', problem)) : inner.findOutcome(idempotencyKey, call);
    },
  };
}

/** Returns the failure of a create that must not be sent or stored; null if it may. */
export function findCreateRefusal(
  task: NewAccountTask,
  idempotencyKey: string | null,
  { xmlProblem, travelsAsXml, keyRefusal, requiresKey }: TaskChecks,
): TaskFailure | null {
  const problem = parametersProblem(task.Parameters, task.ContentType, xmlProblem);
  if (problem) return badTaskField('parameters', problem);
  const character = travelsAsXml ? characterNotInXml(task.Parameters) : null;
  if (character) return badTaskField('parameters', `contains ${character}, which XML 1.0 cannot carry`);
  const keyProblem =
    idempotencyKey === null
      ? requiresKey
        ? KEY_REQUIRED
        : null
      : (keyRefusal ?? idempotencyKeyProblem(idempotencyKey));
  return keyProblem ? badInput('idempotencyKey', keyProblem) : null;
}

function idempotencyKeyProblem(key: string): string | null {
  if (key.length < 1 || key.length > MAX_KEY_LENGTH)
    return `expected 1 to ${MAX_KEY_LENGTH} characters, got ${key.length}`;
  return CONTROL_CHARACTER.test(key) || !key.isWellFormed()
    ? 'contains a control character or an unpaired surrogate'
    : null;
}
