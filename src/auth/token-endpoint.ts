import { parseGuid } from '../contract/text-formats.ts';
import { type Answer, type Handler, JSON_HEADERS, jsonAnswer } from '../http/answer.ts';
import type { Sender } from '../http/client-address.ts';
import type { Log } from '../telemetry/log.ts';
import { readTokenRequest, type TokenRequest, type TokenRequestError, usesBasic } from './token-request.ts';

/** Issues a token to a client; resolves with null if the secret is wrong. */
export type IssueToken = (
  clientId: string,
  clientSecret: string,
) => Promise<{ readonly token: string; readonly expiresInSeconds: number } | null>;

export interface TokenEndpointOptions {
  /** May be expensive; few calls run at the same time. */
  readonly issueToken: IssueToken;
  /** Returns the address for which a failed attempt is counted. */
  readonly toAddress: (sender: Sender) => string;
  readonly log: Log;
  /** Called for each request that is refused because of failed or waiting attempts, or its number of parameters. */
  readonly onRefused?: (limit: 'token_attempts' | 'form_fields') => void;
  /** A monotonic clock in milliseconds, for counting failed attempts. */
  readonly now?: () => number;
}

type Issued = Awaited<ReturnType<IssueToken>>;
interface Caller {
  readonly address: string;
  readonly requestId: string;
}

const MAX_BODY_BYTES = 8192;
const FAILURES = { windowMs: 300_000, maxKeys: 10_000 } as const;
/** Per client and address, so that others cannot lock a client out. */
const MAX_FAILURES = 10;
/** Per address, which several clients may share. */
const MAX_FAILURES_PER_ADDRESS = 30;
/** Per client from all addresses; beyond it, each address has fewer attempts. */
const MAX_FAILURES_PER_CLIENT = 100;
/** More than VERIFICATIONS.maxRunning, since an attempt counts as failed until it succeeds. */
const MAX_FAILURES_UNDER_ATTACK = 3;
/** One verification takes 16 MB and tens of milliseconds of one of Node's four worker threads. */
const VERIFICATIONS = { maxRunning: 2, maxWaiting: 32 } as const;
/** OAuth requires both headers against caching. */
const TOKEN_HEADERS = { ...JSON_HEADERS, Pragma: 'no-cache' } as const;
const CHALLENGE = { 'WWW-Authenticate': 'Basic realm="account-task-gateway", charset="UTF-8"' } as const;

/** Creates OAuth's token endpoint for client credentials. Wrong secrets are counted by client and address. */
export function createTokenEndpoint({
  issueToken,
  toAddress,
  log,
  onRefused,
  now = () => performance.now(),
}: TokenEndpointOptions): Handler {
  const clientFailures = createFailedAttempts({ ...FAILURES, maxAttempts: MAX_FAILURES_PER_CLIENT, now });
  const pairFailures = createFailedAttempts({ ...FAILURES, maxAttempts: MAX_FAILURES, now });
  const addressFailures = createFailedAttempts({ ...FAILURES, maxAttempts: MAX_FAILURES_PER_ADDRESS, now });
  const queue = createWorkQueue(VERIFICATIONS);

  const verify = async ({ clientId, clientSecret }: TokenRequest, { address, requestId }: Caller) => {
    const client = parseGuid(clientId) ?? '';
    const pair = `${client} ${address}`;
    const limit = clientFailures.waitMs(client) > 0 ? MAX_FAILURES_UNDER_ATTACK : MAX_FAILURES;
    const waitMs = Math.max(pairFailures.waitMs(pair, limit), addressFailures.waitMs(address));
    if (waitMs > 0) {
      log.warn({ requestId, client, address }, 'token request refused after too many failed attempts');
      return { waitMs };
    }
    const undoCounts = [clientFailures.count(client), pairFailures.count(pair), addressFailures.count(address)];
    let issued: Issued | undefined;
    try {
      issued = await issueToken(clientId, clientSecret);
    } finally {
      if (issued !== null) for (const undo of undoCounts) undo();
    }
    if (issued === null) log.warn({ requestId, client, address }, 'token request with wrong credentials');
    return { issued };
  };

  return async (request, { requestId }) => {
    if (request.method !== 'POST')
      return refuse(405, 'invalid_request', 'Use POST to request a token.', { Allow: 'POST' });
    const body = await request.readBody(MAX_BODY_BYTES);
    if (body === null) return refuse(413, 'invalid_request', `The body is larger than ${MAX_BODY_BYTES} bytes.`);
    const tokenRequest = readTokenRequest(request.headers, body);
    const refuseClient = (description: string): Answer =>
      usesBasic(request.headers)
        ? refuse(401, 'invalid_client', description, CHALLENGE)
        : refuse(400, 'invalid_client', description);
    if ('error' in tokenRequest) {
      if (tokenRequest.limit) onRefused?.(tokenRequest.limit);
      return tokenRequest.error === 'invalid_client'
        ? refuseClient(tokenRequest.description)
        : refuse(400, tokenRequest.error, tokenRequest.description);
    }
    const address = toAddress(request);
    const verified = await queue(() => verify(tokenRequest, { address, requestId }));
    if (verified === null || verified.waitMs !== undefined) onRefused?.('token_attempts');
    if (verified === null) return refuseTemporarily(503, 'There are too many token requests at once.', 1000);
    if (verified.waitMs !== undefined) return refuseTemporarily(429, 'Too many attempts have failed.', verified.waitMs);
    if (!verified.issued) return refuseClient('The client id or secret is wrong.');
    const { token, expiresInSeconds } = verified.issued;
    return jsonAnswer(200, { access_token: token, token_type: 'bearer', expires_in: expiresInSeconds }, TOKEN_HEADERS);
  };
}

