import { connect, type Socket } from 'node:net';

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  /** The latency of every request in milliseconds, sorted. */
  readonly latenciesMs: readonly number[];
}

const HEAD_END = Buffer.from('\r\n\r\n');

/** The requests to send, and the check of their answers. */
export interface Question {
  /** The next request, head and body. */
  readonly request: () => Buffer;
  readonly isAnswer: (body: Buffer) => boolean;
}

/** Repeats one request with a constant answer. */
export function repeated(request: Buffer, answer: Buffer): Question {
  return { request: () => request, isAnswer: (body) => body.equals(answer) };
}

/** Sends requests one after the other on each connection until the time is over, and checks every answer. */
export async function load(url: URL, question: Question, connections: number, ms: number): Promise<LoadResult> {
  const latenciesMs: number[] = [];
  const startedMs = performance.now();
  const isOver = () => performance.now() - startedMs >= ms;
  const rest = stayAwake();
  await Promise.all(
    Array.from({ length: connections }, () => runConnection(url, question, isOver, latenciesMs)),
  ).finally(rest);
  const seconds = (performance.now() - startedMs) / 1000;
  return { requests: latenciesMs.length, seconds, latenciesMs: latenciesMs.toSorted((a, b) => a - b) };
}

/**
 * Keeps this process, which also runs the service, busy while it waits; returns a function that ends this. A process that
 * writes to a sleeping core pays for waking it, and slower programs would pay more often.
 */
function stayAwake(): () => void {
  let isAwake = true;
  const turn = (): void => {
    if (isAwake) setImmediate(turn);
  };
  turn();
  return () => {
    isAwake = false;
  };
}

/** Returns the body of one answer, to be checked before the load starts. */
export function ask(url: URL, request: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connectTo(url);
    readAnswers(socket, (body) => {
      socket.destroy();
      resolve(Buffer.from(body));
    });
    socket.on('error', reject);
    socket.write(request);
  });
}

function runConnection(
  url: URL,
  { request, isAnswer }: Question,
  isOver: () => boolean,
  latenciesMs: number[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connectTo(url);
    let sentMs = 0;
    const send = (): void => {
      sentMs = performance.now();
      socket.write(request());
    };
    readAnswers(socket, (body) => {
      latenciesMs.push(performance.now() - sentMs);
      if (!isAnswer(body)) {
        socket.destroy();
        reject(new Error(`An answer was not as expected: ${body.toString().slice(0, 300)}`));
      } else if (isOver()) {
        socket.destroy();
        resolve();
      } else send();
    });
    socket.on('error', reject);
    socket.on('connect', send);
  });
}

function connectTo(url: URL): Socket {
  const socket = connect(Number(url.port), url.hostname);
  socket.setNoDelay(true);
  return socket;
}

/** Parses answers with a Content-Length, or in chunks whose last one ends a read. */
function readAnswers(socket: Socket, onBody: (body: Buffer) => void): void {
  let pending: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    const headEnd = pending.indexOf(HEAD_END);
    if (headEnd === -1) return;
    const head = pending.toString('latin1', 0, headEnd);
    if (!head.startsWith('HTTP/1.1 200')) {
      socket.destroy(new Error(`An answer was not 200: ${head.slice(0, 200)}`));
      return;
    }
    const start = headEnd + HEAD_END.length;
    const [, length] = /content-length: (\d+)/i.exec(head) ?? [];
    if (length === undefined) {
      if (!pending.subarray(-5).equals(Buffer.from('0\r\n\r\n'))) return;
      const body = dechunk(pending.subarray(start));
      pending = Buffer.alloc(0);
      onBody(body);
      return;
    }
    const end = start + Number(length);
    if (pending.length < end) return;
    const body = pending.subarray(start, end);
    pending = pending.subarray(end);
    onBody(body);
  });
}

function dechunk(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (!size) return Buffer.concat(parts);
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}
