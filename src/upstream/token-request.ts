import type { BeginStep } from '../contract/call-steps.ts';
import { TaskFailure } from '../contract/failure.ts';
import { isJsonObject, isRawNumber, type JsonObject, type JsonValue, member } from '../contract/json-value.ts';
import { readAnswerBody } from '../wire/codec.ts';
import type { UpstreamClient } from './client.ts';
import type { UpstreamAnswer } from './exchange.ts';
import { USER_AGENT } from './user-agent.ts';

export interface TokenCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface FetchedToken {
  /** As an Authorization header carries it. */
  readonly authorization: string;
  readonly lifeMs: number;
}

const TOKEN_PATH = 'Token';
/** The contract's, for an answer that does not say. */
const DEFAULT_LIFE_SECONDS = 8 * 3600;
/** What a bearer token is made of (RFC 6750). */
const TOKEN = /^[\w.~+/-]+=*$/;

/** Asks the service for a token, once. @throws TaskFailure, always NOT_SENT: without a token there is no create. */
export async function requestToken(
  client: UpstreamClient,
  { clientId, clientSecret }: TokenCredentials,
  beginStep: BeginStep | undefined,
): Promise<FetchedToken> {
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret };
  // The calls in flight wait for this one, so it has to get past them.
  const answer = await client
    .postAdmitted({
      path: TOKEN_PATH,
      headers: {
        'Content-Type': 'application/x-www-form-urlencoded',
        Accept: 'application/json',
        'Accept-Encoding': 'identity',
        'User-Agent': USER_AGENT,
      },
      body: new URLSearchParams(form).toString(),
      beginStep,
    })
    .catch((error: unknown) => {
      throw error instanceof TaskFailure && error.outcome !== 'NOT_SENT' ? noToken(error) : error;
    });
  const tree = readTree(answer);
  const token = member(tree, 'access_token');
  const type = member(tree, 'token_type') ?? 'bearer';
  if (answer.status >= 200 && answer.status < 300) {
    if (typeof token !== 'string' || !TOKEN.test(token)) throw noToken(new Error('The answer holds no access_token.'));
    if (typeof type !== 'string' || type.toLowerCase() !== 'bearer')
      throw noToken(new Error('The token is not of the type bearer.'));
    return { authorization: `Bearer ${token}`, lifeMs: 1000 * toSeconds(member(tree, 'expires_in')) };
  }
  throw toFailure(answer.status, member(tree, 'error'));
}

function readTree({ body, contentType }: UpstreamAnswer): JsonObject {
  const read = readAnswerBody(body, contentType);
  return read.kind === 'tree' && isJsonObject(read.tree) ? read.tree : {};
}

function toSeconds(value: JsonValue | undefined): number {
  const seconds = value == null || value === '' ? NaN : Number(isRawNumber(value) ? value.rawJSON : value);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : DEFAULT_LIFE_SECONDS;
}

function toFailure(status: number, error: JsonValue | undefined): TaskFailure {
  const word = typeof error === 'string' && /^\w{1,40}$/.test(error) ? `, ${error}` : '';
  const cause = new Error(`The token endpoint answered HTTP ${status}${word}.`);
  if (status === 429) {
    return new TaskFailure(
      { code: 'OVERLOADED', outcome: 'NOT_SENT' },
      'The service is too busy to let the gateway sign in. Nothing was created.',
      { cause },
    );
  }
  if (status !== 400 && status !== 401 && status !== 403) return noToken(cause);
  return new TaskFailure(
    { code: 'UNAUTHENTICATED', outcome: 'NOT_SENT' },
    "The service does not accept the gateway's own credentials; its operator has to correct them. Nothing was created.",
    { cause },
  );
}

function noToken(cause: Error): TaskFailure {
  return new TaskFailure(
    { code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT' },
    'The service did not let the gateway sign in. Nothing was created.',
    { cause },
  );
}
