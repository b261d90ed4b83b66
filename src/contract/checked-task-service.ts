import type { NewAccountTask } from './account-task.ts';
import { asRepeatable, badInput, badInputMember, type TaskFailure } from './failure.ts';
import { BODY_FIELDS, OPERATIONS } from './operations.ts';
import { characterNotInXml, parametersProblem, type XmlChecker } from './text-formats.ts';
import { decorateWrites, type TaskService, type WriteInput, type WriteName } from './task-service.ts';

export interface TaskChecks {
  readonly xmlProblem: XmlChecker;
  /** True if writes are sent as XML, which cannot carry every character. */
  readonly travelsAsXml: boolean;
  /** Why this backend refuses idempotency keys; null if it supports them. */
  readonly keyRefusal: string | null;
  /** True if a create or a run without a key is refused. */
  readonly requiresKey: boolean;
  /** 1 unless given. */
  readonly minSecretLength?: number;
}

const KEY_REQUIRED =
  'expected a key of 1 to 255 characters, got none; this gateway refuses creates and runs without one';

const MAX_KEY_LENGTH = 255;
// oxlint-disable-next-line no-control-regex -- this pattern looks for control characters
const CONTROL_CHARACTER = /[\u0000-\u001F\u007F]/;

/**
 * Decorates a task service so that invalid inputs and idempotency keys are refused before anything is sent or stored.
 * A write rejects with BAD_USER_INPUT, NOT_SENT for Parameters that do not parse as their ContentType, for a name or secret of a
 * client of a wrong length, for a text that the wire cannot carry, and for a key that is too long, contains a control character,
 * is not supported, or is missing but required.
 * `findOutcome` refuses malformed keys too. The failure of an update whose fate is unknown is made retryable.
 */
export function checkedTaskService(inner: TaskService, checks: TaskChecks): TaskService {
  const writes = decorateWrites(inner, (write, name) => async (input, call) => {
    const refusal = findRefusal(name, input as WriteInput<WriteName>, call.idempotencyKey ?? null, checks);
    if (refusal) throw refusal;
    return write(input, call);
  });
  return {
    ...inner,
    ...writes,
    update: (update, call) =>
      writes.update(update, call).catch((error: unknown) => {
        throw asRepeatable(error);
      }),
    async findOutcome(idempotencyKey, call) {
      const problem = idempotencyKeyProblem(idempotencyKey);
      if (problem) throw badInput('idempotencyKey', problem);
      return inner.findOutcome(idempotencyKey, call);
    },
  };
}

/** Returns the first reason why a write must not be sent or stored; null if it may be. */
function findRefusal<Name extends WriteName>(
  name: Name,
  input: WriteInput<Name>,
  idempotencyKey: string | null,
  checks: TaskChecks,
): TaskFailure | null {
  const refusal = INPUT_REFUSALS[name](input, checks);
  if (refusal || !OPERATIONS[name].hasKey) return refusal;
  const problem = keyProblem(idempotencyKey, checks);
  return problem === null ? null : badInput('idempotencyKey', problem);
}

const INPUT_REFUSALS: {
  readonly [Name in WriteName]: (input: WriteInput<Name>, checks: TaskChecks) => TaskFailure | null;
} = {
  create: taskRefusal,
  update: ({ task }, checks) => taskRefusal(task, checks),
  run: () => null,
  createClient: ({ Name, Secret }, { travelsAsXml, minSecretLength = 1 }) =>
    textRefusal('name', Name, 1, BODY_FIELDS.Name.maxLength, travelsAsXml) ??
    textRefusal('secret', Secret, minSecretLength, BODY_FIELDS.Secret.maxLength, travelsAsXml),
};

function taskRefusal(
  { Parameters, ContentType }: NewAccountTask,
  { xmlProblem, travelsAsXml }: TaskChecks,
): TaskFailure | null {
  const problem =
    parametersProblem(Parameters, ContentType, xmlProblem) ?? (travelsAsXml ? xmlTextProblem(Parameters) : null);
  return problem === null ? null : badInputMember('parameters', problem);
}

function textRefusal(
  member: 'name' | 'secret',
  text: string | null,
  minLength: number,
  maxLength: number,
  travelsAsXml: boolean,
): TaskFailure | null {
  if (text === null) return null;
  if (text.trim() === '' || text.length < minLength || text.length > maxLength) {
    const expected = `expected ${minLength} to ${maxLength} characters, not only blanks`;
    return badInputMember(member, `${expected}, got ${text.length}`);
  }
  if (!text.isWellFormed())
    return badInputMember(member, 'contains an unpaired surrogate, which no encoding can carry');
  const problem = travelsAsXml ? xmlTextProblem(text) : null;
  return problem === null ? null : badInputMember(member, problem);
}

function xmlTextProblem(text: string): string | null {
  const character = characterNotInXml(text);
  return character && `contains ${character}, which XML 1.0 cannot carry`;
}

function keyProblem(key: string | null, checks: TaskChecks): string | null {
  if (key === null) return checks.requiresKey ? KEY_REQUIRED : null;
  return checks.keyRefusal ?? idempotencyKeyProblem(key);
}

function idempotencyKeyProblem(key: string): string | null {
  if (key.length < 1 || key.length > MAX_KEY_LENGTH)
    return `expected 1 to ${MAX_KEY_LENGTH} characters, got ${key.length}`;
  return CONTROL_CHARACTER.test(key) || !key.isWellFormed()
    ? 'contains a control character or an unpaired surrogate'
    : null;
}
