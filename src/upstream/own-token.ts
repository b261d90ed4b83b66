import { TaskFailure } from '../contract/failure.ts';
import { type UpstreamClient, USER_AGENT } from './client.ts';
import { isJsonObject, isRawNumber, type JsonObject, type JsonValue, jsonMember } from '../contract/json-value.ts';
import { readAnswerBody } from '../wire/codec.ts';
import type { UpstreamAnswer } from './exchange.ts';

export interface OwnTokenOptions extends TokenCredentials {
  readonly client: UpstreamClient;
  /** Returns the milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Called once for each failed fetch; the failure's cause is meant for the operator. */
  readonly onFailure: (failure: TaskFailure) => void;
}

/** The gateway's own access token for the service. A failure to get one is a TaskFailure with the outcome NOT_SENT. */
export interface OwnToken {
  /** The Authorization header to send. Concurrent calls share one fetch, which is a step of the first of them. */
  readonly authorization: () => Promise<string> | string;
  /** The header to send after a 401 for the `refused` one; null if a new token would not help. */
  readonly renew: (refused: string) => Promise<string | null>;
}

interface CachedToken {
  readonly authorization: string;
  readonly renewAtMs: number;
  readonly expiresAtMs: number;
}

const MAX_RENEWAL_MARGIN_MS = 300_000;
const RENEWAL_MARGIN_SHARE = 0.1;
/** Refused credentials stay refused until an operator acts, and repeating them would look like an attack. */
const BACKOFF_MS = { refused: 30_000, failed: 1_000 } as const;
/** If the service refuses a fresh token too, it rejects the client and not the token. */
const RENEWAL_INTERVAL_MS = 30_000;

export function createOwnToken({ client, now, onFailure, ...credentials }: OwnTokenOptions): OwnToken {
  let cached: CachedToken | null = null;
  let fetching: Promise<CachedToken> | null = null;
  let backoff: { readonly failure: TaskFailure; readonly endMs: number } | null = null;
  let renewedAtMs = -Infinity;

  const fetchToken = async (): Promise<CachedToken> => {
    const startMs = now();
    try {
      const { authorization, lifetimeMs } = await requestToken(client, credentials);
      const expiresAtMs = startMs + lifetimeMs;
      cached = {
        authorization,
        expiresAtMs,
        renewAtMs: expiresAtMs - Math.min(MAX_RENEWAL_MARGIN_MS, RENEWAL_MARGIN_SHARE * lifetimeMs),
      };
      return cached;
    } catch (error) {
      if (error instanceof TaskFailure) {
        const backoffMs = error.code === 'UNAUTHENTICATED' ? BACKOFF_MS.refused : BACKOFF_MS.failed;
        backoff = { failure: error, endMs: now() + backoffMs };
        onFailure(error);
      }
      throw error;
    } finally {
      fetching = null;
    }
  };
  const fetchOnce = (): Promise<CachedToken> => {
    if (backoff && now() < backoff.endMs) return Promise.reject(backoff.failure);
    fetching ??= fetchToken();
    return fetching;
  };
  const authorization = (): Promise<string> | string => {
    if (!cached || now() >= cached.expiresAtMs) return fetchOnce().then((fetched) => fetched.authorization);
    // The cached token is used until the new one arrives; `onFailure` reports a failed renewal.
    if (now() >= cached.renewAtMs) fetchOnce().catch(() => undefined);
    return cached.authorization;
  };
  return {
    authorization,
    async renew(refused) {
      if (cached?.authorization === refused) {
        if (now() - renewedAtMs < RENEWAL_INTERVAL_MS) return null;
        renewedAtMs = now();
        cached = null;
      }
      return authorization();
    },
  };
}

export interface TokenCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface FetchedToken {
  /** As an Authorization header carries it. */
  readonly authorization: string;
  readonly lifetimeMs: number;
}

const TOKEN_REQUEST = { method: 'POST', path: 'Token', unknownFate: 'nothing was done' } as const;
/** The contract's lifetime, for an answer without expires_in. */
const DEFAULT_LIFETIME_SECONDS = 8 * 3600;
/** The syntax of a bearer token (RFC 6750). */
const BEARER_TOKEN = /^[\w.~+/-]+=*$/;

/** Requests one token from the service. @throws TaskFailure, always NOT_SENT, because nothing is sent without a token. */
export async function requestToken(
  client: UpstreamClient,
  { clientId, clientSecret }: TokenCredentials,
): Promise<FetchedToken> {
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret };
  // Needs no slot of its own: calls in flight are waiting for this one, so it must not wait for them.
  const answer = await client
    .sendAdmitted({
      operation: TOKEN_REQUEST,
      path: TOKEN_REQUEST.path,
      headers: {
        'Content-Type': 'application/x-www-form-urlencoded',
        Accept: 'application/json',
        'Accept-Encoding': 'identity',
        'User-Agent': USER_AGENT,
      },
      body: new URLSearchParams(form).toString(),
    })
    .catch((error: unknown) => {
      throw error instanceof TaskFailure && error.outcome !== 'NOT_SENT' ? signInFailed(error) : error;
    });
  const tree = readTree(answer);
  const token = jsonMember(tree, 'access_token');
  const type = jsonMember(tree, 'token_type') ?? 'bearer';
  if (answer.status >= 200 && answer.status < 300) {
    if (typeof token !== 'string' || !BEARER_TOKEN.test(token))
      throw signInFailed(new Error('The answer contains no access_token.'));
    if (typeof type !== 'string' || type.toLowerCase() !== 'bearer')
      throw signInFailed(new Error('The token_type is not bearer.'));
    return { authorization: `Bearer ${token}`, lifetimeMs: 1000 * toSeconds(jsonMember(tree, 'expires_in')) };
  }
  throw toTokenFailure(answer.status, jsonMember(tree, 'error'));
}

function readTree({ body, contentType }: UpstreamAnswer): JsonObject {
  const read = readAnswerBody(body, contentType);
  return read.kind === 'tree' && isJsonObject(read.tree) ? read.tree : {};
}

function toSeconds(value: JsonValue | undefined): number {
  const seconds = value == null || value === '' ? NaN : Number(isRawNumber(value) ? value.rawJSON : value);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : DEFAULT_LIFETIME_SECONDS;
}

function toTokenFailure(status: number, error: JsonValue | undefined): TaskFailure {
  const word = typeof error === 'string' && /^\w{1,40}$/.test(error) ? `, ${error}` : '';
  const cause = new Error(`The token endpoint answered HTTP ${status}${word}.`);
  if (status === 429) {
    return new TaskFailure(
      { code: 'OVERLOADED', outcome: 'NOT_SENT' },
      'The service is too busy to sign the gateway in. Nothing was done.',
      { cause },
    );
  }
  if (status !== 400 && status !== 401 && status !== 403) return signInFailed(cause);
  return new TaskFailure(
    { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' },
    "The service does not accept the gateway's own credentials; its operator has to correct them. Nothing was done.",
    { cause },
  );
}

function signInFailed(cause: Error): TaskFailure {
  return new TaskFailure('UPSTREAM_UNREACHABLE', 'The service did not let the gateway sign in. Nothing was done.', {
    cause,
  });
}
