import { Buffer } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Dispatcher } from 'undici';
import { currentSteps, type StepUnderWay } from '../event-loop/request-steps.ts';
import type { Deadline, Phase } from '../event-loop/time-limit.ts';
import { createTurnBatch } from '../event-loop/turn-batch.ts';
import { isRefusal } from '../contract/envelope.ts';
import { type FailureCode, operationTimedOut, type TaskFailure } from '../contract/failure.ts';
import type { Operation } from '../contract/operations.ts';
import { decodeContent } from '../wire/text-encoding.ts';
import type { Connection, ConnectionPool } from './connection-pool.ts';
import { toTransportFailure, unreadable } from './transport-failure.ts';

export interface UpstreamRequest {
  /** Callers take turns when their requests wait for a connection; absent for the gateway's own requests. */
  readonly caller?: string;
  /** Its path names the request in metrics and traces. */
  readonly operation: Pick<Operation, 'path' | 'unknownFate'> & { readonly method: Operation['method'] | 'GET' };
  /** Relative to the base address, without a leading slash. */
  readonly path: string;
  /** Names and values in turn, equal for every request and therefore not checked again. */
  readonly fixedHeaders?: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  /** Null for a request without one. */
  readonly body: string | null;
  /** The request must not be sent after this time, in milliseconds of `performance.now()`; absent without such a limit. */
  readonly deadlineMs?: number | undefined;
}

export interface UpstreamAnswer {
  readonly status: number;
  readonly contentType: string | null;
  /** Decoded; empty if the answer broke off but its status is enough (5xx, and 4xx except 408 and 499). */
  readonly body: Buffer;
  /** Destroy it if the answer turns out to belong to another request, because the following answers would too. */
  readonly connection: { destroy(): void } | null;
}

/** Called for what the upstream client does. It never throws. */
export interface UpstreamObserver {
  /** A call ended; its time includes the wait for a connection. `result` is the status, or the failure code without an answer. */
  onCall(path: string, result: number | FailureCode, durationMs: number): void;
  /** An exchange ended, successfully or not. */
  onExchange(times: Pick<ServiceExchange, 'queuedMs' | 'dispatchedMs' | 'sentMs' | 'answeredMs' | 'endedMs'>): void;
  /** A limit refused a call, or an answer for its size. */
  onRefused(limit: 'in_flight' | 'caller_share' | 'connections' | 'operation_time' | 'upstream_answer_bytes'): void;
}

/** The parts that all exchanges with the service share. */
interface ServiceLink {
  readonly origin: string;
  /** Begins and ends with a slash. */
  readonly pathPrefix: string;
  readonly maxAnswerBytes: number;
  /** Gets the connection back once an exchange has ended and none of its bytes can still arrive on the connection. */
  readonly pool: ConnectionPool;
  readonly observer: UpstreamObserver | undefined;
}

const NOTHING = Buffer.alloc(0);
/** An answer repeats its request, perhaps with every character escaped, and adds little to it. */
const [ANSWER_BASE_BYTES, ANSWER_BYTES_PER_BODY_BYTE] = [1_048_576, 16];
const answeredExchanges = createTurnBatch();

/**
 * Sends one request, at most once, and reads its answer.
 * A class because each request needs one: as closures, its methods took an eighth of the memory that a request allocates.
 */
export class ServiceExchange implements Dispatcher.DispatchHandler, Phase {
  readonly #link: ServiceLink;
  readonly #request: UpstreamRequest;
  readonly #deadline: Deadline;
  readonly #resends: number;
  #connection!: Connection;
  #step: StepUnderWay | undefined;
  #resolve!: (answer: UpstreamAnswer) => void;
  #reject!: (failure: TaskFailure) => void;
  /** Set just before the first byte may leave; from then on a failure is UNKNOWN. */
  #sending: Dispatcher.DispatchController | null = null;
  #isSettled = false;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #maxAnswerBytes = 0;
  /** Most answers arrive as one chunk. */
  #first: Buffer | null = null;
  #others: Buffer[] | null = null;
  #receivedBytes = 0;

  // The starts of its phases in milliseconds of `performance.now()`; 0 for a phase that was not reached.
  readonly queuedMs = performance.now();
  /** A connection was assigned, which may still have to be opened. */
  dispatchedMs = 0;
  /** The first byte could leave. */
  sentMs = 0;
  /** The answer's headers arrived. */
  answeredMs = 0;
  /** The answer's last byte arrived. */
  endedMs = 0;

  /** @param resends The number of earlier exchanges for the same request. */
  constructor(link: ServiceLink, request: UpstreamRequest, deadline: Deadline, resends: number) {
    this.#link = link;
    this.#request = request;
    this.#deadline = deadline;
    this.#resends = resends;
  }

