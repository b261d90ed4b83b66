import { TaskFailure } from '../contract/failure.ts';
import type { Call } from '../contract/task-service.ts';
import type { UpstreamClient } from './client.ts';
import { requestToken, type TokenCredentials } from './token-request.ts';

export interface OwnTokenOptions extends TokenCredentials {
  readonly client: UpstreamClient;
  /** Milliseconds of a clock that is never set back. */
  readonly now: () => number;
  /** Told once for every token that could not be had; the failure's cause is for the operator. */
  readonly onFailure: (failure: TaskFailure) => void;
}

/** The gateway's own token at the service. Every failure to get one is a TaskFailure of outcome NOT_SENT. */
export interface OwnToken {
  /** The Authorization header to send: one fetch for all who wait for it; a step of the call that was first. */
  readonly authorization: (call?: Followed) => Promise<string> | string;
  /** The header to send after the service refused this one with a 401; null when a new token is no remedy. */
  readonly renew: (refused: string, call?: Followed) => Promise<string | null>;
}

/** What of a call a token needs. */
type Followed = Pick<Call, 'beginStep'>;

interface Held {
  readonly authorization: string;
  readonly renewAtMs: number;
  readonly expiresAtMs: number;
}

const MAX_MARGIN_MS = 300_000;
const MARGIN_PER_LIFE = 0.1;
/** A refusal lasts until somebody changes something, so asking again at once would only look like guessing. */
const PAUSE_MS = { refused: 30_000, failed: 1_000 } as const;
/** When the service refuses a new token as well it means the client, not the token. */
const RENEWAL_INTERVAL_MS = 30_000;

export function createOwnToken({ client, now, onFailure, ...credentials }: OwnTokenOptions): OwnToken {
  let held: Held | null = null;
  let fetching: Promise<Held> | null = null;
  let paused: { readonly failure: TaskFailure; readonly untilMs: number } | null = null;
  let renewedAtMs = -Infinity;

  const fetchToken = async (call: Followed | undefined): Promise<Held> => {
    const startMs = now();
    try {
      const { authorization, lifeMs } = await requestToken(client, credentials, call?.beginStep);
      const expiresAtMs = startMs + lifeMs;
      held = {
        authorization,
        expiresAtMs,
        renewAtMs: expiresAtMs - Math.min(MAX_MARGIN_MS, MARGIN_PER_LIFE * lifeMs),
      };
      return held;
    } catch (error) {
      if (error instanceof TaskFailure) {
        const pauseMs = error.code === 'UNAUTHENTICATED' ? PAUSE_MS.refused : PAUSE_MS.failed;
        paused = { failure: error, untilMs: now() + pauseMs };
        onFailure(error);
      }
      throw error;
    } finally {
      fetching = null;
    }
  };
  const fetchOnce = (call: Followed | undefined): Promise<Held> => {
    if (paused && now() < paused.untilMs) return Promise.reject(paused.failure);
    fetching ??= fetchToken(call);
    return fetching;
  };
  const authorization = (call?: Followed): Promise<string> | string => {
    if (!held || now() >= held.expiresAtMs) return fetchOnce(call).then((fetched) => fetched.authorization);
    // The token at hand serves until the next one is there; whoever tells of failures has told of this one.
    if (now() >= held.renewAtMs) fetchOnce(call).catch(() => undefined);
    return held.authorization;
  };
  return {
    authorization,
    async renew(refused, call) {
      if (held?.authorization === refused) {
        if (now() - renewedAtMs < RENEWAL_INTERVAL_MS) return null;
        renewedAtMs = now();
        held = null;
      }
      return authorization(call);
    },
  };
}
