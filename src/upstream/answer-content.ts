import type { DetailFields } from '../contract/account-task.ts';
import type { AnswerBody } from '../contract/envelope.ts';
import { TaskFailure } from '../contract/failure.ts';
import { isJsonObject, type JsonObject, jsonMember } from '../contract/json-value.ts';
import type { AnswerModel } from '../contract/operations.ts';

/*
 * The content of an answer beyond its meaning: its encoding, whether it belongs to its request, and whether it drifts from the
 * contract. What a status and an envelope mean (201, 401, 429, …) is decided by `interpretAnswer` in contract/envelope.ts.
 */

/** The members of a request that its answer should repeat. */
export type Sent = Partial<Readonly<Record<(typeof NAMING)[number] | (typeof ECHOED)[number], string>>>;

const NAMING = ['ID', 'TaskID', 'Name'] as const;
const ECHOED = ['Parameters', 'ContentType'] as const;

/**
 * Returns a failure if the answer shows another task or client than the request, and null if they agree.
 * That the service repeats IDs and names is this project's assumption, so the check can be turned off.
 */
export function findMismatch(
  sent: Sent,
  shown: Pick<DetailFields, (typeof NAMING)[number]>,
  unknownFate: string,
): TaskFailure | null {
  const other = NAMING.find((member) => isOther(shown[member], sent[member]));
  if (!other) return null;
  return new TaskFailure(
    'UPSTREAM_UNREADABLE',
    `The service's answer names ${other === 'ID' ? 'an' : 'a'} ${other} other than the one that was sent, so it may belong to ` +
      `another request; ${unknownFate}. UPSTREAM_CHECK_TASK_ID=off turns this check off.`,
  );
}

/** The fields with the caller's own text that the answer should repeat unchanged, but does not. */
export function changedFields(sent: Sent, fields: DetailFields): readonly (typeof ECHOED)[number][] {
  return ECHOED.filter((field) => isOther(fields[field], sent[field]));
}

function isOther(received: string | null | undefined, sent: string | undefined): boolean {
  return received !== null && received !== undefined && sent !== undefined && received !== sent;
}

type Names = ReadonlySet<string>;

const ENVELOPE = toNames(['Error', 'ResponseData']);
const ERROR = toNames(['ErrorCode', 'ErrorReason']);
const RESPONSE_DATA = toNames(['Identification', 'Result', 'Detail']);
const IDENTIFICATION = toNames(['UserId']);
const details = new WeakMap<AnswerModel, Names>();

/** The paths (`ResponseData.Detail.Colour`) of an envelope's members that are not in the contract; empty for any other answer. */
export function unknownMembers(body: AnswerBody, model: AnswerModel): readonly string[] {
  if (body.kind !== 'tree' || !isJsonObject(body.tree)) return [];
  const error = jsonMember(body.tree, 'Error');
  const data = jsonMember(body.tree, 'ResponseData');
  if (error === undefined && data === undefined) return [];
  const unknown: string[] = [];
  collect(body.tree, ENVELOPE, '', unknown);
  if (isJsonObject(error)) collect(error, ERROR, 'Error.', unknown);
  if (!isJsonObject(data)) return unknown;
  collect(data, RESPONSE_DATA, 'ResponseData.', unknown);
  const identification = jsonMember(data, 'Identification');
  if (isJsonObject(identification)) collect(identification, IDENTIFICATION, 'ResponseData.Identification.', unknown);
  const detail = jsonMember(data, 'Detail');
  if (isJsonObject(detail)) collect(detail, detailNames(model), 'ResponseData.Detail.', unknown);
  return unknown;
}

function collect(object: JsonObject, names: Names, path: string, unknown: string[]): void {
  for (const name in object) {
    // Names are matched in any case, as they are when an answer is read.
    if (!names.has(name) && !names.has(name.toLowerCase())) unknown.push(path + name);
  }
}

function detailNames(model: AnswerModel): Names {
  const names = details.get(model) ?? toNames(Object.keys(model.detail));
  details.set(model, names);
  return names;
}

/** The names in the contract's own case, for speed, and in lower case. */
function toNames(names: readonly string[]): Names {
  return new Set([...names, ...names.map((name) => name.toLowerCase())]);
}
