import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** What becomes of the connection that carries a COMMIT: it is cut before it arrives, or before it is answered. */
export type Cut = 'before it arrives' | 'before it is answered';

const COMMIT = Buffer.from('COMMIT\0');

/** The address of a way to the same database on which the next COMMIT after `cut` is not survived. */
export async function cuttingWay(
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
    // The database's next word is its answer to the COMMIT, or its farewell.
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
