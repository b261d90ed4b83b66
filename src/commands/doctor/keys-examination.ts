import { importJWK, type JWK } from 'jose';
import type { AuthConfig } from '../../app/config.ts';
import { ALGORITHMS } from '../../auth/jwt.ts';
import { readKeySet } from '../../auth/published-keys.ts';
import { broken, type Finding, ok, warning } from './finding.ts';

const TIMEOUT_MS = 5_000;
const SUBJECT = 'keys';
const ALGORITHM_OF_TYPE: Readonly<Record<string, string>> = {
  RSA: 'RS256',
  OKP: 'EdDSA',
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
};
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** Fetches the keys that verify callers' JWTs. */
export async function examineKeys({ jwksUrl }: AuthConfig): Promise<Finding> {
  // A query may be a secret.
  const address = `${jwksUrl.origin}${jwksUrl.pathname}`;
  const check = 'Check AUTH_JWKS_URL: it must be the jwks_uri of the issuer.';
  let keys: readonly JWK[];
  try {
    const response = await fetch(jwksUrl, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'manual' });
    if (response.status !== 200) return broken(SUBJECT, `${address} answers ${response.status}`, check);
    const body = (await readKeySet(response)) as { readonly keys?: unknown } | null;
    if (!Array.isArray(body?.keys)) return broken(SUBJECT, `${address} does not return a JSON Web Key Set`, check);
    keys = body.keys as readonly JWK[];
  } catch (error) {
    return broken(SUBJECT, `${address}: ${toReason(error)}`, check);
  }
  const usable = (await Promise.all(keys.map(toAlgorithm))).filter((algorithm) => algorithm !== null);
  const fact = `${keys.length} key${keys.length === 1 ? '' : 's'} at ${address}, ${usable.length} usable`;
  if (usable.length === 0) {
    const remedy = `The issuer must publish a signature key for one of these algorithms: ${ALGORITHMS.join(', ')}.`;
    return broken(SUBJECT, fact, remedy);
  }
  const described = `${fact}: ${[...new Set(usable)].join(', ')}`;
  if (jwksUrl.protocol === 'https:' || LOOPBACK.test(jwksUrl.hostname)) return ok(SUBJECT, described);
  return warning(
    SUBJECT,
    `${described}; fetched over plain http`,
    'Use https: anyone who can change these keys can forge tokens.',
  );
}

/** Returns the algorithm that this key verifies; null if it is not accepted here. */
async function toAlgorithm(key: JWK): Promise<string | null> {
  const algorithm = key.alg ?? ALGORITHM_OF_TYPE[String(key.crv)] ?? ALGORITHM_OF_TYPE[String(key.kty)];
  if (!algorithm || !ALGORITHMS.includes(algorithm) || (key.use ?? 'sig') !== 'sig') return null;
  return importJWK(key, algorithm).then(
    () => algorithm,
    () => null,
  );
}

function toReason(error: unknown): string {
  if (error instanceof SyntaxError) return 'the answer is not JSON';
  if (error instanceof RangeError) return 'the answer is too large for a JSON Web Key Set';
  if (error instanceof Error && error.name === 'TimeoutError') return 'no answer in time';
  const cause = error instanceof Error ? error.cause : null;
  const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
  return `it cannot be reached${code}`;
}
