import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface RawConnection {
  readonly socket: Socket;
  /** What has come so far. */
  readonly text: () => string;
  /** Resolves with what has come once it matches; rejects when the connection ends without it. */
  readonly received: (pattern: RegExp) => Promise<string>;
  /** Resolves with all that came when the other side has closed the connection. */
  readonly closed: Promise<string>;
  readonly write: (bytes: string | Buffer) => void;
}

/** A connection that says exactly what it is told to say. */
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
  // The other side may reset what it does not want to read to its end.
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

export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** The answers in what came, each with the length it says it has. */
export function parseAnswers(text: string): readonly RawAnswer[] {
  const answers: RawAnswer[] = [];
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

export function toRequest(head: readonly string[], body = ''): string {
  return [...head, '', body].join('\r\n');
}
