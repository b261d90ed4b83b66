// Mercurius with its just-in-time compiler on.
import Fastify from 'fastify';
import mercurius from 'mercurius';
import { createTaskAtService, TYPE_DEFS } from './peer-schema.ts';

const app = Fastify();
await app.register(mercurius, {
  schema: TYPE_DEFS,
  jit: 1,
  context: (request: { headers: { authorization?: string } }) => ({
    authorization: request.headers.authorization ?? '',
  }),
  resolvers: {
    Mutation: {
      createAccountTask: (_: unknown, { input }: { input: Record<string, string> }, context: unknown) =>
        createTaskAtService(input, (context as { authorization: string }).authorization),
    },
  },
} as never);
const address = await app.listen({ port: 0, host: '127.0.0.1' });
process.stdout.write(`listening ${new URL(address).port}\n`);