  /** @throws TaskFailure, whose outcome `toTransportFailure` decides: NOT_SENT if nothing was written, else UNKNOWN. */
  run(connection: Connection, dispatchedMs: number): Promise<UpstreamAnswer> {
    const { origin, pathPrefix, pool, maxAnswerBytes } = this.#link;
    const { operation, path: relativePath, fixedHeaders = [], headers, body } = this.#request;
    const { method } = operation;
    const [path, route] = [pathPrefix + relativePath, pathPrefix + operation.path];
    const bodyBytes = Buffer.byteLength(body ?? '');
    this.#maxAnswerBytes = Math.min(maxAnswerBytes, ANSWER_BASE_BYTES + ANSWER_BYTES_PER_BODY_BYTE * bodyBytes);
    this.#connection = connection;
    this.dispatchedMs = dispatchedMs;
    this.#deadline.phase = this;
    this.#step = currentSteps()?.begin({ kind: 'exchange', method, route, url: origin + path, resends: this.#resends });
    // A flat list of names and values costs undici the least.
    const list = [...fixedHeaders];
    for (const part of [headers, this.#step?.headers]) for (const name in part) list.push(name, part[name] ?? '');
    // `reset` asks the service to close, because the side that closes first keeps its port busy for a minute.
    const request = { path, method, headers: list, body, reset: pool.isReuseSuspended() };
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      connection.dispatch(request, this);
    });
  }

  onExpired(): void {
    this.#giveUp(this.#sending, this.#toFailure(null));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    const nowMs = performance.now();
    const { deadlineMs } = this.#request;
    if (this.#deadline.isExpired) this.onExpired();
    else if (deadlineMs !== undefined && nowMs >= deadlineMs) {
      this.#link.observer?.onRefused('operation_time');
      this.#fail(operationTimedOut());
    }
    // An exception at this point keeps undici from writing anything, and the connection stays usable.
    if (this.#isSettled) throw new Error('The time was up before the request was sent.');
    this.#sending = controller;
    this.#connection.expectAnswer();
    this.sentMs = nowMs;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.answeredMs = performance.now();
    this.#status = status;
    this.#headers = headers;
    if (Number(headers['content-length']) > this.#maxAnswerBytes) this.#refuseSize(controller);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#receivedBytes += chunk.length;
    if (this.#receivedBytes > this.#maxAnswerBytes) this.#refuseSize(controller);
    else if (this.#first === null) this.#first = chunk;
    else (this.#others ??= []).push(chunk);
  }

  onResponseEnd(): void {
    this.endedMs = performance.now();
    const first = this.#first ?? NOTHING;
    const received = this.#others ? Buffer.concat([first, ...this.#others], this.#receivedBytes) : first;
    const [contentType, encoding] = [single(this.#headers['content-type']), single(this.#headers['content-encoding'])];
    const { socket } = this.#connection;
    try {
      const body = decodeContent(received, encoding, this.#maxAnswerBytes);
      this.#succeed({ status: this.#status, contentType, body, connection: socket });
    } catch (error) {
      this.#fail(this.#unreadable('is encoded in a way that cannot be read', error));
    }
    this.#link.pool.release(this.#connection, 'answered');
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    const end = this.#isSettled ? 'abandoned' : 'lost';
    this.#fail(this.#toFailure(error));
    this.#link.pool.release(this.#connection, end);
  }

  #refuseSize(controller: Dispatcher.DispatchController): void {
    this.#link.observer?.onRefused('upstream_answer_bytes');
    this.#giveUp(controller, this.#unreadable(`is larger than ${this.#maxAnswerBytes} bytes`));
  }

  #toFailure(cause: Error | null): TaskFailure {
    return toTransportFailure(this.#sending !== null, cause, this.#request.operation.unknownFate);
  }

  #unreadable(problem: string, cause?: unknown): TaskFailure {
    return unreadable(problem, this.#request.operation.unknownFate, cause);
  }

  #giveUp(controller: Dispatcher.DispatchController | null, failure: TaskFailure): void {
    this.#fail(failure);
    controller?.abort(failure);
  }

  #fail(failure: TaskFailure): void {
    if (this.#isSettled) return;
    // The meaning of such a status does not depend on the body.
    if (this.#status >= 500 || isRefusal(this.#status))
      return this.#succeed({ status: this.#status, contentType: null, body: NOTHING, connection: null });
    this.#settle();
    this.#step?.end({ error: failure });
    this.#reject(failure);
  }

  #succeed(answer: UpstreamAnswer): void {
    this.#settle();
    this.#step?.end(answer);
    answeredExchanges.add(() => this.#resolve(answer));
  }

  #settle(): void {
    this.#isSettled = true;
    this.#deadline.phase = null;
    this.#link.observer?.onExchange(this);
  }
}

function single(value: string | string[] | undefined): string | null {
  return (Array.isArray(value) ? value[0] : value) ?? null;
}
