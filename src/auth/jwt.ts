import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose';
import { TaskFailure } from '../contract/failure.ts';
import { abortAfter } from '../event-loop/time-limit.ts';
import { unauthenticated, type VerifyToken } from './authenticate.ts';

export interface TokenVerifierOptions {
  /** The address at which the issuer publishes its keys. */
  readonly jwksUrl: URL;
  readonly issuer: string;
  readonly audience: string;
  /** The time limit of one fetch of the keys, its body included. */
  readonly timeoutMs?: number;
  /** The time after a fetch for which an unknown key causes no other fetch, since callers can name any key. */
  readonly cooldownMs?: number;
  /** Called for each fetch of the keys that fails, takes too long or returns too much. */
  readonly onKeysUnavailable?: () => void;
}

/** The accepted algorithms. All are asymmetric; a published symmetric key would let anyone sign. */
export const ALGORITHMS = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ');
const CLOCK_TOLERANCE_SECONDS = 5;
/** The accepted values of `typ`. Others, such as logout+jwt or dpop+jwt, are not access tokens; many issuers omit it. */
const ACCESS_TOKEN_TYPES: ReadonlySet<unknown> = new Set([undefined, 'at+jwt', 'jwt']);

/** Creates a verifier of one issuer's access tokens for one audience, with the keys that the issuer publishes. */
export function createTokenVerifier(options: TokenVerifierOptions): VerifyToken {
  const { issuer, audience } = options;
  const publishedKey = createPublishedKeys(options);
  const findKey: JWTVerifyGetKey = (header, token) =>
    publishedKey(header, token).catch((error: unknown) => {
      throw isAboutToken(error) ? error : keysUnavailable(error);
    });
  const requirements: JWTVerifyOptions = {
    algorithms: ALGORITHMS,
    issuer,
    audience,
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    requiredClaims: ['sub', 'exp'],
  };
  /** Tries every possible key for a JWT that does not name its key; during a key rotation there are two. */
  const verifyWithAny = async (token: string, candidates: errors.JWKSMultipleMatchingKeys) => {
    for await (const key of candidates) {
      const result = await jwtVerify(token, key, requirements).catch((error: unknown) => {
        if (error instanceof errors.JWSSignatureVerificationFailed) return null;
        throw error;
      });
      if (result) return result;
    }
    throw new errors.JWSSignatureVerificationFailed();
  };
  return async (token) => {
    const { payload, protectedHeader } = await jwtVerify(token, findKey, requirements)
      .catch((error: unknown) => {
        if (error instanceof errors.JWKSMultipleMatchingKeys) return verifyWithAny(token, error);
        throw error;
      })
      .catch((error: unknown) => {
        throw error instanceof errors.JOSEError ? unauthenticated(`The bearer token ${toReason(error)}.`) : error;
      });
    if (!ACCESS_TOKEN_TYPES.has(toTokenType(protectedHeader.typ)))
      throw unauthenticated('The bearer token is not an access token: its "typ" must be "at+jwt", "JWT" or absent.');
    if (typeof payload.sub !== 'string' || payload.sub === '')
      throw unauthenticated('The bearer token has no subject ("sub").');
    return { subject: payload.sub, expiresAtMs: toExpiry(payload.exp as number) };
  };
}

/** Returns the instant from which no gateway accepts the token, capped because issuers may set any number. */
function toExpiry(seconds: number): number {
  return Math.min(Math.ceil(seconds + CLOCK_TOLERANCE_SECONDS) * 1000, Number.MAX_SAFE_INTEGER);
}

/** Normalizes `typ`, which may start with `application/`, in any case (RFC 7515, 4.1.9). */
function toTokenType(typ: unknown): unknown {
  return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ;
}

function isAboutToken(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys;
}

function keysUnavailable(cause: unknown): TaskFailure {
  return new TaskFailure(
    'UPSTREAM_UNREACHABLE',
    'The bearer token cannot be verified because the keys of its issuer cannot be fetched. Nothing was sent.',
    { cause },
  );
}

function toReason(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'has expired';
  if (error instanceof errors.JWTClaimValidationFailed) return `does not have the expected "${error.claim}" claim`;
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'has an invalid signature';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'is signed with an algorithm that is not allowed';
  if (error instanceof errors.JWKSNoMatchingKey) return 'is signed with an unknown key';
  return 'is not a valid JWT';
}

/** Enough for hundreds of keys; issuers publish a few. */
const MAX_BYTES = 262_144;
const FRESH_MS = 600_000;
/** The time for which stale keys are used while new ones cannot be fetched. */
const OUTAGE_MS = 3_600_000;

/** Finds keys that an issuer publishes. They are cached for ten minutes, and for an hour more while they cannot be fetched. */
function createPublishedKeys({
  jwksUrl,
  timeoutMs = 5000,
  cooldownMs = 30_000,
  onKeysUnavailable,
}: TokenVerifierOptions) {
  let fetchedMs = Number.NEGATIVE_INFINITY;
  let failure: { readonly error: unknown; readonly atMs: number } | null = null;
  const hasKeys = (): boolean => performance.now() - fetchedMs < FRESH_MS + OUTAGE_MS;

  const fetchKeys = async (): Promise<Response> => {
    if (failure && hasKeys() && performance.now() - failure.atMs < cooldownMs) throw failure.error;
    try {
      const keySet = await fetchKeySet(jwksUrl, timeoutMs);
      failure = null;
      fetchedMs = performance.now();
      return Response.json(keySet);
    } catch (error) {
      failure = { error, atMs: performance.now() };
      onKeysUnavailable?.();
      throw error;
    }
  };
  const findKey = createRemoteJWKSet(jwksUrl, {
    cacheMaxAge: FRESH_MS + OUTAGE_MS,
    cooldownDuration: cooldownMs,
    [customFetch]: fetchKeys,
  });
  return async (...request: Parameters<typeof findKey>): ReturnType<typeof findKey> => {
    if (hasKeys() && performance.now() - fetchedMs >= FRESH_MS) {
      const refreshing = findKey.reload().catch(ignore);
      // During an outage, requests do not wait for the next fetch.
      if (!failure) await refreshing;
    }
    return findKey(...request);
  };
}

/** Fetches a key set; rejects an answer that is not one, is too large or comes too late. */
export async function fetchKeySet(url: URL, timeoutMs: number): Promise<JSONWebKeySet> {
  const response = await fetch(url, {
    headers: { Accept: 'application/jwk-set+json, application/json' },
    redirect: 'manual',
    signal: abortAfter(timeoutMs),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`The request for the keys was answered with status ${response.status}.`);
  }
  const keySet = (await readKeySet(response)) as JSONWebKeySet;
  // Throws if it is not one.
  createLocalJWKSet(keySet);
  return keySet;
}

/** Reads the JSON of a key set; rejects one that is too large. */
async function readKeySet({ body }: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new RangeError(`The key set is larger than ${MAX_BYTES} bytes.`);
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

function ignore(): void {}
