import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { type PostgresServer, startPostgresServer } from './postgres-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Serves the address of the PostgreSQL server that all tests share. The first request starts it. */
    readonly postgresAddressUrl: string;
  }
}

/** Shares one PostgreSQL server between all test files. It starts only if a test needs it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let starting: Promise<PostgresServer> | null = null;
  const addressServer = createServer((_request, response) => {
    starting ??= startPostgresServer();
    starting.then(
      ({ url }) => response.writeHead(200).end(url),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  addressServer.listen(0, '127.0.0.1');
  await once(addressServer, 'listening');
  project.provide('postgresAddressUrl', `http://127.0.0.1:${(addressServer.address() as AddressInfo).port}`);
  return async () => {
    addressServer.close();
    addressServer.closeAllConnections();
    await starting?.then((server) => server.close(), ignore);
  };
}

function ignore(): void {}
