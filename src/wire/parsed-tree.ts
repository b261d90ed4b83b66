import type { JsonValue } from '../contract/json-value.ts';

/** A text as a tree, or what is wrong with it in words that repeat nothing of the text. */
export type ParsedTree = { readonly tree: JsonValue } | { readonly problem: string };

/** How deep a body may nest, in objects and arrays or in elements: far beyond the contract, far below the stack. */
export const MAX_DEPTH = 64;
export const TOO_DEEP = `is nested more than ${MAX_DEPTH} deep`;

/** Why a member or element may not have this name; null when it may. */
export function nameProblem(name: string): string | null {
  return name === '__proto__' ? 'holds a value named __proto__, which is refused' : null;
}
