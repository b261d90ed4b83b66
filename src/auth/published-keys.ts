import { createLocalJWKSet, createRemoteJWKSet, customFetch, type JSONWebKeySet } from 'jose';
import { abortAfter } from '../event-loop/time-limit.ts';

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
export function createPublishedKeys({ jwksUrl, timeoutMs, cooldownMs, onFailure }: PublishedKeysOptions) {
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
      onFailure();
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
