import { Buffer, isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { exclusiveTurn } from '../event-loop/exclusive-turn.ts';
import { createTurnBatch } from '../event-loop/turn-batch.ts';
import type { BodyBudget, CountedBody } from './body-budget.ts';
import { RequestRefusal } from './request-refusal.ts';

export interface RequestBodies {
  /**
   * Reads the body of a request, and sends "100 Continue" to a caller that waits for it. Resolves with null as soon as the
   * body is known to be larger than `maxBytes`; no more of it is read before the answer is sent.
   * @throws RequestRefusal if the budget has no room for it.
   */
  read(request: IncomingMessage, response: ServerResponse, maxBytes: number): Promise<Buffer | null>;
  /** Stops counting the body of a request that has been answered. */
  release(request: IncomingMessage): void;
}

export interface RequestBodiesOptions {
  readonly budget: BodyBudget;
  /** Returns the address for which a request's body counts. */
  readonly toAddress: (request: IncomingMessage) => string;
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

export function createRequestBodies({ budget, toAddress }: RequestBodiesOptions): RequestBodies {
  const counted = new Map<IncomingMessage, CountedBody>();
  const account: Account = {
    budget,
    open(request, refuse) {
      const body = budget.open(toAddress(request), refuse);
      counted.set(request, body);
      return body;
    },
    release(request) {
      const body = counted.get(request);
      if (body && counted.delete(request)) budget.close(body);
    },
  };
  return {
    release: (request) => account.release(request),
    read(request, response, maxBytes) {
      if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.resolve(null);
      // The caller may have left while its credentials were being checked.
      if (request.destroyed) return Promise.reject(new RequestRefusal('The caller has left.', CALLER_LEFT));
      if (request.headers.expect !== undefined && request.httpVersionMinor > 0) response.writeContinue();
      return new Promise((resolve, reject) => {
        const arriving = new ArrivingBody(request, maxBytes, account, resolve, reject);
        request.on('data', (chunk: Buffer) => arriving.add(chunk));
        request.on('end', () => arriving.end());
        request.on('error', (error) => arriving.fail(error));
      });
    },
  };
}

interface Account {
  readonly budget: BodyBudget;
  open(request: IncomingMessage, refuse: (refusal: RequestRefusal) => void): CountedBody;
  release(request: IncomingMessage): void;
}

/** Collects one body. A class, so that it can release its chunks; the listeners live as long as the request. */
class ArrivingBody {
  readonly #request: IncomingMessage;
  readonly #maxBytes: number;
  readonly #account: Account;
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
    request: IncomingMessage,
    maxBytes: number,
    account: Account,
    resolve: (body: Buffer | null) => void,
    reject: (error: Error) => void,
  ) {
    this.#request = request;
    this.#maxBytes = maxBytes;
    this.#account = account;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  add(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (!this.#resolve) return;
    if (this.#bytes > this.#maxBytes) {
      this.#account.release(this.#request);
      this.#resolve(null);
      this.#stop();
      return;
    }
    if (this.#first === null) this.#first = chunk;
    else (this.#others ??= []).push(chunk);
    if (!this.#counted && this.#isSmallAndComplete()) return;
    this.#counted ??= this.#account.open(this.#request, (refusal) => this.#fail(refusal));
    this.#account.budget.receive(this.#counted, Math.max(chunk.length, MIN_PIECE_BYTES));
  }

  end(): void {
    this.#isComplete = true;
    if (this.#counted && this.#resolve) this.#account.budget.complete(this.#counted);
    if (!this.#resolve) return;
    if (this.#bytes > MAX_BATCHED_BYTES) void exclusiveTurn().then(() => this.#deliver());
    else arrivedBodies.add(() => this.#deliver());
  }

  fail(error: Error): void {
    // A complete request must be answered even if its caller leaves in the same turn.
    if (!this.#isComplete) this.#fail(error);
  }

  #isSmallAndComplete(): boolean {
    return this.#bytes <= MAX_UNCOUNTED_BYTES && this.#bytes === Number(this.#request.headers['content-length']);
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
    this.#request.pause();
    this.#clear();
  }

  #clear(): void {
    this.#resolve = this.#reject = this.#first = this.#others = null;
  }
}

/** Returns true if a body, and the escapes of a form, are valid UTF-8; decoding would replace other bytes with U+FFFD. */
export function isText(body: Buffer, mediaType: string): boolean {
  if (!isUtf8(body)) return false;
  if (mediaType !== 'application/x-www-form-urlencoded') return true;
  try {
    decodeURIComponent(body.toString().replace(/%(?![0-9a-fA-F]{2})/g, '%25'));
    return true;
  } catch {
    return false;
  }
}
