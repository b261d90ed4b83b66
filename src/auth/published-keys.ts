import {
  createLocalJWKSet,
  type CryptoKey,
  errors,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWSHeaderParameters,
} from 'jose';
import { abortAfter } from '../event-loop/time-limit.ts';

type FindKey = (header?: JWSHeaderParameters, token?: FlattenedJWSInput) => Promise<CryptoKey>;

export interface PublishedKeysOptions {
  /** The address at which the issuer publishes its keys. */
  readonly jwksUrl: URL;
  /** The time limit of one fetch, its body included. */
  readonly timeoutMs: number;
  /** The time after a fetch for which an unknown key causes no other fetch, since callers can name any key. */
  readonly cooldownMs: number;
  /** Called for each fetch that fails, takes too long or returns too much. */
  readonly onFailure: () => void;
}

/** Enough for hundreds of keys; issuers publish a few. */
const MAX_BYTES = 262_144;
const FRESH_MS = 600_000;
/** The time for which stale keys are used while new ones cannot be fetched. */
const OUTAGE_MS = 3_600_000;

/** Finds keys that an issuer publishes. They are cached for ten minutes, and for an hour more while they cannot be fetched. */
export function createPublishedKeys({ jwksUrl, timeoutMs, cooldownMs, onFailure }: PublishedKeysOptions): FindKey {
  let known: { readonly find: FindKey; readonly fetchedAtMs: number } | null = null;
  let failure: unknown = null;
  let attemptedAtMs = Number.NEGATIVE_INFINITY;
  let fetching: Promise<void> | null = null;

  const fetchKeys = async (): Promise<void> => {
    try {
      const find = createLocalJWKSet((await fetchKeySet(jwksUrl, timeoutMs)) as JSONWebKeySet);
      known = { find, fetchedAtMs: performance.now() };
      failure = null;
    } catch (error) {
      failure = error;
      onFailure();
      throw error;
    } finally {
      attemptedAtMs = performance.now();
      fetching = null;
    }
  };
  const refresh = (): Promise<void> => (fetching ??= fetchKeys());
  const isCoolingDown = (): boolean => performance.now() - attemptedAtMs < cooldownMs;

  /** Resolves with usable keys. During an outage, requests do not wait for the next fetch. */
  const current = async (): Promise<FindKey> => {
    const ageMs = known ? performance.now() - known.fetchedAtMs : Number.POSITIVE_INFINITY;
    if (ageMs >= FRESH_MS + OUTAGE_MS) await refresh();
    else if (ageMs >= FRESH_MS && !failure) await refresh().catch(ignore);
    else if (ageMs >= FRESH_MS && !isCoolingDown()) refresh().catch(ignore);
    if (!known) throw failure;
    return known.find;
  };

  return async (header, token) => {
    const find = await current();
    try {
      return await find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      // The issuer may have published this key during the outage.
      if (isCoolingDown()) throw failure ?? error;
      await refresh();
      return (await current())(header, token);
    }
  };
}

/** Fetches a key set; rejects an answer that is not one, is too large or comes too late. */
export async function fetchKeySet(url: URL, timeoutMs: number): Promise<unknown> {
  const response = await fetch(url, {
    headers: { Accept: 'application/jwk-set+json, application/json' },
    redirect: 'manual',
    signal: abortAfter(timeoutMs),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`The request for the keys was answered with status ${response.status}.`);
  }
  return readKeySet(response);
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
