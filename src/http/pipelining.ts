import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { CLOSING, RequestRefusal } from './answer.ts';
import { endsConnection } from './connections.ts';
import type { HttpBounds } from './bounds.ts';
import type { Metrics } from '../telemetry/metrics.ts';

export interface PipeliningOptions {
  readonly bounds: Pick<HttpBounds, 'maxPipelined' | 'maxWaiting'>;
  readonly metrics: Pick<Metrics, 'countRefusal'>;
  /** Answers a request, with the refusal if there is one. */
  readonly handle: (request: IncomingMessage, response: ServerResponse, refusal?: RequestRefusal) => void;
}

/** Handles a request, or queues it behind earlier ones; `previous` is the preceding answer on its connection. */
export type PipelinedListener = (
  request: IncomingMessage,
  response: ServerResponse,
  previous: ServerResponse | null,
) => void;

/** The unanswered requests of a connection, in order. */
interface Pipeline {
  readonly handled: ServerResponse[];
  readonly waiting: [request: IncomingMessage, response: ServerResponse][];
  /** True if a request was refused, after which no other is handled. */
  isRefused: boolean;
}

/**
 * Limits the requests of one connection that are handled at the same time. Node emits all requests in 64 KB at once; those
 * beyond the limit wait here, and the connection is not read until they are handled.
 */
export function createPipelining({ bounds, metrics, handle }: PipeliningOptions): PipelinedListener {
  const pipelines = new WeakMap<Socket, Pipeline>();
  let waitingCount = 0;

  const open = (socket: Socket): Pipeline => {
    const pipeline: Pipeline = { handled: [], waiting: [], isRefused: false };
    pipelines.set(socket, pipeline);
    // Node resumes the socket itself, after each message and when answers have been sent.
    socket.on('resume', () => pauseWhileFull(socket, pipeline));
    socket.once('close', () => {
      waitingCount -= pipeline.waiting.splice(0).length;
    });
    return pipeline;
  };
  const advance = (socket: Socket, pipeline: Pipeline): void => {
    const { handled, waiting } = pipeline;
    if (socket.destroyed) return;
    dropAnswered(handled);
    for (let next = waiting[0]; next && handled.length < bounds.maxPipelined; next = waiting[0]) {
      waiting.shift();
      waitingCount -= 1;
      handled.push(next[1]);
      handle(...next);
      // Later requests would run but never be answered.
      if (endsConnection(next[1])) return;
    }
    if (waiting.length > 0) advanceLater(socket, pipeline);
    else socket.resume();
  };
  /** Advances in a later turn of the event loop, so that immediate answers do not starve other connections. */
  const advanceLater = (socket: Socket, pipeline: Pipeline): void => {
    pipeline.handled[0]?.once('close', () => setImmediate(advance, socket, pipeline));
  };
  return (request, response, previous) => {
    if (previous === null || isAnswered(previous)) return handle(request, response);
    const { socket } = request;
    const pipeline = pipelines.get(socket) ?? open(socket);
    const { handled, waiting, isRefused } = pipeline;
    if (isRefused) return;
    dropAnswered(handled);
    if (waiting.length === 0 && handled.at(-1) !== previous) handled.push(previous);
    if (waiting.length === 0 && handled.length < bounds.maxPipelined) {
      handled.push(response);
      return handle(request, response);
    }
    // In the middle of a chunk, Node would resume the socket.
    queueMicrotask(() => pauseWhileFull(socket, pipeline));
    if (waitingCount >= bounds.maxWaiting) {
      pipeline.isRefused = true;
      return handle(request, response, tooManyWaiting());
    }
    waitingCount += 1;
    if (waiting.push([request, response]) > 1) return;
    metrics.countRefusal('pipelined_requests');
    advanceLater(socket, pipeline);
  };
}

function pauseWhileFull(socket: Socket, { waiting, isRefused }: Pipeline): void {
  if (waiting.length > 0 || isRefused) socket.pause();
}

function tooManyWaiting(): RequestRefusal {
  return new RequestRefusal('Too many pipelined requests are waiting. Nothing was sent.', {
    status: 503,
    code: 'OVERLOADED',
    retryable: true,
    headers: CLOSING,
    limit: 'waiting_requests',
  });
}

function dropAnswered(handled: ServerResponse[]): void {
  while (handled[0] && isAnswered(handled[0])) handled.shift();
}

function isAnswered(answer: ServerResponse): boolean {
  return answer.writableFinished || answer.destroyed;
}
