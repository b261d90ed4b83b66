import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { TaskFailure } from '../contract/failure.ts';
import { decodeContent } from './content-encoding.ts';
import type { Deadline } from './deadline.ts';
import { broken, timedOut, unreachable, unreadable } from './transport-failure.ts';
import type { ExchangeTimes } from './upstream-observer.ts';

export interface UpstreamAnswer {
  readonly status: number;
  readonly contentType: string | null;
  /** Decoded; empty when the answer broke off but its status says everything (401, 403, 429, 5xx). */
  readonly body: Buffer;
}

export interface Exchange {
  readonly dispatcher: Dispatcher;
  readonly request: Dispatcher.DispatchOptions;
  readonly maxAnswerBytes: number;
  readonly deadline: Deadline;
  /** Where the exchange notes its phases; null: nobody asks. */
  readonly times: ExchangeTimes | null;
  /** Called once, when the dispatcher holds nothing of the request any more; not before the promise settles. */
  readonly onLetGo: () => void;
}

const NOTHING = Buffer.alloc(0);

/**
 * Sends one request, at most once, and reads its answer.
 * @throws TaskFailure: NOT_SENT when nothing was written, else UNKNOWN.
 */
export function exchange({
  dispatcher,
  request,
  maxAnswerBytes,
  deadline,
  times,
  onLetGo,
}: Exchange): Promise<UpstreamAnswer> {
  return new Promise((resolve, reject) => {
    /** Set at the last moment before the first byte may leave. */
    let sending: Dispatcher.DispatchController | null = null;
    let isSettled = false;
    let status = 0;
    let contentType: string | null = null;
    let contentEncoding: string | null = null;
    /** Most answers come in one piece. */
    let first: Buffer | null = null;
    let others: Buffer[] | null = null;
    let receivedBytes = 0;

    const fail = (failure: TaskFailure): void => {
      if (isSettled) return;
      isSettled = true;
      deadline.onOver = null;
      if (statusDecides(status)) resolve({ status, contentType: null, body: NOTHING });
      else reject(failure);
    };
    const giveUp = (controller: Dispatcher.DispatchController, failure: TaskFailure): void => {
      fail(failure);
      controller.abort(failure);
    };
    deadline.onOver = () => {
      if (sending) giveUp(sending, timedOut());
      else fail(unreachable(null));
    };

    dispatcher.dispatch(request, {
      onRequestStart(controller) {
        // Thrown here, nothing is written and the connection stays usable.
        if (isSettled) throw new Error('The time was up before the request was sent.');
        sending = controller;
        if (times) times.sentMs = performance.now();
      },
      onResponseStart(controller, statusCode, headers) {
        if (statusCode === 101) giveUp(controller, unreadable('switches to another protocol'));
        if (statusCode < 200) return;
        if (times) times.answeredMs = performance.now();
        status = statusCode;
        contentType = single(headers, 'content-type');
        contentEncoding = single(headers, 'content-encoding');
        if (Number(headers['content-length']) > maxAnswerBytes) giveUp(controller, unreadable('is too large'));
      },
      onResponseData(controller, chunk) {
        receivedBytes += chunk.length;
        if (receivedBytes > maxAnswerBytes) giveUp(controller, unreadable('is too large'));
        else if (first === null) first = chunk;
        else (others ??= []).push(chunk);
      },
      onResponseEnd() {
        if (times) times.endedMs = performance.now();
        const received = others ? Buffer.concat([first ?? NOTHING, ...others], receivedBytes) : (first ?? NOTHING);
        try {
          const body = decodeContent(received, contentEncoding, maxAnswerBytes);
          isSettled = true;
          deadline.onOver = null;
          resolve({ status, contentType, body });
        } catch (error) {
          fail(unreadable('is encoded in a way that cannot be read', error));
        }
        onLetGo();
      },
      onResponseError(_controller, error) {
        fail(sending ? broken(error) : unreachable(error));
        onLetGo();
      },
    });
  });
}

/** Statuses whose meaning does not depend on the body. */
function statusDecides(status: number): boolean {
  return status >= 500 || status === 401 || status === 403 || status === 429;
}

function single(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
}
