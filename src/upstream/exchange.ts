import { Buffer } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Dispatcher } from 'undici';
import type { StepUnderWay } from '../event-loop/request-steps.ts';
import type { Deadline, Phase } from '../event-loop/time-limit.ts';
import { createTurnBatch } from '../event-loop/turn-batch.ts';
import { isRefusal } from '../contract/envelope.ts';
import { type FailureCode, operationTimedOut, type TaskFailure } from '../contract/failure.ts';
import { decodeContent } from './answer-content.ts';
import type { Connection } from './connection.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { toTransportFailure, unreadable } from './transport-failure.ts';

export interface UpstreamAnswer {
  readonly status: number;
  readonly contentType: string | null;
  /** Decoded; empty if the answer broke off but its status is enough (5xx, and 4xx except 408 and 499). */
  readonly body: Buffer;
  /** Destroy it if the answer turns out to belong to another request, because the following answers would too. */
  readonly connection: { destroy(): void } | null;
}

/** The start of each phase of an exchange, in milliseconds of `performance.now()`; 0 for a phase that was not reached. */
export interface ExchangeTimes {
  /** The request was queued for a connection. */
  readonly queuedMs: number;
  /** A connection was assigned, which may still have to be opened. */
  dispatchedMs: number;
  /** The first byte could leave. */
  sentMs: number;
  /** The answer's headers arrived. */
  answeredMs: number;
  /** The answer's last byte arrived. */
  endedMs: number;
}

/** Called for what the upstream client does. It never throws. */
export interface UpstreamObserver {
  /** A call ended; its time includes the wait for a connection. `result` is the status, or the failure code without an answer. */
  onCall(path: string, result: number | FailureCode, durationMs: number): void;
  /** An exchange ended, successfully or not. */
  onExchange(times: ExchangeTimes): void;
  /**
   * A limit refused a call (too many in flight, the caller's share, no free connection in time, the operation's time limit) or an
   * answer (its size).
   */
  onRefused(limit: 'in_flight' | 'caller_share' | 'connections' | 'operation_time' | 'upstream_answer_bytes'): void;
}

export interface ExchangeOptions {
  /** The fate of the request if no trustworthy answer comes, for the failure's message. */
  readonly unknownFate: string;
  readonly maxAnswerBytes: number;
  readonly deadline: Deadline;
  /** The request must not be sent after this time; undefined without such a limit. */
  readonly deadlineMs: number | undefined;
  /** The time of the request for a connection, in milliseconds of `performance.now()`. */
  readonly queuedMs: number;
  /** The time when a connection was assigned. */
  readonly dispatchedMs: number;
  /** Receives the times of the phases at the end. */
  readonly observer: UpstreamObserver | undefined;
  /** Ended together with the exchange. */
  readonly step: StepUnderWay | undefined;
  /** Gets the connection back once the exchange has ended and none of its bytes can still arrive on the connection. */
  readonly pool: Pick<ConnectionPool, 'release'>;
}

const NOTHING = Buffer.alloc(0);
const answeredExchanges = createTurnBatch();

/**
 * Sends one request, at most once, and reads its answer.
 * @throws TaskFailure, whose outcome `toTransportFailure` decides: NOT_SENT if nothing was written, else UNKNOWN.
 */
export function exchange(
  connection: Connection,
  request: Dispatcher.DispatchOptions,
  options: ExchangeOptions,
): Promise<UpstreamAnswer> {
  return new Promise((resolve, reject) => {
    connection.dispatch(request, new Exchange(connection, options, resolve, reject));
  });
}

/** A class because each request needs one: as closures, its methods took an eighth of the memory that a request allocates. */
class Exchange implements Dispatcher.DispatchHandler, ExchangeTimes, Phase {
  readonly #connection: Connection;
  readonly #options: ExchangeOptions;
  readonly #resolve: (answer: UpstreamAnswer) => void;
  readonly #reject: (failure: TaskFailure) => void;
  /** Set just before the first byte may leave; from then on a failure is UNKNOWN. */
  #sending: Dispatcher.DispatchController | null = null;
  #isSettled = false;
  #status = 0;
  #contentType: string | null = null;
  #contentEncoding: string | null = null;
  /** Most answers arrive as one chunk. */
  #first: Buffer | null = null;
  #others: Buffer[] | null = null;
  #receivedBytes = 0;

