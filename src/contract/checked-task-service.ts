import type { NewAccountTask } from './account-task.ts';
import { badInput, type TaskFailure } from './failure.ts';
import { characterNotInXml, parametersProblem, type XmlProblem } from './parameters.ts';
import type { CreateCall, TaskService } from './task-service.ts';

export interface TaskChecks {
  readonly xmlProblem: XmlProblem;
  /** True when the request is written as XML, which cannot carry every character. */
  readonly travelsAsXml: boolean;
  /** Why an idempotency key cannot be honoured; null where it can. */
  readonly keyRefusal: string | null;
}

const MAX_KEY_LENGTH = 255;
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL_CHARACTER = /[\u0000-\u001F\u007F]/;

/** A task service that refuses what no backend can honour before anything is sent or stored: Parameters and keys. */
export function checkedTaskService(
  inner: TaskService,
  { xmlProblem, travelsAsXml, keyRefusal }: TaskChecks,
): TaskService {
  const findRefusal = (task: NewAccountTask, { idempotencyKey }: CreateCall): TaskFailure | null => {
    const problem = parametersProblem(task.Parameters, task.ContentType, xmlProblem);
    if (problem) return badInput('parameters', problem);
    const character = travelsAsXml ? characterNotInXml(task.Parameters) : null;
    if (character) return badInput('parameters', `holds ${character}, which XML 1.0 cannot carry`);
    const keyProblem = idempotencyKey == null ? null : (keyRefusal ?? idempotencyKeyProblem(idempotencyKey));
    return keyProblem ? badInput('idempotencyKey', keyProblem) : null;
  };
  return {
    ...inner,
    create(task, call) {
      const refusal = findRefusal(task, call);
      return refusal ? Promise.reject(refusal) : inner.create(task, call);
    },
  };
}

function idempotencyKeyProblem(key: string): string | null {
  if (key.length < 1 || key.length > MAX_KEY_LENGTH)
    return `expected 1 to ${MAX_KEY_LENGTH} characters, not ${key.length}`;
  return CONTROL_CHARACTER.test(key) || !key.isWellFormed() ? 'holds a character that is no text' : null;
}
