import { Buffer, isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createTurnBatch } from '../event-loop/turn-batch.ts';
import type { BodyBudget, CountedBody } from './body-budget.ts';
import { RequestRefusal } from './request-refusal.ts';

export interface RequestBodies {
  /**
   * Reads the body of a request, and asks for it where the caller waits for that (Expect: 100-continue). Null as soon as it
   * is known to be larger than `maxBytes`, whatever its headers say; nothing more of it is read before the answer is sent. @throws RequestRefusal where the budget has no room for it.
   */
  read(request: IncomingMessage, response: ServerResponse, maxBytes: number): Promise<Buffer | null>;
  /** The request has been answered: its body counts no more. */
  release(request: IncomingMessage): void;
}

export interface RequestBodiesOptions {
  readonly budget: BodyBudget;
  /** The address that a request's body counts for. */
  readonly toAddress: (request: IncomingMessage) => string;
}

const NOTHING = Buffer.alloc(0);
/** A body that arrives in one piece of at most this size is not counted: even a full budget lets it through. */
const MAX_UNCOUNTED_BYTES = 16_384;
/** Node's own part of each piece of a body. */
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
      // Its credentials took a moment to check, and the caller has left meanwhile.
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

/** A class, since it lets go of what it does not need any more: the listeners stay for as long as the request. */
class ArrivingBody {
  readonly #request: IncomingMessage;
  readonly #maxBytes: number;
  readonly #account: Account;
  /** Both are null once the body is given, or not wanted any more. */
  #resolve: ((body: Buffer | null) => void) | null;
  #reject: ((error: Error) => void) | null;
  /** Most bodies come in one piece. */
  #first: Buffer | null = null;
  #others: Buffer[] | null = null;
  #bytes = 0;
  #counted: CountedBody | null = null;
  #isWhole = false;

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
    if (!this.#counted && this.#isSmallAndWhole()) return;
    this.#counted ??= this.#account.open(this.#request, (refusal) => this.#giveUp(refusal));
    this.#account.budget.receive(this.#counted, Math.max(chunk.length, MIN_PIECE_BYTES));
  }

  end(): void {
    this.#isWhole = true;
    if (this.#counted && this.#resolve) this.#account.budget.complete(this.#counted);
    if (this.#resolve) arrivedBodies.add(() => this.#give());
  }

  fail(error: Error): void {
    // What has arrived in full is to be answered, even where its caller leaves in the same turn.
    if (!this.#isWhole) this.#giveUp(error);
  }

  #isSmallAndWhole(): boolean {
    return this.#bytes <= MAX_UNCOUNTED_BYTES && this.#bytes === Number(this.#request.headers['content-length']);
  }

  #give(): void {
    const first = this.#first ?? NOTHING;
    try {
      this.#resolve?.(this.#others ? Buffer.concat([first, ...this.#others]) : first);
    } catch (error) {
      this.#reject?.(error as Error);
    }
    this.#letGo();
  }

  #giveUp(error: Error): void {
    this.#reject?.(error);
    this.#stop();
  }

  #stop(): void {
    this.#request.pause();
    this.#letGo();
  }

  #letGo(): void {
    this.#resolve = this.#reject = this.#first = this.#others = null;
  }
}

/** Whether a body is UTF-8, and what a form's escapes stand for as well: decoding would put U+FFFD where it is not. */
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
