import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** The moment at which the connection of a COMMIT is cut. */
export type Cut = 'before it arrives' | 'before it is answered';

const COMMIT = Buffer.from('COMMIT\0');

/** Starts a proxy to the database. After `cut` it breaks the connection of the next COMMIT. */
export async function startCuttingProxy(
  databaseUrl: string,
): Promise<{ readonly databaseUrl: string; readonly cut: (when: Cut) => void }> {
  const { hostname, port } = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let next: Cut | null = null;
  const server = createServer((client) => {
    const database = connect(Number(port), hostname);
    for (const socket of [client, database]) sockets.add(socket.on('error', () => undefined));
    let isCut = false;
    client.on('data', (bytes: Buffer) => {
      if (next === null || !bytes.includes(COMMIT)) {
        database.write(bytes);
        return;
      }
      const when = next;
      next = null;
      isCut = true;
      if (when === 'before it arrives') database.end();
      else database.write(bytes);
    });
    // The next data is the answer to the COMMIT, or to the end of the connection.
    database.on('data', (bytes) => (isCut ? client.destroy() : client.write(bytes)));
    client.on('close', () => database.end());
    database.on('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const url = new URL(databaseUrl);
  url.port = String((server.address() as AddressInfo).port);
  return { databaseUrl: url.href, cut: (when) => void (next = when) };
}
