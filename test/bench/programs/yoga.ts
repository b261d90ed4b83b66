// Yoga with default options and one resolver written by hand.
import { createServer } from 'node:http';
import { createSchema, createYoga } from 'graphql-yoga';
import { createTaskAtService, TYPE_DEFS } from './peer-schema.ts';

const yoga = createYoga({
  schema: createSchema<{ request: Request }>({
    typeDefs: TYPE_DEFS,
    resolvers: {
      Mutation: {
        createAccountTask: (_: unknown, { input }: { input: Record<string, string> }, { request }) =>
          createTaskAtService(input, request.headers.get('authorization') ?? ''),
      },
    },
  }),
  logging: false,
});
const server = createServer(yoga);
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening ${(server.address() as { port: number }).port}\n`);
});
