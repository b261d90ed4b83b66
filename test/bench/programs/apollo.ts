// Apollo Server with RESTDataSource, as in its documentation.
import { RESTDataSource } from '@apollo/datasource-rest';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { toPayload, toRequestBody, TYPE_DEFS } from './peer-schema.ts';

class Tasks extends RESTDataSource {
  override baseURL = process.env['UPSTREAM_URL'] ?? '';

  async create(input: Record<string, string>, authorization: string): Promise<object> {
    const answer = await this.post('api/v2/admin/tasks/account', {
      body: toRequestBody(input),
      headers: { authorization },
    });
    return toPayload(answer as never);
  }
}

interface Context {
  readonly tasks: Tasks;
  readonly authorization: string;
}

const server = new ApolloServer<Context>({
  typeDefs: TYPE_DEFS,
  resolvers: {
    Mutation: {
      createAccountTask: (
        _: unknown,
        { input }: { input: Record<string, string> },
        { tasks, authorization }: Context,
      ) => tasks.create(input, authorization),
    },
  },
});
const { url } = await startStandaloneServer(server, {
  listen: { port: 0, host: '127.0.0.1' },
  context: async ({ req }) => ({
    tasks: new Tasks({ cache: server.cache }),
    authorization: req.headers.authorization ?? '',
  }),
});
process.stdout.write(`listening ${new URL(url).port}\n`);
