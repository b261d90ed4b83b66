import { errors, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose';
import { TaskFailure } from '../contract/failure.ts';
import { unauthenticated, type VerifyToken } from './authenticate.ts';
import { createPublishedKeys } from './published-keys.ts';

export interface TokenVerifierOptions {
  /** Where the issuer publishes its keys. */
  readonly jwksUrl: URL;
  readonly issuer: string;
  readonly audience: string;
  /** For one fetch of the keys. */
  readonly timeoutMs?: number;
  /** How long after a fetch of the keys an unknown key does not lead to another: callers choose the key they name. */
  readonly cooldownMs?: number;
  /** Called for each fetch of the keys that failed, took too long or brought too much. */
  readonly onKeysUnavailable?: () => void;
}

/** Asymmetric ones only: with a symmetric one the published key would be the secret. */
export const ALGORITHMS = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ');
const CLOCK_TOLERANCE_SECONDS = 5;
/** Any other names a token that was not made to call an API with, such as logout+jwt or dpop+jwt; many issuers write none. */
const ACCESS_TOKEN_TYPES: ReadonlySet<unknown> = new Set([undefined, 'at+jwt', 'jwt']);

/** Checks access tokens of one issuer for one audience against the keys that it publishes. */
export function createTokenVerifier(options: TokenVerifierOptions): VerifyToken {
  const { jwksUrl, issuer, audience, timeoutMs = 5000, cooldownMs = 30_000, onKeysUnavailable = () => {} } = options;
  const publishedKey = createPublishedKeys({ jwksUrl, timeoutMs, cooldownMs, onFailure: onKeysUnavailable });
  const findKey: JWTVerifyGetKey = (header, token) =>
    publishedKey(header, token).catch((error: unknown) => {
      throw isAboutToken(error) ? error : keysUnavailable(error);
    });
  const terms: JWTVerifyOptions = {
    algorithms: ALGORITHMS,
    issuer,
    audience,
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    requiredClaims: ['sub', 'exp'],
  };
  /** A JWT that does not name its key is checked against each that it may be: there are two while one replaces the other. */
  const verifyWithAny = async (token: string, candidates: errors.JWKSMultipleMatchingKeys) => {
    for await (const key of candidates) {
      const result = await jwtVerify(token, key, terms).catch((error: unknown) => {
        if (error instanceof errors.JWSSignatureVerificationFailed) return null;
        throw error;
      });
      if (result) return result;
    }
    throw new errors.JWSSignatureVerificationFailed();
  };
  return async (token) => {
    const { payload, protectedHeader } = await jwtVerify(token, findKey, terms)
      .catch((error: unknown) => {
        if (error instanceof errors.JWKSMultipleMatchingKeys) return verifyWithAny(token, error);
        throw error;
      })
      .catch((error: unknown) => {
        throw error instanceof errors.JOSEError ? unauthenticated(`The bearer token ${toReason(error)}.`) : error;
      });
    if (!ACCESS_TOKEN_TYPES.has(toTokenType(protectedHeader.typ)))
      throw unauthenticated('The bearer token is not an access token: its "typ" may be "at+jwt", "JWT" or absent.');
    if (typeof payload.sub !== 'string' || payload.sub === '')
      throw unauthenticated('The bearer token has no subject.');
    return { subject: payload.sub, expiresAtMs: toExpiry(payload.exp as number) };
  };
}

/** The instant from which no gateway takes the token; issuers may name any number. */
function toExpiry(seconds: number): number {
  return Math.min(Math.ceil(seconds + CLOCK_TOLERANCE_SECONDS) * 1000, Number.MAX_SAFE_INTEGER);
}

/** `application/` may stand before it, and neither has a case (RFC 7515, 4.1.9). */
function toTokenType(typ: unknown): unknown {
  return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ;
}

function isAboutToken(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys;
}

function keysUnavailable(cause: unknown): TaskFailure {
  return new TaskFailure(
    { code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT' },
    'The bearer token cannot be checked: the keys of its issuer cannot be fetched. Nothing was sent.',
    { cause },
  );
}

function toReason(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'has expired';
  if (error instanceof errors.JWTClaimValidationFailed) return `does not have the "${error.claim}" that is expected`;
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'has a signature that is not right';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'is signed with an algorithm that is not allowed';
  if (error instanceof errors.JWKSNoMatchingKey) return 'is signed with a key that is not known';
  return 'is not a JWT that can be read';
}
