import { getHeapStatistics } from 'node:v8';
import { RequestRefusal } from './request-refusal.ts';

/** A body whose bytes count: while it is received, and while its request runs. */
export interface CountedBody {
  /** Of its client. */
  readonly address: string;
  /** Called at most once, before the body is whole: its request is refused, and it counts no more. */
  readonly refuse: (refusal: RequestRefusal) => void;
  heldBytes: number;
  /** Since its rate was last checked. */
  receivedBytes: number;
  /** When its last bytes came, in milliseconds of `performance.now()`. */
  receivedMs: number;
}

/** One budget for the bytes of all bodies. */
export interface BodyBudget {
  open(address: string, refuse: CountedBody['refuse']): CountedBody;
  /** More of the body has arrived. */
  receive(body: CountedBody, bytes: number): void;
  /** All of the body has arrived; while its request runs it counts three times, for what is made of it. */
  complete(body: CountedBody): void;
  /** The body is needed no more. */
  close(body: CountedBody): void;
}

/** How fast a body has to arrive. */
export interface BodyPace {
  /** The bytes that have to arrive in each interval. */
  readonly minBytes: number;
  readonly intervalMs: number;
  /** A body that has stopped for as long makes room for others. */
  readonly stalledMs: number;
}

export interface BodyBudgetOptions {
  readonly maxBytes: number;
  /** Where it is not PACE. */
  readonly pace?: BodyPace;
}

/** 1 KB a second. */
const PACE: BodyPace = { minBytes: 5_120, intervalMs: 5_000, stalledMs: 1_000 };
/** A create holds its Parameters and the request to the service, as text and as bytes. */
const MADE_OF_EACH_BYTE = 2;
const MAX_DEFAULT_BYTES = 268_435_456;

/** The smaller of 256 MB and a quarter of the heap's limit. */
export function defaultBodyBudgetBytes(): number {
  return Math.min(MAX_DEFAULT_BYTES, Math.floor(getHeapStatistics().heap_size_limit / 4));
}

export function createBodyBudget({ maxBytes, pace = PACE }: BodyBudgetOptions): BodyBudget {
  /** The bodies that are not whole; the longest without a byte first. */
  const receiving = new Set<CountedBody>();
  const heldByAddress = new Map<string, number>();
  let heldBytes = 0;
  const running = new Set<CountedBody>();
  let checks: NodeJS.Timeout | null = null;

  const heldBy = (address: string): number => heldByAddress.get(address) ?? 0;
  const hold = (body: CountedBody, bytes: number): void => {
    const ofAddress = heldBy(body.address) + bytes;
    body.heldBytes += bytes;
    heldBytes += bytes;
    if (ofAddress === 0) heldByAddress.delete(body.address);
    else heldByAddress.set(body.address, ofAddress);
  };
  const isFull = (bytes: number): boolean => heldBytes + bytes > maxBytes;
  /** One address has the whole budget while it is alone, and else half of it. */
  const hasRoom = (address: string, bytes: number): boolean => {
    const isAlone = heldBy(address) === heldBytes;
    return !isFull(bytes) && (isAlone || heldBy(address) + bytes <= maxBytes / 2);
  };
  const refuse = (body: CountedBody, refusal: RequestRefusal): void => {
    receiving.delete(body);
    hold(body, -body.heldBytes);
    body.refuse(refusal);
  };
  /** Refuses bodies that have stopped, and those of another address that holds more than its half. */
  const makeRoom = (body: CountedBody, bytes: number): boolean => {
    const stalledMs = performance.now() - pace.stalledMs;
    for (const other of receiving) {
      if (hasRoom(body.address, bytes)) return true;
      const isOwn = other.address === body.address;
      const hasStalled = other.receivedMs <= stalledMs && (isOwn || isFull(bytes));
      const isGreedy = !isOwn && heldBy(other.address) > maxBytes / 2;
      if (other !== body && (hasStalled || isGreedy)) refuse(other, tooManyBytes());
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
      // It is first checked over a whole interval.
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
      const bytes = MADE_OF_EACH_BYTE * body.heldBytes;
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
