import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface AnswerCutter {
  /** The address of the proxy. */
  readonly url: URL;
  /** Switches the fault: while it is on, every POST arrives but its connection is reset before the answer. */
  readonly cut: (isOn: boolean) => void;
  readonly close: () => Promise<void>;
}

/** Starts a TCP proxy that can lose the answers to delivered requests, as networks do. */
export async function startAnswerCutter({ hostname, port }: URL): Promise<AnswerCutter> {
  const sockets = new Set<Socket>();
  let isOn = false;
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => undefined));
    let hasPosted = false;
    client.on('data', (bytes: Buffer) => {
      hasPosted ||= bytes.includes('POST /');
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (isOn && hasPosted) client.resetAndDestroy();
      else client.write(bytes);
    });
    client.on('close', () => upstream.end());
    upstream.on('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    cut: (on) => void (isOn = on),
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      if (server.listening) await once(server, 'close');
    },
  };
}
