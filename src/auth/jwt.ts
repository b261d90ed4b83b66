import { errors, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose';
import { TaskFailure } from '../contract/failure.ts';
import { unauthenticated, type VerifyToken } from './authenticate.ts';
import { createPublishedKeys } from './published-keys.ts';

export interface TokenVerifierOptions {
  /** The address at which the issuer publishes its keys. */
  readonly jwksUrl: URL;
  readonly issuer: string;
  readonly audience: string;
  /** The time limit of one fetch of the keys. */
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
  const { jwksUrl, issuer, audience, timeoutMs = 5000, cooldownMs = 30_000, onKeysUnavailable = () => {} } = options;
  const publishedKey = createPublishedKeys({ jwksUrl, timeoutMs, cooldownMs, onFailure: onKeysUnavailable });
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
