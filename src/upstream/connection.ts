import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';

// Bun puts an unfinished shim in the place of "undici", but not of the file.
import { type buildConnector, Client, type Dispatcher } from 'undici/index.js';

/** One connection to the service at a time, for one request at a time; it is made when a request needs it, again if it has ended. */
export class Connection {
  readonly #client: Client;
  /** Null before the first is made. */
  socket: AnswerSocket | null = null;
  /** How many answers the present socket has brought. */
  answers = 0;

  constructor(origin: string, connect: buildConnector.connector) {
    this.#client = new Client(origin, {
      connect: (options, callback) =>
        connect(options, (...result) => {
          const [error, socket] = result;
          if (!error) {
            this.socket = new AnswerSocket(socket);
            this.answers = 0;
          }
          callback(...result);
        }),
      allowH2: false,
      headersTimeout: 0,
      bodyTimeout: 0,
      // Nothing is pipelined, for a connection has one request at a time, and no POST goes behind another. With 1, undici waits
      // a turn of the event loop after each answer for a connection to be closed, as the pool does; both wait before the next request.
      pipelining: 2,
    });
  }

  dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#client.dispatch(request, handler);
  }

  /** To be called when an answer has been read to its end. */
  countAnswer(): void {
    this.answers += 1;
    this.socket?.endAnswer();
  }

  /** True while a request has had no byte of an answer. */
  awaitsFirstByte(): boolean {
    return this.socket?.awaitsFirstByte() === true;
  }

  destroy(): Promise<void> {
    return this.#client.destroy();
  }
}

/** The start of an interim answer, which is followed by two more digits. */
const INTERIM = 'HTTP/1.1 1';
const STATUS_END = 12;
const FIRST_DIGIT = INTERIM.length - 1;
const ONE = 0x31;
const SWITCHING_PROTOCOLS = 'HTTP/1.1 101';
/** A larger one is left to undici, which refuses it. */
const MAX_INTERIM_BYTES = 16_384;

/**
 * The socket of a connection as undici reads from it. Interim answers (1xx) in front of an answer are left out: undici drops the
 * connection on a 100 that was not asked for, when the request is sent already. Bytes on an idle
 * connection end it, since what follows would be answers to other requests; undici passes over line breaks there.
 */
export class AnswerSocket {
  readonly #socket: Socket;
  #state: 'idle' | 'awaiting' | 'interim' | 'passing' = 'idle';
  #held: Buffer | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
    const read = socket.read.bind(socket);
    socket.read = (size?: number) => {
      const chunk = read(size) as Buffer | null;
      if (chunk === null || this.#state === 'passing') return chunk;
      if (this.#state !== 'idle') return this.#skipInterim(chunk);
      this.destroy();
      return null;
    };
  }

  /** To be called before the first byte of a request leaves. */
  expectAnswer(): void {
    this.#state = 'awaiting';
  }

  /** To be called when an answer has been read to its end. */
  endAnswer(): void {
    this.#state = 'idle';
  }

  /** True while a request has had no byte of an answer. */
  awaitsFirstByte(): boolean {
    return this.#state === 'awaiting';
  }

  /** Ends the connection; a request that is written to it is lost, one that still waits gets a new connection. */
  destroy(): void {
    this.#socket.destroy();
  }

  #skipInterim(chunk: Buffer): Buffer | null {
    let bytes = this.#held ? Buffer.concat([this.#held, chunk]) : chunk;
    this.#held = null;
    while (mayBeInterim(bytes)) {
      const end = bytes.length < STATUS_END ? -1 : bytes.indexOf('\r\n\r\n');
      if ((end === -1 ? bytes.length : end) > MAX_INTERIM_BYTES) break;
      this.#state = 'interim';
      if (end === -1) {
        this.#held = bytes;
        return null;
      }
      bytes = bytes.subarray(end + 4);
      if (bytes.length === 0) return null;
    }
    this.#state = 'passing';
    return bytes;
  }
}

/** True also while too few bytes are there to know. */
function mayBeInterim(bytes: Buffer): boolean {
  if (bytes.length > FIRST_DIGIT && bytes[FIRST_DIGIT] !== ONE) return false;
  const start = bytes.toString('latin1', 0, STATUS_END);
  return INTERIM.startsWith(start.slice(0, INTERIM.length)) && start !== SWITCHING_PROTOCOLS;
}
