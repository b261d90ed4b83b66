import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
// Bun replaces "undici" with an incomplete shim, but not "undici/index.js".
import { type buildConnector, Client, type Dispatcher } from 'undici/index.js';
import type { Deadline } from '../event-loop/time-limit.ts';
import { FairQueue } from './calls-in-flight.ts';
import { PROTOCOL_SWITCH } from './transport-failure.ts';

export type ConnectionPool = ReturnType<typeof createConnectionPool>;

/** The end of an exchange: `lost` if the connection failed, `abandoned` if the gateway gave up. */
export type ExchangeEnd = 'answered' | 'lost' | 'abandoned';

/**
 * The connections to the service; each carries one request at a time. Requests that find none free wait here, and callers take
 * turns. undici's own pool scans all of its connections for every request; this one takes the most recently released.
 */
export function createConnectionPool(max: number, origin: string, connect: buildConnector.connector) {
  const reuse = createConnectionReuse(() => performance.now());
  const all: Connection[] = [];
  const free: Connection[] = [];
  /** Released connections, until the event loop could have noticed that the service closed them. */
  let resting: Connection[] = [];
  const waiting = new FairQueue<Connection>();

  /** Closes the socket of a connection that must not be reused; the next request then opens a new socket. */
  const prepare = (connection: Connection): Connection => {
    if (connection.answers > 0 && !reuse.allows(connection)) connection.socket?.destroy();
    return connection;
  };
  const endRest = (): void => {
    const rested = resting;
    resting = [];
    for (const connection of rested) {
      if (waiting.size > 0) waiting.give(prepare(connection));
      else free.push(connection);
    }
  };
  return {
    /** Returns a connection for exclusive use, which may still have to be opened; null if the deadline expires before one is free. */
    acquire(deadline: Deadline, caller: string): Connection | Promise<Connection | null> {
      const connection = free.pop();
      if (connection) return prepare(connection);
      // A resting connection becomes free within this event-loop turn, so it is worth waiting for.
      if (all.length >= max || resting.length > waiting.size) return waiting.wait(caller, deadline);
      const another = new Connection(origin, connect);
      all.push(another);
      return another;
    },
    /** Takes a connection back. It is reused only after the event loop could have noticed that the service closed it. */
    release(connection: Connection, end: ExchangeEnd): void {
      reuse.noteEnd(connection, end);
      if (end === 'answered') connection.countAnswer();
      if (resting.length === 0) setImmediate(endRest);
      resting.push(connection);
    },
    /** True while connections are not reused. */
    isReuseSuspended: reuse.isSuspended,
    /** The number of waiting requests. */
    waiting: () => waiting.size,
    /** Closes all connections. */
    async destroy(): Promise<void> {
      await Promise.all(all.map((connection) => connection.destroy()));
    },
  };
}

const SUSPENSION_MS = 60_000;

/**
 * Decides whether a connection may carry another request after an answer. Some services close each connection after its answer
 * without announcing it, and the fate of a request that is written to such a connection is UNKNOWN. So the first reuse is a trial
 * with a single request. If a reused connection is lost before the first byte of an answer, reuse is suspended for a minute.
 * @param now Returns the milliseconds of a monotonic clock.
 */
export function createConnectionReuse(now: () => number) {
  let isProven = false;
  let trial: Connection | null = null;
  let suspendedUntilMs = 0;
  const isSuspended = (): boolean => suspendedUntilMs > 0 && now() < suspendedUntilMs;
  return {
    /** To be called before a connection that has brought an answer carries another request. */
    allows(connection: Connection): boolean {
      if (isProven) return true;
      if (trial || isSuspended()) return false;
      trial = connection;
      return true;
    },
    isSuspended,
    /** To be called for the end of each exchange, before the connection counts its answer. */
    noteEnd(connection: Connection, end: ExchangeEnd): void {
      const isReused = connection.answers > 0;
      if (isReused && end === 'lost' && connection.awaitsFirstByte()) {
        isProven = false;
        suspendedUntilMs = now() + SUSPENSION_MS;
        trial = null;
      } else if (connection === trial) {
        // If the connection ended before the request was written, the request opened a new one and proved nothing.
        isProven = isReused && end === 'answered';
        trial = null;
      }
    },
  };
}

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

  /** To be called before the first byte of a request leaves. */
  expectAnswer(): void {
    if (this.socket) this.socket.state = 'awaiting';
  }

  /** To be called at the end of an answer. */
  countAnswer(): void {
    this.answers += 1;
    if (this.socket) this.socket.state = 'idle';
  }

  /** True if a request was sent and no byte of an answer has arrived. */
  awaitsFirstByte(): boolean {
    return this.socket?.state === 'awaiting';
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
/** Larger ones are passed to undici, which rejects them. */
const MAX_INTERIM_BYTES = 16_384;

/**
 * Filters what undici reads from a socket. Interim answers (1xx) are skipped, because undici drops the connection on an
 * unsolicited 100 although the request has been sent. Bytes on an idle connection close it, because the next answers could
 * belong to other requests; undici itself would ignore line breaks there.
 */
class AnswerSocket {
  state: 'idle' | 'awaiting' | 'interim' | 'passing' = 'idle';
  readonly #socket: Socket;
  #held: Buffer | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
    const read = socket.read.bind(socket);
    socket.read = (size?: number) => {
      const chunk = read(size) as Buffer | null;
      if (chunk === null || this.state === 'passing') return chunk;
      if (this.state !== 'idle') return this.#skipInterim(chunk);
      this.destroy();
      return null;
    };
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
      this.state = 'interim';
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
    this.state = 'passing';
    return bytes;
  }
}

/** True for the start of an interim answer, and as long as there are too few bytes to tell. */
function mayBeInterim(bytes: Buffer): boolean {
  if (bytes.length > FIRST_DIGIT && bytes[FIRST_DIGIT] !== ONE) return false;
  return INTERIM.startsWith(bytes.toString('latin1', 0, INTERIM.length).replace('1.0', '1.1'));
}