function refuse(
  status: number,
  error: TokenRequestError['error'],
  description: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return jsonAnswer(status, { error, error_description: description }, { ...TOKEN_HEADERS, ...headers });
}

function refuseTemporarily(status: 429 | 503, description: string, waitMs: number): Answer {
  const error = { error: 'temporarily_unavailable', error_description: `${description} Try again later.` };
  const seconds = String(Math.max(1, Math.ceil(waitMs / 1000)));
  return jsonAnswer(status, error, { ...TOKEN_HEADERS, 'Retry-After': seconds });
}

/** Limits the concurrency of expensive work. The function runs it when it is its turn, or returns null if too much is waiting. */
export function createWorkQueue({
  maxRunning,
  maxWaiting,
}: {
  readonly maxRunning: number;
  readonly maxWaiting: number;
}) {
  let running = 0;
  const waiting: (() => void)[] = [];
  const runNow = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
  return <T>(work: () => Promise<T>): Promise<T> | null => {
    if (running < maxRunning) {
      running += 1;
      return runNow(work);
    }
    if (waiting.length >= maxWaiting) return null;
    return new Promise<void>((resolve) => waiting.push(resolve)).then(() => runNow(work));
  };
}

interface FailedAttemptsOptions {
  /** The number of attempts of one key that may fail within the window. */
  readonly maxAttempts: number;
  readonly windowMs: number;
  /** The number of keys that are remembered; the one that failed longest ago is evicted. */
  readonly maxKeys: number;
  /** A monotonic clock, in milliseconds. */
  readonly now: () => number;
}

/** Counts the failed attempts of each key in a sliding window. */
interface FailedAttempts {
  /** Returns the time until the key may try again, 0 if it may now. `limit` lowers `maxAttempts` for this call. */
  waitMs(key: string, limit?: number): number;
  /** Counts an attempt as failed from its start, so that concurrent attempts cannot exceed the limit. Returns a function that undoes it. */
  count(key: string): () => void;
}

export function createFailedAttempts({ maxAttempts, windowMs, maxKeys, now }: FailedAttemptsOptions): FailedAttempts {
  const attempts = new Map<string, readonly number[]>();
  const recent = (key: string): readonly number[] => {
    const sinceMs = now() - windowMs;
    return (attempts.get(key) ?? []).filter((atMs) => atMs > sinceMs);
  };
  return {
    waitMs(key, limit = maxAttempts) {
      const deciding = recent(key).at(-limit);
      return deciding === undefined ? 0 : deciding + windowMs - now();
    },
    count(key) {
      const atMs = now();
      const times = [...recent(key), atMs].slice(-maxAttempts);
      attempts.delete(key);
      const [oldest] = attempts.keys();
      if (attempts.size >= maxKeys && oldest !== undefined) attempts.delete(oldest);
      attempts.set(key, times);
      return () => {
        const counted = recent(key);
        const index = counted.indexOf(atMs);
        const others = index === -1 ? counted : counted.toSpliced(index, 1);
        if (others.length > 0) attempts.set(key, others);
        else attempts.delete(key);
      };
    },
  };
}
