import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';

// Bun replaces "undici" with an incomplete shim, but not "undici/index.js".
import { type buildConnector, Client, type Dispatcher } from 'undici/index.js';

/** A connection to the service for one request at a time. Its socket is opened when a request needs it, and again after it has closed. */
export class Connection {
  readonly #client: Client;
  /** Null before the first one is opened. */
  socket: AnswerSocket | null = null;
  /** The number of answers that the current socket has brought. */
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
    });
  }

  /**
   * May send the request again: if the socket closes before the request is started, undici opens a new one for it. A request that
   * was started (`onRequestStart`) is never repeated; it fails.
   */
  dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#client.dispatch(request, handler);
  }

  /** To be called at the end of an answer. */
  countAnswer(): void {
    this.answers += 1;
    this.socket?.endAnswer();
  }

  /** True if a request was sent and no byte of an answer has arrived. */
  awaitsFirstByte(): boolean {
    return this.socket?.awaitsFirstByte() === true;
  }

  destroy(): Promise<void> {
    return this.#client.destroy();
  }
}

/** The start of an interim answer (1xx), up to the first digit of its status. */
const INTERIM = 'HTTP/1.1 1';
const STATUS_END = 12;
const FIRST_DIGIT = INTERIM.length - 1;
const ONE = 0x31;
/** The code of the error that ends a connection after an answer of status 101. No request asks for it. */
export const PROTOCOL_SWITCH = 'PROTOCOL_SWITCH';
/** Larger ones are passed to undici, which rejects them. */
const MAX_INTERIM_BYTES = 16_384;

/**
 * Filters what undici reads from a socket. Interim answers (1xx) are skipped, because undici drops the connection on an
 * unsolicited 100 although the request has been sent. Bytes on an idle connection close it, because the next answers could
 * belong to other requests; undici itself would ignore line breaks there.
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

  /** To be called at the end of an answer. */
  endAnswer(): void {
    this.#state = 'idle';
  }

  /** True if a request was sent and no byte of an answer has arrived. */
  awaitsFirstByte(): boolean {
    return this.#state === 'awaiting';
  }

  /** Closes the socket. A request that was written to it is lost; one that was not started gets a new socket. */
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
      if (bytes.toString('latin1', FIRST_DIGIT, STATUS_END) === '101') {
        this.#socket.destroy(Object.assign(new Error('Switched to another protocol.'), { code: PROTOCOL_SWITCH }));
        return null;
      }
      bytes = bytes.subarray(end + 4);
      if (bytes.length === 0) return null;
    }
    this.#state = 'passing';
    return bytes;
  }
}

/** True for the start of an interim answer, and as long as there are too few bytes to tell. */
function mayBeInterim(bytes: Buffer): boolean {
  if (bytes.length > FIRST_DIGIT && bytes[FIRST_DIGIT] !== ONE) return false;
  return INTERIM.startsWith(bytes.toString('latin1', 0, INTERIM.length).replace('1.0', '1.1'));
}
