/** The result that the JSON parser (json.ts) and the XML parser (xml.ts) share, and the limits that both enforce. */
import type { JsonValue } from '../contract/json-value.ts';

/** A parsed text, or what is wrong with it. The problem never quotes the text, because it may reach the log. */
export type ParsedTree = { readonly tree: JsonValue } | { readonly problem: string };

/** The deepest nesting of objects and arrays, or of elements: far more than the contract needs, far less than the stack allows. */
export const MAX_DEPTH = 64;
export const TOO_DEEP = `is nested more than ${MAX_DEPTH} levels deep`;

/** Returns why a member, element or attribute must not have this name; null if it may. */
export function nameProblem(name: string): string | null {
  return name === '__proto__' ? 'contains the name __proto__, which is not accepted' : null;
}
