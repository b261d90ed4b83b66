import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface RawConnection {
  readonly socket: Socket;
  /** Returns everything received so far. */
  readonly text: () => string;
  /** Resolves with everything received once it matches; rejects if the connection ends before that. */
  readonly received: (pattern: RegExp) => Promise<string>;
  /** Resolves with everything received once the connection is closed. */
  readonly closed: Promise<string>;
  readonly write: (bytes: string | Buffer) => void;
}

/** Opens a connection that sends exactly the given bytes. */
export function openRaw({ hostname, port }: URL, bytes: string | Buffer = ''): RawConnection {
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  let text = '';
  const onChange = new Set<() => void>();
  const closed = new Promise<string>((resolve) => {
    socket.on('close', () => {
      resolve(text);
      for (const check of onChange) check();
    });
  });
  // The other side may reset a connection that it does not read to the end.
  socket.on('error', () => {});
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
    for (const check of onChange) check();
  });
  const received = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        if (pattern.test(text)) resolve(text);
        else if (socket.destroyed) reject(new Error(`The connection ended with ${JSON.stringify(text)}`));
      };
      onChange.add(check);
      check();
    });
  const write = (more: string | Buffer): void => void (socket.writable && socket.write(more));
  write(bytes);
  return { socket, text: () => text, received, closed, write };
}

export interface ParsedAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Splits received text into answers by their Content-Length. */
export function parseAnswers(text: string): readonly ParsedAnswer[] {
  const answers: ParsedAnswer[] = [];
  for (let rest = text; rest !== ''; ) {
    const [head = '', ...others] = rest.split('\r\n\r\n');
    const [statusLine = '', ...lines] = head.split('\r\n');
    const headers = new Map(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const body = others.join('\r\n\r\n');
    const length = Number(headers.get('content-length') ?? 0);
    answers.push({
      status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]),
      headers,
      body: body.slice(0, length),
    });
    rest = body.slice(length);
  }
  return answers;
}

export function toRequestText(head: readonly string[], body = ''): string {
  return [...head, '', body].join('\r\n');
}
