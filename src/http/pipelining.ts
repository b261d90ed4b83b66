import type { RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { sendError } from './answer.ts';
import { endsConnection } from './connections.ts';
import type { HttpBounds } from './bounds.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { toRequestId } from '../telemetry/request-record.ts';

export interface PipeliningOptions {
  readonly bounds: Pick<HttpBounds, 'maxPipelined' | 'maxWaiting'>;
  readonly metrics: Pick<Metrics, 'countRefusal'>;
  readonly handle: RequestListener;
}

/** Handles a request, or lets it wait for those before it; `previous` is the answer before its own on the connection. */
export type PipelinedListener = (...request: [...Parameters<RequestListener>, previous: ServerResponse | null]) => void;

/** The requests of a connection that are not answered yet, in their order. */
interface Pipeline {
  readonly handled: ServerResponse[];
  readonly waiting: Parameters<RequestListener>[];
  /** The next answer is the last: nothing behind it is handled. */
  isRefused: boolean;
}

/**
 * Bounds the requests of one connection that are handled at the same time. Node emits all requests of up to 64 KB at once;
 * those beyond the bound wait here, and the connection is not read until they are handled.
 */
export function createPipelining({ bounds, metrics, handle }: PipeliningOptions): PipelinedListener {
  const pipelines = new WeakMap<Socket, Pipeline>();
  let allWaiting = 0;

  const open = (socket: Socket): Pipeline => {
    const pipeline: Pipeline = { handled: [], waiting: [], isRefused: false };
    pipelines.set(socket, pipeline);
    // Node reads on by itself, after each message and when answers have been sent.
    socket.on('resume', () => pauseWhileFull(socket, pipeline));
    socket.once('close', () => {
      allWaiting -= pipeline.waiting.splice(0).length;
    });
    return pipeline;
  };
  const advance = (socket: Socket, pipeline: Pipeline): void => {
    const { handled, waiting } = pipeline;
    if (socket.destroyed) return;
    dropAnswered(handled);
    for (let next = waiting[0]; next && handled.length < bounds.maxPipelined; next = waiting[0]) {
      waiting.shift();
      allWaiting -= 1;
      handled.push(next[1]);
      handle(...next);
      // What is behind would be done and never answered.
      if (endsConnection(next[1])) return;
    }
    if (waiting.length > 0) advanceLater(socket, pipeline);
    else socket.resume();
  };
  /** In a later turn of the event loop: answers that are sent at once would go on without letting others in. */
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
    // In the midst of a chunk Node would read on.
    queueMicrotask(() => pauseWhileFull(socket, pipeline));
    if (allWaiting >= bounds.maxWaiting) {
      pipeline.isRefused = true;
      metrics.countRefusal('waiting_requests');
      response.setHeader('Connection', 'close');
      const requestId = toRequestId(request.headers['x-request-id']?.toString());
      const facts = { code: 'OVERLOADED', requestId, retryable: true } as const;
      return sendError(response, 503, 'Too many pipelined requests are waiting.', facts);
    }
    allWaiting += 1;
    if (waiting.push([request, response]) > 1) return;
    metrics.countRefusal('pipelined_requests');
    advanceLater(socket, pipeline);
  };
}

function pauseWhileFull(socket: Socket, { waiting, isRefused }: Pipeline): void {
  if (waiting.length > 0 || isRefused) socket.pause();
}

function dropAnswered(handled: ServerResponse[]): void {
  while (handled[0] && isAnswered(handled[0])) handled.shift();
}

function isAnswered(answer: ServerResponse): boolean {
  return answer.writableFinished || answer.destroyed;
}
