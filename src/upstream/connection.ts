// Bun puts an unfinished shim in the place of "undici", but not of the file.
import { type buildConnector, Client, type Dispatcher } from 'undici/index.js';
import { AnswerSocket } from './answer-socket.ts';

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
  isSilent(): boolean {
    return this.socket?.isSilent() === true;
  }

  destroy(): Promise<void> {
    return this.#client.destroy();
  }
}
