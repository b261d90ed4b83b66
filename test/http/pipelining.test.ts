import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openBackend } from '../../src/app/open-backend.ts';
import { trackConnections } from '../../src/http/connections.ts';
import { createDroppedBodies } from '../../src/http/dropped-bodies.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { SAMPLE_INPUT, startGateway } from '../support/running-gateway.ts';
import { startRestService } from '../support/rest-service.ts';
import { openRaw, parseAnswers, toRequestText } from '../support/raw-connection.ts';

const BOUNDS = { maxPipelined: 16, maxWaiting: 100_000 };

/** Starts a server for pipelined requests; `answer` answers one of them with its path. */
async function startServer(bounds = BOUNDS) {
  const handled = new Map<string, ServerResponse>();
  const metrics = createMetrics();
  const refused: string[] = [];
  const server = createServer();
  Object.assign(server, { httpAllowHalfOpen: true });
  trackConnections(server, {
    bounds,
    metrics,
    dropped: createDroppedBodies({ onCutOff: () => undefined }),
    handle(request, response, refusal) {
      request.resume();
      if (refusal) {
        const { status, headers, limit = '' } = refusal.facts;
        refused.push(limit);
        response.writeHead(status, { ...headers, 'Content-Length': 0 }).end();
        return;
      }
      handled.set(request.url ?? '', response);
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => server.closeAllConnections());
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`http://127.0.0.1:${port}/`),
    handled,
    limits: refused,
    paths: () => [...handled.keys()],
    answer: (path: string) => void handled.get(path)?.end(path),
    refusals: async (limit: string) => {
      const { text } = await metrics.render();
      return Number(new RegExp(`^gateway_refusals_total{limit="${limit}"} (.*)$`, 'm').exec(text)?.[1]);
    },
  };
}

function paths(count: number, first = 0): readonly string[] {
  return Array.from({ length: count }, (_, index) => `/${first + index}`);
}

/** Writes requests, with each framing in turn. */
function toRequests(all: readonly string[], header = 'X: x'): string {
  const framings = [
    (path: string) => toRequestText([`GET ${path} HTTP/1.1`, 'Host: x', header]),
    (path: string) => toRequestText([`POST ${path} HTTP/1.1`, 'Host: x', header, 'Content-Length: 2'], '{}'),
    (path: string) =>
      toRequestText([`POST ${path} HTTP/1.1`, 'Host: x', header, 'Transfer-Encoding: chunked'], '2\r\n{}\r\n0\r\n\r\n'),
  ];
  return all.map((path, index) => framings[index % framings.length]?.(path)).join('');
}

describe('the pipelined requests of a connection', () => {
  test('are handled 16 at a time and answered in order', async () => {
    const { url, paths: handled, answer, refusals } = await startServer();
    const all = paths(100);
    const { closed, received, socket } = openRaw(url, toRequests(all));
    await expect.poll(handled).toEqual(all.slice(0, 16));
    // An answer out of order is not sent yet, so no other request is handled.
    answer('/1');
    // Once a later connection has been answered, the server has read everything from this one.
    const other = openRaw(url, toRequests(['/other']));
    await expect.poll(handled).toContain('/other');
    answer('/other');
    await other.received(/\/other$/);
    expect(handled()).toEqual([...all.slice(0, 16), '/other']);
    answer('/0');
    await expect.poll(handled).toEqual([...all.slice(0, 16), '/other', '/16', '/17']);
    expect(await refusals('pipelined_requests')).toBe(1);
    for (const [index, path] of all.entries()) {
      await expect.poll(handled).toContain(path);
      answer(path);
      if (index === all.length - 1) await received(/\/99$/);
    }
    socket.end();
    expect(parseAnswers(await closed).map(({ body }) => body)).toEqual(all);
  });

  test('are all answered if they exceed one read of Node and the caller has ended its side', async () => {
    const { url, handled } = await startServer();
    const all = paths(1_000);
    const { closed, socket } = openRaw(url, toRequests(all, `X: ${'x'.repeat(200)}`));
    socket.end();
    let most = 0;
    const answering = setInterval(() => {
      const open = [...handled].filter(([, response]) => !response.writableFinished);
      most = Math.max(most, open.length);
      for (const [path, response] of open) if (!response.writableEnded) response.end(path);
    }, 1);
    onTestFinished(() => clearInterval(answering));
    expect((await closed).match(/(?<=\r\n\r\n)\/\d+/g)).toEqual(all);
    expect(most).toBe(16);
  });

  test('are not handled after their caller has left', async () => {
    const { url, paths: handled, answer } = await startServer();
    const { socket } = openRaw(url, toRequests(paths(40)));
    await expect.poll(handled).toHaveLength(16);
    const left = once(socket, 'close');
    socket.resetAndDestroy();
    await left;
    answer('/0');
    const other = openRaw(url, toRequests(['/other']));
    await expect.poll(handled).toContain('/other');
    answer('/other');
    await other.received(/\/other$/);
    expect(handled()).toEqual([...paths(16), '/other']);
  });

  test('are refused if too many of all connections wait, and their connection ends', async () => {
    const { url, paths: handled, answer, limits } = await startServer({ maxPipelined: 2, maxWaiting: 3 });
    const first = openRaw(url, toRequests(paths(5)));
    await expect.poll(handled).toEqual(['/0', '/1']);
    const second = openRaw(url, toRequests(paths(9, 10)));
    await expect.poll(handled).toEqual(['/0', '/1', '/10', '/11']);
    answer('/10');
    answer('/11');
    const [, , refused, ...others] = parseAnswers(await second.closed);
    expect(refused?.status).toBe(503);
    expect(refused?.headers.get('connection')).toBe('close');
    expect(others).toEqual([]);
    expect(limits).toEqual(['waiting_requests']);
    for (const path of paths(5)) {
      await expect.poll(handled).toContain(path);
      answer(path);
    }
    first.socket.end();
    expect(parseAnswers(await first.closed).map(({ body }) => body)).toEqual(paths(5));
    // The refused connection has freed its places in the queue.
    const third = openRaw(url, toRequests(paths(5, 20)));
    await expect.poll(handled).toContain('/21');
    for (const path of paths(5, 20)) {
      await expect.poll(handled).toContain(path);
      answer(path);
    }
    await third.received(/\/24$/);
  });
});

test('a gateway that closes answers the waiting pipelined creates, and ends the connection with the last one', async () => {
  const held = Promise.withResolvers<null>();
  const service = await startRestService({ answer: () => held.promise });
  onTestFinished(() => service.close());
  const gateway = await startGateway(openBackend, { env: { UPSTREAM_URL: service.url.href, RECORD: 'off' } });
  const query = 'mutation ($input: CreateAccountTaskInput!) { createAccountTask(input: $input) { result } }';
  const body = JSON.stringify({ query, variables: { input: SAMPLE_INPUT } });
  const head = ['POST /graphql HTTP/1.1', 'Host: x', 'Authorization: Bearer x', 'Content-Type: application/json'];
  const create = toRequestText([...head, `Content-Length: ${Buffer.byteLength(body)}`], body);
  const { closed } = openRaw(gateway.url, create.repeat(40));
  await expect.poll(() => service.requests.length).toBe(16);
  const closing = gateway.close();
  held.resolve(null);
  await closing;
  const answers = parseAnswers(await closed);
  expect(answers.map((answer) => answer.body)).toEqual(
    Array.from({ length: 40 }, () => '{"data":{"createAccountTask":{"result":"Created"}}}'),
  );
  expect(answers.map(({ headers }) => headers.get('connection')).lastIndexOf('close')).toBe(39);
  expect(service.requests).toHaveLength(40);
});
