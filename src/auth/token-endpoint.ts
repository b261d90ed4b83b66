import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseGuid } from '../contract/guid.ts';
import { JSON_HEADERS, sendText } from '../http/answer.ts';
import { createFailedAttempts } from './failed-attempts.ts';
import type { Log } from '../telemetry/log.ts';
import type { RequestRecord } from '../telemetry/request-record.ts';
import type { RequestBodies } from '../http/request-body.ts';
import { readTokenRequest, type TokenRequest, type TokenRequestError, usesBasic } from './token-request.ts';
import { createWorkQueue } from './work-queue.ts';

/** Gives out a token for the client of this secret; null if the secret is not the client's. */
export type IssueToken = (
  clientId: string,
  clientSecret: string,
) => Promise<{ readonly token: string; readonly expiresInSeconds: number } | null>;

export interface TokenEndpointOptions {
  /** It may be costly: few of them run at once. */
  readonly issueToken: IssueToken;
  readonly bodies: RequestBodies;
  /** The address that a request's failed attempt counts for. */
  readonly toAddress: (request: IncomingMessage) => string;
  readonly log: Log;
  /** Called for each request that is refused because too many attempts failed or wait, or for its number of parameters. */
  readonly onRefused?: (limit: 'token_attempts' | 'form_fields') => void;
  /** Milliseconds of a clock that is never set back; failed attempts are counted by it. */
  readonly now?: () => number;
}

export type TokenEndpoint = (
  request: IncomingMessage,
  response: ServerResponse,
  record: Pick<RequestRecord, 'requestId'>,
) => Promise<void>;

type Issued = Awaited<ReturnType<IssueToken>>;
interface Caller {
  readonly address: string;
  readonly requestId: string;
}

const MAX_BODY_BYTES = 8192;
const FAILURES = { windowMs: 300_000, maxKeys: 10_000 } as const;
/** Of one client from one address, so that nobody else can lock a client out. */
const MAX_FAILURES = 10;
/** From one address, which several clients may share. */
const MAX_FAILURES_PER_ADDRESS = 30;
/** Of one client from all addresses; beyond it each address has fewer attempts. */
const MAX_FAILURES_PER_CLIENT = 100;
/** More than run at once, for an attempt counts as failed until it has succeeded. */
const MAX_FAILURES_UNDER_ATTACK = 3;
/** Each takes 16 MB and tens of milliseconds of one of Node's four worker threads. */
const VERIFICATIONS = { maxRunning: 2, maxWaiting: 32 } as const;
/** The answers of OAuth have both headers against caches. */
const TOKEN_HEADERS = { ...JSON_HEADERS, Pragma: 'no-cache' } as const;
const CHALLENGE = { 'WWW-Authenticate': 'Basic realm="account-task-gateway", charset="UTF-8"' } as const;

/** OAuth's token endpoint for client credentials. Wrong secrets are counted by client and address. */
export function createTokenEndpoint({
  issueToken,
  bodies,
  toAddress,
  log,
  onRefused,
  now = () => performance.now(),
}: TokenEndpointOptions): TokenEndpoint {
  const ofClients = createFailedAttempts({ ...FAILURES, maxAttempts: MAX_FAILURES_PER_CLIENT, now });
  const ofPairs = createFailedAttempts({ ...FAILURES, maxAttempts: MAX_FAILURES, now });
  const ofAddresses = createFailedAttempts({ ...FAILURES, maxAttempts: MAX_FAILURES_PER_ADDRESS, now });
  const verifications = createWorkQueue(VERIFICATIONS);

  const verify = async ({ clientId, clientSecret }: TokenRequest, { address, requestId }: Caller) => {
    const client = parseGuid(clientId) ?? '';
    const pair = `${client} ${address}`;
    const limit = ofClients.waitMs(client) > 0 ? MAX_FAILURES_UNDER_ATTACK : MAX_FAILURES;
    const waitMs = Math.max(ofPairs.waitMs(pair, limit), ofAddresses.waitMs(address));
    if (waitMs > 0) {
      log.warn({ requestId, client, address }, 'a token request is refused after too many failed ones');
      return { waitMs };
    }
    const takeBack = [ofClients.count(client), ofPairs.count(pair), ofAddresses.count(address)];
    let issued: Issued | undefined;
    try {
      issued = await issueToken(clientId, clientSecret);
    } finally {
      if (issued !== null) for (const take of takeBack) take();
    }
    if (issued === null) log.warn({ requestId, client, address }, 'a token request has the wrong credentials');
    return { issued };
  };

  return async (request, response, { requestId }) => {
    if (request.method !== 'POST') {
      request.resume();
      return refuse(response, 405, 'invalid_request', 'A token is asked for with POST.', { Allow: 'POST' });
    }
    const body = await bodies.read(request, response, MAX_BODY_BYTES);
    if (body === null) return refuse(response, 413, 'invalid_request', 'The request is too large.');
    const asked = readTokenRequest(request.headers, body);
    const refuseClient = (description: string): void =>
      usesBasic(request.headers)
        ? refuse(response, 401, 'invalid_client', description, CHALLENGE)
        : refuse(response, 400, 'invalid_client', description);
    if ('error' in asked) {
      if (asked.limit) onRefused?.(asked.limit);
      return asked.error === 'invalid_client'
        ? refuseClient(asked.description)
        : refuse(response, 400, asked.error, asked.description);
    }
    const address = toAddress(request);
    const verified = await verifications.run(() => verify(asked, { address, requestId }));
    if (verified === null || verified.waitMs !== undefined) onRefused?.('token_attempts');
    if (verified === null) return refuseForNow(response, 503, 'Too many tokens are asked for at once.', 1000);
    if (verified.waitMs !== undefined) return refuseForNow(response, 429, 'Too many attempts failed.', verified.waitMs);
    if (!verified.issued) return refuseClient('The client or its secret is wrong.');
    const { token, expiresInSeconds } = verified.issued;
    send(response, 200, { access_token: token, token_type: 'bearer', expires_in: expiresInSeconds });
  };
}

function refuse(
  response: ServerResponse,
  status: number,
  error: TokenRequestError['error'],
  description: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  send(response, status, { error, error_description: description }, headers);
}

function refuseForNow(response: ServerResponse, status: 429 | 503, description: string, waitMs: number): void {
  const error = { error: 'temporarily_unavailable', error_description: `${description} Try again later.` };
  send(response, status, error, { 'Retry-After': String(Math.max(1, Math.ceil(waitMs / 1000))) });
}

function send(
  response: ServerResponse,
  status: number,
  value: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  sendText(response, status, { ...TOKEN_HEADERS, ...headers }, JSON.stringify(value));
}
