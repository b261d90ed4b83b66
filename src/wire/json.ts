/** Writes and reads the contract's documents in JSON. */
import type { NewAccountTask } from '../contract/account-task.ts';
import type { EnumTable, EnumTables } from '../contract/enums.ts';
import { isJsonObject, type JsonObject, type JsonValue, parseJsonKeepingDigits } from '../contract/json-value.ts';
import { type AnswerEnvelope, detailInOrder } from './answer-envelope.ts';
import { MAX_DEPTH, nameProblem, type ParsedTree, TOO_DEEP } from './parsed-tree.ts';
import { jsonSizeProblem } from './value-count.ts';

/** Encodes an AccountTaskRequest. Missing fields are left out, because the service refuses null for a type that is not nullable. */
export function encodeJsonRequest(task: NewAccountTask, { frequencies, notifications }: EnumTables): string {
  return JSON.stringify({
    TaskID: task.TaskID,
    Frequency: numberOrName(frequencies, task.Frequency),
    StartDate: task.StartDate ?? undefined,
    FinishDate: task.FinishDate ?? undefined,
    Parameters: task.Parameters,
    ContentType: task.ContentType,
    Notification: task.Notification === null ? undefined : numberOrName(notifications, task.Notification),
  });
}

/** Encodes the envelope, nulls included. */
export function encodeJsonAnswer({ Error: error, ResponseData: data }: AnswerEnvelope): string {
  return JSON.stringify({
    Error: error && { ErrorCode: error.ErrorCode, ErrorReason: error.ErrorReason },
    ResponseData: data && {
      Identification: data.Identification && { UserId: data.Identification.UserId },
      Result: data.Result,
      Detail: data.Detail && detailInOrder(data.Detail),
    },
  });
}

/** Parses JSON within the limits of this room. A number that a double would print differently becomes a `RawNumber`. */
export function parseJson(text: string): ParsedTree {
  const sizeProblem = jsonSizeProblem(text);
  if (sizeProblem) return { problem: sizeProblem };
  let tree: JsonValue;
  try {
    tree = JSON.parse(text) as JsonValue;
  } catch (error) {
    return { problem: syntaxProblem(text, error as SyntaxError) };
  }
  const seen = { hasNumber: false };
  const problem = treeProblem(tree, 1, seen);
  if (problem) return { problem };
  return { tree: seen.hasNumber ? parseJsonKeepingDigits(text) : tree };
}

/** Parses a request like `parseJson`, with names that differ only in case in the order of their last occurrence. */
export function parseJsonRequest(text: string): ParsedTree {
  const parsed = parseJson(text);
  if ('problem' in parsed || !isJsonObject(parsed.tree)) return parsed;
  const { tree } = parsed;
  const names = Object.keys(tree);
  if (new Set(names.map((name) => name.toLowerCase())).size === names.length) return parsed;
  return { tree: Object.fromEntries(namesByLastOccurrence(text).map((name) => [name, tree[name]])) };
}

function treeProblem(value: JsonValue, depth: number, seen: { hasNumber: boolean }): string | null {
  if (typeof value === 'number') seen.hasNumber = true;
  if (typeof value !== 'object' || value === null) return null;
  if (depth > MAX_DEPTH) return TOO_DEEP;
  if (Array.isArray(value)) {
    for (const item of value as readonly JsonValue[]) {
      const problem = treeProblem(item, depth + 1, seen);
      if (problem) return problem;
    }
    return null;
  }
  const members = value as JsonObject;
  for (const name in members) {
    const problem = nameProblem(name) ?? treeProblem(members[name] ?? null, depth + 1, seen);
    if (problem) return problem;
  }
  return null;
}

/** Takes only the position from the engine's message, because the rest of it quotes the text. */
function syntaxProblem(text: string, { message }: SyntaxError): string {
  if (!/^[\t\n\r ]*[{[]/.test(text)) return 'is neither JSON nor XML';
  const [, position] = /at position (\d+)/.exec(message) ?? [];
  return `is not JSON${position ? `: syntax error at character ${position}` : ''}`;
}

function numberOrName(table: EnumTable, name: string): number | string {
  return table.find((member) => member.name === name)?.number ?? name;
}

/**
 * The member names of a JSON object in the order of their last occurrence. `JSON.parse` loses this order: it leaves a repeated
 * member in its first place. `text` is a valid JSON object.
 */
function namesByLastOccurrence(text: string): readonly string[] {
  const names = new Set<string>();
  let depth = 0;
  let isNameNext = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] as string;
    if (character === '"') {
      const start = at;
      at = endOfString(text, start);
      if (depth === 1 && isNameNext) {
        const name = JSON.parse(text.slice(start, at + 1)) as string;
        names.delete(name);
        names.add(name);
      }
    } else if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') depth -= 1;
    if (/[{,:]/.test(character)) isNameNext = character !== ':';
  }
  return [...names];
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}
