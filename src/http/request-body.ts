import { Buffer } from 'node:buffer';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { createTurnBatch, exclusiveTurn } from '../event-loop/turn-batch.ts';
import { RequestRefusal } from './answer.ts';
import type { BodyBudget, CountedBody } from './body-budget.ts';
import type { Sender } from './client-address.ts';

/** The incoming side of a request, as an adapter provides it. */
export interface BodySource extends Sender {
  /** True if the caller has left. */
  readonly hasLeft: boolean;
  /** The body, once it is read. */
  readonly arriving: ArrivingBody | null;
  /** Starts to deliver the body, after "100 Continue" if the caller waits for it. */
  startBody(body: ArrivingBody): void;
  /** Stops reading; the rest of the body is not wanted. */
  pauseBody(): void;
}

/** Reads the body of a request, as `readBody` of HttpRequest promises. */
export type BodyReader = (source: BodySource, maxBytes: number) => Promise<Buffer | null>;

export interface BodyReaderOptions {
  readonly budget: BodyBudget;
  /** Returns the address for which a request's body counts. */
  readonly toAddress: (sender: Sender) => string;
}

const NOTHING = Buffer.alloc(0);
/** A body in one piece of at most this size is not counted, so even a full budget accepts it. */
const MAX_UNCOUNTED_BYTES = 16_384;
/** A larger body takes milliseconds to work on. */
const MAX_BATCHED_BYTES = 65_536;
/** The minimum that a piece counts, for Node's own overhead. */
const MIN_PIECE_BYTES = 256;
const CALLER_LEFT = { status: 400, code: 'BAD_REQUEST' } as const;
const arrivedBodies = createTurnBatch();

export function createBodyReader(options: BodyReaderOptions): BodyReader {
  return (source, maxBytes) => {
    if (Number(source.headers['content-length'] ?? 0) > maxBytes) return Promise.resolve(null);
    // The caller may have left while its credentials were being checked.
    if (source.hasLeft) return Promise.reject(new RequestRefusal('The caller has left.', CALLER_LEFT));
    return new Promise((resolve, reject) => {
      source.startBody(new ArrivingBody(source, maxBytes, options, resolve, reject));
    });
  };
}

/** Collects one body. A class, so that it can release its chunks; the source refers to it as long as the request lives. */
export class ArrivingBody {
  readonly #source: BodySource;
  readonly #maxBytes: number;
  readonly #options: BodyReaderOptions;
  /** Both are null once the body is delivered or refused. */
  #resolve: ((body: Buffer | null) => void) | null;
  #reject: ((error: Error) => void) | null;
  /** Most bodies arrive in one piece. */
  #first: Buffer | null = null;
  #others: Buffer[] | null = null;
  #bytes = 0;
  #counted: CountedBody | null = null;
  #isComplete = false;

  constructor(
    source: BodySource,
    maxBytes: number,
    options: BodyReaderOptions,
    resolve: (body: Buffer | null) => void,
    reject: (error: Error) => void,
  ) {
    this.#source = source;
    this.#maxBytes = maxBytes;
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  add(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (!this.#resolve) return;
    if (this.#bytes > this.#maxBytes) {
      this.release();
      this.#resolve(null);
      this.#stop();
      return;
    }
    if (this.#first === null) this.#first = chunk;
    else (this.#others ??= []).push(chunk);
    if (!this.#counted && this.#isSmallAndComplete()) return;
    const { budget, toAddress } = this.#options;
    this.#counted ??= budget.open(toAddress(this.#source), (refusal) => this.#fail(refusal));
    budget.receive(this.#counted, Math.max(chunk.length, MIN_PIECE_BYTES));
  }

  end(): void {
    this.#isComplete = true;
    if (this.#counted && this.#resolve) this.#options.budget.complete(this.#counted);
    if (!this.#resolve) return;
    if (this.#bytes > MAX_BATCHED_BYTES) void exclusiveTurn().then(() => this.#deliver());
    else arrivedBodies.add(() => this.#deliver());
  }

  fail(error: Error): void {
    // A complete request must be answered even if its caller leaves in the same turn.
    if (!this.#isComplete) this.#fail(error);
  }

  /** Stops counting the body; to be called when its request has been answered. */
  release(): void {
    if (this.#counted) this.#options.budget.close(this.#counted);
    this.#counted = null;
  }

  #isSmallAndComplete(): boolean {
    return this.#bytes <= MAX_UNCOUNTED_BYTES && this.#bytes === Number(this.#source.headers['content-length']);
  }

  #deliver(): void {
    const first = this.#first ?? NOTHING;
    try {
      this.#resolve?.(this.#others ? Buffer.concat([first, ...this.#others]) : first);
    } catch (error) {
      this.#reject?.(error as Error);
    }
    this.#clear();
  }

  #fail(error: Error): void {
    this.#reject?.(error);
    this.#stop();
  }

  #stop(): void {
    this.#source.pauseBody();
    this.#clear();
  }

  #clear(): void {
    this.#resolve = this.#reject = this.#first = this.#others = null;
  }
}

/** An unwanted body of at most this size is read to its end, so that the connection can be kept. */
const MAX_KEPT_BYTES = 65_536;

/** Returns true if the rest of the request's body is too large to read for keeping the connection. */
export function isLargeRest({ complete, headers }: IncomingMessage): boolean {
  return !complete && toDeclaredBytes(headers) > MAX_KEPT_BYTES;
}

/** Returns the size of a body as its headers declare it; Infinity if they do not say. */
export function toDeclaredBytes(headers: IncomingHttpHeaders): number {
  return Number(headers['content-length'] ?? (headers['transfer-encoding'] ? Infinity : 0));
}
