import { median, table } from './numbers.ts';
import { type Program, startProgram } from './program.ts';
import { type Contestant, cpu, measure, type Measured, ratio } from './slices.ts';
import { startUpstream } from './upstream.ts';
import { contestant, GATEWAY, oneCallForEachAnswer, PROXY } from './upstream-part.ts';
import { QUERY, toGraphqlBody, toRequest, toRestBody } from './work.ts';

const CONNECTIONS = [1, 8, 64, 256, 1024];
const PARAMETERS_BYTES = [100, 10_240, 102_400, 1_048_576];
const FIELDS = ['id', 'id name status startDate frequency'];
const ALIASES = [1, 10, 100];
const ENV = { MAX_BODY_BYTES: '8388608' };

/** The cost of a request by the number of fields, aliases and bytes. */
export async function growthPart(): Promise<string> {
  const upstream = await startUpstream();
  const programs: Program[] = [];
  const start = async (spec: typeof GATEWAY): Promise<Program> => {
    const program = await startProgram({ ...spec, env: { ...spec.env, ...ENV } }, upstream.url);
    programs.push(program);
    return program;
  };
  try {
    const proxy = await start(PROXY);
    const gateway = await start(GATEWAY);
    const rows: string[][] = [];
    const run = async (what: string, pair: readonly Contestant[], connections = 64, calls = 1): Promise<void> => {
      const check = oneCallForEachAnswer(upstream, calls);
      const [one, base] = await measure(pair, { connections, rounds: 5, sliceMs: 400, warmUpRequests: 2_000, check });
      rows.push([what, costOf(one as Measured), base ? ratio(one as Measured, base, cpu).toFixed(2) : '']);
    };
    const ask = (query?: string, parameters?: string) =>
      contestant(gateway, toRequest('/graphql', toGraphqlBody(query, parameters)));
    const pass = (parameters?: string) => contestant(proxy, toRequest('/', toRestBody(parameters)));
    for (const connections of CONNECTIONS)
      await run(`${connections} connections`, [await ask(), await pass()], connections);
    for (const bytes of PARAMETERS_BYTES) {
      const parameters = JSON.stringify({ text: 'x'.repeat(bytes - 11) });
      await run(`Parameters of ${bytes} bytes`, [await ask(undefined, parameters), await pass(parameters)], 8);
    }
    for (const fields of FIELDS)
      await run(`${fields.split(' ').length} fields`, [
        await ask(QUERY.replace(/accountTask \{[^}]*\}/, `accountTask { ${fields} }`)),
      ]);
    for (const aliases of ALIASES) {
      const creates = Array.from(
        { length: aliases },
        (_, alias) => `a${alias}: createAccountTask(input: $input) { accountTask { id } }`,
      );
      const query = `mutation ($input: CreateAccountTaskInput!) { ${creates.join(' ')} }`;
      await run(`${aliases} aliases, as many calls`, [await ask(query)], 8, aliases);
    }
    return `## How the cost of a request grows\n\n${table(['', 'CPU ms per 1,000', 'CPU / proxy'], rows)}`;
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
    upstream.close();
  }
}

function costOf({ slices }: Measured): string {
  return median(slices.map(cpu)).toFixed(0);
}
