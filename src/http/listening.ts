import type { Server } from 'node:http';

/** Resolves with the server's address once connections are accepted. */
export function listen(server: Server, host: string, port: number): Promise<URL> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      const actualPort = typeof address === 'object' && address ? address.port : port;
      resolve(new URL(`http://${host.includes(':') ? `[${host}]` : host}:${actualPort}/`));
    });
  });
}
