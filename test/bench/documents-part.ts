import { type Question, load } from './load.ts';
import { table } from './numbers.ts';
import { type Program, startProgram } from './program.ts';
import { cpu, measure, type Measured, ratio } from './slices.ts';
import { startUpstream } from './upstream.ts';
import { GATEWAY, oneCallForEachAnswer } from './upstream-part.ts';
import { QUERY, toGraphqlBody, toRequest } from './work.ts';

const REQUESTS = 1_000_000;
/** Every tenth request brings a new document. */
const REQUESTS_PER_DOCUMENT = 10;
const SAMPLES = 10;
const YOGA = { name: 'Yoga', script: 'test/bench/programs/yoga.ts' };

/** The cost of a new document, and the memory after a hundred thousand of them. */
export async function documentsPart(): Promise<string> {
  const upstream = await startUpstream();
  const programs: Program[] = [];
  try {
    const gateway = await startProgram(GATEWAY, upstream.url);
    const yoga = await startProgram(YOGA, upstream.url);
    programs.push(gateway, yoga);
    const [one, base] = (await measure(
      [
        { program: gateway, question: documents(1) },
        { program: yoga, question: documents(1) },
      ],
      { connections: 64, rounds: 7, sliceMs: 800, warmUpRequests: 5_000, check: oneCallForEachAnswer(upstream) },
    )) as readonly [Measured, Measured];
    const rows: string[][] = [];
    const mixed = documents(REQUESTS_PER_DOCUMENT);
    let requests = 0;
    for (let sample = 1; sample <= SAMPLES; sample += 1) {
      while (requests < (REQUESTS / SAMPLES) * sample) requests += (await load(gateway.url, mixed, 64, 2_000)).requests;
      const seen = Math.floor(requests / REQUESTS_PER_DOCUMENT);
      rows.push([requests.toLocaleString('en'), seen.toLocaleString('en'), gateway.residentMb().toFixed(0)]);
    }
    const memory = table(['requests', 'different documents', 'RSS MB'], rows);
    return `## Documents that nobody has seen\n\nCPU of one against plain Yoga: ${ratio(one, base, cpu).toFixed(2)}.\n\n${memory}`;
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
    upstream.close();
  }
}

/** Repeats a request; every `every`-th has a new operation name, so its document is new. */
function documents(every: number): Question {
  const known = toRequest('/graphql', toGraphqlBody());
  let sent = 0;
  return {
    request() {
      sent += 1;
      if (sent % every !== 0) return known;
      return toRequest('/graphql', toGraphqlBody(QUERY.replace('CreateAccountTask(', `N${process.pid}_${sent}(`)));
    },
    isAnswer: (body) => body.includes('"status":"REGISTERED"') && !body.includes('"errors"'),
  };
}
