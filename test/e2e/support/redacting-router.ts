import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as readText } from 'node:stream/consumers';

interface SubgraphError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** The errors that a client sees, made of a subgraph's errors as each router makes them with its default settings. */
export const REDACTIONS = {
  'Apollo Router': (errors) =>
    errors.map(({ path }) => ({ message: 'Subgraph errors redacted', path, extensions: {} })),
  'Cosmo Router': (errors) => [
    {
      message: "Failed to fetch from Subgraph 'account-tasks'.",
      extensions: {
        errors: errors.map(({ message, path, extensions }) => ({
          message,
          path,
          extensions: { code: extensions?.['code'] },
        })),
        statusCode: 200,
      },
    },
  ],
  'Hive Router': (errors) => errors.map((error) => ({ ...error, message: 'Unexpected error' })),
  'Hive Gateway': (errors) => errors,
} as const satisfies Readonly<Record<string, (errors: readonly SubgraphError[]) => readonly object[]>>;

/** Starts a proxy in front of a gateway that rewrites the errors of its answers as a router does. */
export async function startRedactingRouter(
  subgraph: URL,
  redact: (errors: readonly SubgraphError[]) => readonly object[],
) {
  const server = createServer((request, response) => {
    const forward = async (): Promise<void> => {
      const headers = { 'content-type': 'application/json', authorization: request.headers.authorization ?? '' };
      const answer = await fetch(subgraph, { method: 'POST', headers, body: await readText(request) });
      const { errors, ...rest } = (await answer.json()) as { readonly errors?: readonly SubgraphError[] };
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify(errors ? { ...rest, errors: redact(errors) } : rest));
    };
    forward().catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
