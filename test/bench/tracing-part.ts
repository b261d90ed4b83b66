import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { table } from './numbers.ts';
import { startProgram } from './program.ts';
import { cpu, measure, p50, p99, perSecond, ratio } from './slices.ts';
import { startUpstream } from './upstream.ts';
import { contestant, GATEWAY, oneCallForEachAnswer } from './upstream-part.ts';
import { toGraphqlBody, toRequest } from './work.ts';

const WITHOUT_TRACING = `--import ./test/bench/programs/without-tracing.ts ${GATEWAY.script}`;
const OPTIONS = { connections: 64, rounds: 15, sliceMs: 500, warmUpRequests: 40_000 } as const;

/** The gateway with tracing code removed, with tracing off (twice, to show the noise), and with tracing on. */
export async function tracingPart(): Promise<string> {
  const upstream = await startUpstream();
  let batches = 0;
  const receiver = createServer((request, response) => {
    batches += 1;
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const endpoint = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  const programs = await Promise.all([
    startProgram({ ...GATEWAY, name: 'taken out', script: WITHOUT_TRACING }, upstream.url),
    startProgram({ ...GATEWAY, name: 'off' }, upstream.url),
    startProgram({ ...GATEWAY, name: 'off, once more' }, upstream.url),
    startProgram(
      { ...GATEWAY, name: 'on', env: { ...GATEWAY.env, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } },
      upstream.url,
    ),
  ]);
  try {
    const request = toRequest('/graphql', toGraphqlBody());
    const contestants = await Promise.all(programs.map((program) => contestant(program, request)));
    const measured = await measure(contestants, { ...OPTIONS, check: oneCallForEachAnswer(upstream) });
    const [none] = measured;
    if (!none || batches === 0) throw new Error('Nothing was measured, or no traces were received.');
    const rows = measured.map((each) => [
      each.name,
      ...[cpu, perSecond, p50, p99].map((of) => ratio(each, none, of).toFixed(2)),
      (each.program.residentMb() / none.program.residentMb()).toFixed(2),
    ]);
    return `## Traces\n\n${table(['ratios to none', 'CPU', 'answers/s', 'p50', 'p99', 'RSS'], rows)}`;
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
    receiver.closeAllConnections();
    receiver.close();
    upstream.close();
  }
}
