import { getHeapStatistics } from 'node:v8';
import { RequestRefusal } from './answer.ts';

/** A body that counts towards the budget while it is received and while its request runs. */
export interface CountedBody {
  /** The address of its client. */
  readonly address: string;
  /** Called at most once, before the body is complete, to refuse its request. The body then no longer counts. */
  readonly refuse: (refusal: RequestRefusal) => void;
  heldBytes: number;
  /** The bytes received since its rate was last checked. */
  receivedBytes: number;
  /** The time of its last bytes, from `performance.now()`. */
  receivedMs: number;
}

/** A budget for the bytes of all bodies. */
export interface BodyBudget {
  open(address: string, refuse: CountedBody['refuse']): CountedBody;
  /** Counts more bytes of the body. */
  receive(body: CountedBody, bytes: number): void;
  /** Marks the body as complete. While its request runs it counts three times, for the copies that are made of it. */
  complete(body: CountedBody): void;
  /** Stops counting the body. */
  close(body: CountedBody): void;
}

/** The minimum speed at which a body must arrive. */
export interface BodyPace {
  /** The bytes that must arrive in each interval. */
  readonly minBytes: number;
  readonly intervalMs: number;
  /** A body without new bytes for this long may be refused to make room for others. */
  readonly stalledMs: number;
}

export interface BodyBudgetOptions {
  readonly maxBytes: number;
  /** Overrides PACE. */
  readonly pace?: BodyPace;
}

/** 1 KB a second. */
const PACE: BodyPace = { minBytes: 5_120, intervalMs: 5_000, stalledMs: 1_000 };
/** A create holds its Parameters and the request to the service, as text and as bytes. */
const COPIES_PER_BYTE = 2;
const MAX_DEFAULT_BYTES = 268_435_456;

/** Returns the smaller of 256 MB and a quarter of the heap limit. */
export function defaultBodyBudgetBytes(): number {
  return Math.min(MAX_DEFAULT_BYTES, Math.floor(getHeapStatistics().heap_size_limit / 4));
}

export function createBodyBudget({ maxBytes, pace = PACE }: BodyBudgetOptions): BodyBudget {
  /** The incomplete bodies; the one without new bytes for the longest time comes first. */
  const receiving = new Set<CountedBody>();
  const heldByAddress = new Map<string, number>();
  let heldBytes = 0;
  const running = new Set<CountedBody>();
  let checks: NodeJS.Timeout | null = null;

  const heldBy = (address: string): number => heldByAddress.get(address) ?? 0;
  const hold = (body: CountedBody, bytes: number): void => {
    const addressBytes = heldBy(body.address) + bytes;
    body.heldBytes += bytes;
    heldBytes += bytes;
    if (addressBytes === 0) heldByAddress.delete(body.address);
    else heldByAddress.set(body.address, addressBytes);
  };
  const isFull = (bytes: number): boolean => heldBytes + bytes > maxBytes;
  /** One address may use the whole budget while it is alone, otherwise half of it. */
  const hasRoom = (address: string, bytes: number): boolean => {
    const isAlone = heldBy(address) === heldBytes;
    return !isFull(bytes) && (isAlone || heldBy(address) + bytes <= maxBytes / 2);
  };
  const refuse = (body: CountedBody, refusal: RequestRefusal): void => {
    receiving.delete(body);
    hold(body, -body.heldBytes);
    body.refuse(refusal);
  };
  /** Refuses stalled bodies, and bodies of another address that holds more than half of the budget. */
  const makeRoom = (body: CountedBody, bytes: number): boolean => {
    const stalledMs = performance.now() - pace.stalledMs;
    for (const other of receiving) {
      if (hasRoom(body.address, bytes)) return true;
      const isOwn = other.address === body.address;
      const hasStalled = other.receivedMs <= stalledMs && (isOwn || isFull(bytes));
      const exceedsShare = !isOwn && heldBy(other.address) > maxBytes / 2;
      if (other !== body && (hasStalled || exceedsShare)) refuse(other, tooManyBytes());
    }
    return hasRoom(body.address, bytes);
  };
  const checkRates = (): void => {
    for (const body of receiving) {
      if (body.receivedBytes < pace.minBytes) refuse(body, tooSlow());
      else body.receivedBytes = 0;
    }
    if (receiving.size > 0 || !checks) return;
    clearInterval(checks);
    checks = null;
  };
  return {
    open(address, onRefused) {
      checks ??= setInterval(checkRates, pace.intervalMs).unref();
      // Starts at the minimum, so that the first check covers a whole interval.
      return { address, refuse: onRefused, heldBytes: 0, receivedBytes: pace.minBytes, receivedMs: 0 };
    },
    receive(body, bytes) {
      if (!makeRoom(body, bytes)) return refuse(body, tooManyBytes());
      hold(body, bytes);
      body.receivedBytes += bytes;
      body.receivedMs = performance.now();
      receiving.delete(body);
      receiving.add(body);
    },
    complete(body) {
      const bytes = COPIES_PER_BYTE * body.heldBytes;
      if (running.size > 0 && !makeRoom(body, bytes)) return refuse(body, tooManyBytes());
      receiving.delete(body);
      hold(body, bytes);
      running.add(body);
    },
    close(body) {
      receiving.delete(body);
      running.delete(body);
      hold(body, -body.heldBytes);
    },
  };
}

function tooManyBytes(): RequestRefusal {
  return new RequestRefusal('The gateway has too many request bodies in memory. Nothing was sent.', {
    status: 503,
    code: 'OVERLOADED',
    retryable: true,
    isBodyUnwanted: true,
    limit: 'pending_body_bytes',
  });
}

function tooSlow(): RequestRefusal {
  return new RequestRefusal("The request's body took too long to arrive.", {
    status: 408,
    code: 'BAD_REQUEST',
    isBodyUnwanted: true,
    limit: 'body_rate',
  });
}
