/** Writes and reads the contract's documents in JSON, and says what XML and JSON have in common: the envelope, the tree and its limits. */
import type { DetailKind } from '../contract/account-task.ts';
import type { EnumTables } from '../contract/enums.ts';
import { type JsonObject, type JsonValue, parseJsonKeepingDigits, syntaxErrorPlace } from '../contract/json-value.ts';
import { type AnswerModel, BODY_FIELDS, type BodyModel, type RequestBody } from '../contract/operations.ts';

/** An answer's envelope as this gateway writes it on its REST endpoint. */
export interface AnswerEnvelope {
  readonly Error: { readonly ErrorCode: string | null; readonly ErrorReason: string | null } | null;
  readonly ResponseData: {
    readonly Identification: { readonly UserId: string | null } | null;
    readonly Result: string | null;
    readonly Detail: JsonObject | null;
  } | null;
}

/** The members of each model as null, in the contract's order. */
const nulls = new WeakMap<AnswerModel, JsonObject>();

/** Returns a Detail with the known members first, in the contract's order and null if missing, then the unknown members. */
export function detailInOrder(
  detail: JsonObject,
  model: AnswerModel,
  toMember: (kind: DetailKind, value: JsonValue) => JsonValue = (_, value) => value,
): Record<string, JsonValue | undefined> {
  const ordered: Record<string, JsonValue | undefined> = { ...nullsOf(model) };
  for (const name of Object.keys(detail)) {
    const value = detail[name];
    const kind = Object.hasOwn(model.detail, name) ? model.detail[name] : undefined;
    ordered[name] = kind === undefined ? value : toMember(kind, value ?? null);
  }
  return ordered;
}

function nullsOf(model: AnswerModel): JsonObject {
  const known = nulls.get(model) ?? Object.fromEntries(Object.keys(model.detail).map((name) => [name, null]));
  nulls.set(model, known);
  return known;
}

/** A parsed text, or what is wrong with it. The problem never quotes the text, because it may reach the log. */
export type ParsedTree = { readonly tree: JsonValue } | { readonly problem: string };

/** The deepest nesting of objects and arrays, or of elements: far more than the contract needs, far less than the stack allows. */
export const MAX_DEPTH = 64;
export const TOO_DEEP = `is nested more than ${MAX_DEPTH} levels deep`;

/** Returns why a member, element or attribute must not have this name; null if it may. */
export function nameProblem(name: string): string | null {
  return name === '__proto__' ? 'contains the name __proto__, which is not accepted' : null;
}

/** The maximum number of values, or of elements and attributes, in a body. So many are read within milliseconds. */
export const MAX_VALUES = 10_000;
export const TOO_MANY_VALUES = `contains more than ${MAX_VALUES} values`;
/** The longest name of a JSON member, in characters. */
const MAX_NAME_LENGTH = 1_000;
export const TOO_LONG_NAME = `contains a name of more than ${MAX_NAME_LENGTH} characters`;

/** Encodes a request's body, with the number of an enum member if it is known. */
export function encodeJsonRequest({ jsonOrder }: BodyModel, body: RequestBody, tables: EnumTables): string {
  const members: Record<string, string | number | boolean> = {};
  for (const field of jsonOrder) {
    const value = body[field];
    // Left out, because the service refuses null for a type that is not nullable.
    if (value === null || value === undefined) continue;
    const { kind } = BODY_FIELDS[field];
    const table = kind === 'frequencies' || kind === 'notifications' ? tables[kind] : null;
    members[field] = table?.find(({ name }) => name === value)?.number ?? value;
  }
  return JSON.stringify(members);
}

/** Encodes the envelope, nulls included. */
export function encodeJsonAnswer(model: AnswerModel, { Error: error, ResponseData: data }: AnswerEnvelope): string {
  return JSON.stringify({
    Error: error && { ErrorCode: error.ErrorCode, ErrorReason: error.ErrorReason },
    ResponseData: data && {
      Identification: data.Identification && { UserId: data.Identification.UserId },
      Result: data.Result,
      Detail: data.Detail && detailInOrder(data.Detail, model),
    },
  });
}

/**
 * Matches every number that a double could print differently: -0, a fraction, an exponent, 16 digits. It also matches some that
 * it would not, and texts that look like one; they only cost the second parse.
 */
const UNUSUAL_NUMBER = /(?:^|[[,]|"[\t\n\r ]*:)[\t\n\r ]*(?:-0|-?\d+[.eE]|-?\d{16})/;

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
  return { tree: seen.hasNumber && UNUSUAL_NUMBER.test(text) ? parseJsonKeepingDigits(text) : tree };
}

function treeProblem(value: JsonValue, depth: number, seen: { hasNumber: boolean }): string | null {
  if (typeof value === 'number') seen.hasNumber = true;
  if (typeof value !== 'object' || value === null) return null;
  if (depth > MAX_DEPTH) return TOO_DEEP;
  const members = value as JsonObject;
  for (const name in members) {
    const problem = nameProblem(name) ?? treeProblem(members[name] ?? null, depth + 1, seen);
    if (problem) return problem;
  }
  return null;
}

function syntaxProblem(text: string, error: SyntaxError): string {
  if (!/^[\t\n\r ]*[{[]/.test(text)) return 'is neither JSON nor XML';
  return `is not JSON${syntaxErrorPlace(error)}`;
}

const QUOTE = '"'.charCodeAt(0);
const BACKSLASH = '\\'.charCodeAt(0);
const COLON = ':'.charCodeAt(0);
const COMMA = ','.charCodeAt(0);
const OPEN_BRACKET = '['.charCodeAt(0);
const OPEN_BRACE = '{'.charCodeAt(0);

/**
 * Returns why a JSON text has too many values or too long a name to be parsed; null if it has not. Counts without parsing,
 * because the parser's work is what this limits.
 */
function jsonSizeProblem(text: string): string | null {
  if (text.length <= MAX_VALUES) return null;
  let values = 0;
  let stringLength = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at + 1);
      stringLength = end - at;
      at = end;
    } else if (code === COLON || code === COMMA || code === OPEN_BRACKET || code === OPEN_BRACE) {
      if (code === COLON && stringLength > MAX_NAME_LENGTH) return TOO_LONG_NAME;
      values += 1;
      if (values > MAX_VALUES) return TOO_MANY_VALUES;
    }
  }
  return null;
}

/** The index of the quote that ends a string; the length of the text if there is no such quote. */
function endOfString(text: string, start: number): number {
  let at = start;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}
