import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { type PostgresServer, startPostgresServer } from './postgres-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Answers with the address of the PostgreSQL server that all tests share, which starts with the first request. */
    readonly postgresOffice: string;
  }
}

/** Offers every test file the one PostgreSQL server of this run; a run without such tests starts none. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let starting: Promise<PostgresServer> | null = null;
  const office = createServer((_request, response) => {
    starting ??= startPostgresServer();
    starting.then(
      ({ url }) => response.writeHead(200).end(url),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  office.listen(0, '127.0.0.1');
  await once(office, 'listening');
  project.provide('postgresOffice', `http://127.0.0.1:${(office.address() as AddressInfo).port}`);
  return async () => {
    office.close();
    office.closeAllConnections();
    await starting?.then((server) => server.close(), ignore);
  };
}

function ignore(): void {}
