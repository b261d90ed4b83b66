import { Buffer } from 'node:buffer';
import type { ServerResponse } from 'node:http';
import { isLargeRest } from './dropped-bodies.ts';

/** The headers of an answer in JSON: no cache may store it, and no browser may take it for a page or a script. */
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

/** Sends an HTTP error in GraphQL's shape. Its outcome is NOT_SENT unless `facts` say otherwise. */
export function sendError(
  response: ServerResponse,
  status: number,
  message: string,
  facts: ErrorFacts,
  headers: Readonly<Record<string, string>> = {},
): void {
  sendText(response, status, { ...JSON_HEADERS, ...headers }, errorBody(message, facts));
}

/** Returns the body of an error. If the outcome is UNKNOWN, the operation may have run, so the body has a `data` member. */
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
  text: string | Buffer,
): void {
  if (isLargeRest(response.req)) response.shouldKeepAlive = false;
  for (const name in headers) response.setHeader(name, headers[name] ?? '');
  const length = Buffer.byteLength(text);
  response.setHeader('Content-Length', length);
  // An ASCII text has as many bytes as characters, and is cheaper to write as Latin-1.
  response.writeHead(status).end(text, length === text.length ? 'latin1' : 'utf8');
}