  readonly queuedMs: number;
  readonly dispatchedMs: number;
  sentMs = 0;
  answeredMs = 0;
  endedMs = 0;

  constructor(
    connection: Connection,
    options: ExchangeOptions,
    resolve: (answer: UpstreamAnswer) => void,
    reject: (failure: TaskFailure) => void,
  ) {
    this.#connection = connection;
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
    this.queuedMs = options.queuedMs;
    this.dispatchedMs = options.dispatchedMs;
    options.deadline.phase = this;
  }

  onExpired(): void {
    const failure = toTransportFailure(this.#sending !== null, null, this.#options.unknownFate);
    if (this.#sending) this.#giveUp(this.#sending, failure);
    else this.#fail(failure);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#options.deadline.isExpired) {
      this.onExpired();
      // An exception at this point keeps undici from writing anything, and the connection stays usable.
      throw new Error('The time was up before the request was sent.');
    }
    const nowMs = performance.now();
    const { deadlineMs, observer } = this.#options;
    if (deadlineMs !== undefined && nowMs >= deadlineMs) {
      observer?.onRefused('operation_time');
      this.#fail(operationTimedOut());
      throw new Error('The time of the operation was up before the request was sent.');
    }
    this.#sending = controller;
    this.#connection.socket?.expectAnswer();
    this.sentMs = nowMs;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.answeredMs = performance.now();
    this.#status = status;
    this.#contentType = single(headers['content-type']);
    this.#contentEncoding = single(headers['content-encoding']);
    if (Number(headers['content-length']) > this.#options.maxAnswerBytes) this.#refuseSize(controller);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#receivedBytes += chunk.length;
    if (this.#receivedBytes > this.#options.maxAnswerBytes) this.#refuseSize(controller);
    else if (this.#first === null) this.#first = chunk;
    else (this.#others ??= []).push(chunk);
  }

  onResponseEnd(): void {
    this.endedMs = performance.now();
    const first = this.#first ?? NOTHING;
    const received = this.#others ? Buffer.concat([first, ...this.#others], this.#receivedBytes) : first;
    try {
      const body = decodeContent(received, this.#contentEncoding, this.#options.maxAnswerBytes);
      this.#succeed({
        status: this.#status,
        contentType: this.#contentType,
        body,
        connection: this.#connection.socket,
      });
    } catch (error) {
      this.#fail(unreadable('is encoded in a way that cannot be read', this.#options.unknownFate, error));
    }
    this.#options.pool.release(this.#connection, 'answered');
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    const end = this.#isSettled ? 'abandoned' : 'lost';
    this.#fail(toTransportFailure(this.#sending !== null, error, this.#options.unknownFate));
    this.#options.pool.release(this.#connection, end);
  }

  #refuseSize(controller: Dispatcher.DispatchController): void {
    this.#options.observer?.onRefused('upstream_answer_bytes');
    const { maxAnswerBytes, unknownFate } = this.#options;
    this.#giveUp(controller, unreadable(`is larger than ${maxAnswerBytes} bytes`, unknownFate));
  }

  #giveUp(controller: Dispatcher.DispatchController, failure: TaskFailure): void {
    this.#fail(failure);
    controller.abort(failure);
  }

  #fail(failure: TaskFailure): void {
    if (this.#isSettled) return;
    if (statusDecides(this.#status)) {
      this.#succeed({ status: this.#status, contentType: null, body: NOTHING, connection: null });
      return;
    }
    this.#settle();
    this.#options.step?.end({ error: failure });
    this.#reject(failure);
  }

  #succeed(answer: UpstreamAnswer): void {
    this.#settle();
    this.#options.step?.end(answer);
    answeredExchanges.add(() => this.#resolve(answer));
  }

  #settle(): void {
    this.#isSettled = true;
    this.#options.deadline.phase = null;
    this.#options.observer?.onExchange(this);
  }
}

/** True for a status whose meaning does not depend on the body. */
function statusDecides(status: number): boolean {
  return status >= 500 || isRefusal(status);
}

function single(value: string | string[] | undefined): string | null {
  return (Array.isArray(value) ? value[0] : value) ?? null;
}
