import { Buffer } from 'node:buffer';
import type { ServerResponse } from 'node:http';
import { isLargeRest } from './dropped-bodies.ts';

/** The headers of an answer in JSON: no cache stores it, and no browser takes it for a page or a script. */
export const JSON_HEADERS: Readonly<Record<string, string>> = {
  'Content-Type': 'application/json; charset=utf-8',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
};

export interface ErrorFacts {
  readonly code: string;
  readonly requestId: string;
  readonly outcome?: 'UNKNOWN';
  readonly retryable?: boolean;
}

/** An error of HTTP itself, in GraphQL's shape: nothing ran, nothing was sent, unless it is said otherwise. */
export function sendError(
  response: ServerResponse,
  status: number,
  message: string,
  facts: ErrorFacts,
  headers: Readonly<Record<string, string>> = {},
): void {
  sendText(response, status, { ...JSON_HEADERS, ...headers }, errorBody(message, facts));
}

/** Where the outcome is unknown an operation may have run, and the answer has the `data` of one that did. */
export function errorBody(message: string, facts: ErrorFacts): string {
  const errors = [{ message, extensions: { outcome: 'NOT_SENT', retryable: false, ...facts } }];
  return JSON.stringify(facts.outcome === 'UNKNOWN' ? { errors, data: null } : { errors });
}

export function sendJson(response: ServerResponse, status: number, value: object): void {
  sendText(response, status, JSON_HEADERS, JSON.stringify(value));
}

export function sendText(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  text: string,
): void {
  if (isLargeRest(response.req)) response.shouldKeepAlive = false;
  for (const name in headers) response.setHeader(name, headers[name] ?? '');
  const length = Buffer.byteLength(text);
  response.setHeader('Content-Length', length);
  // As many bytes as characters: a text in ASCII, which is cheaper to write as Latin-1 and the same.
  response.writeHead(status).end(text, length === text.length ? 'latin1' : 'utf8');
}
