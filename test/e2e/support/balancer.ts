import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

/** A reverse proxy that sends each request once, in turn to the gateways whose /ready is 200, over keep-alive connections. */
export interface Balancer {
  readonly url: URL;
  add(gateway: URL): void;
  /** The number of gateways that receive requests. */
  readyCount(): number;
  /** The number of requests answered with 502, because no gateway was ready or no answer came. */
  failures(): number;
}

interface Target {
  readonly url: URL;
  isReady: boolean;
}

const PROBE_INTERVAL_MS = 250;

export async function startBalancer(): Promise<Balancer> {
  const targets: Target[] = [];
  const agent = new Agent({ keepAlive: true });
  let turn = 0;
  let failures = 0;
  const over = new AbortController();

  const probe = async (target: Target): Promise<void> => {
    while (!over.signal.aborted) {
      target.isReady = await fetch(new URL('ready', target.url)).then(
        async (response) => {
          await response.arrayBuffer();
          return response.ok;
        },
        () => false,
      );
      await delay(PROBE_INTERVAL_MS);
    }
  };
  const pass = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const ready = targets.filter(({ isReady }) => isReady);
    turn += 1;
    const target = ready[turn % ready.length];
    const fail = (): void => {
      failures += 1;
      if (outgoing.headersSent) outgoing.destroy();
      else outgoing.writeHead(502).end('{"errors":[{"message":"Bad gateway","extensions":{"code":"BAD_GATEWAY"}}]}');
    };
    if (!target) return fail();
    const { method, headers, url = '/' } = incoming;
    const { connection: _, ...passed } = headers;
    incoming.pipe(
      request(new URL(url, target.url), { method, headers: passed, agent }, (response) => {
        const { connection: __, ...received } = response.headers;
        outgoing.writeHead(response.statusCode ?? 502, received);
        response.on('error', fail).pipe(outgoing);
      }).on('error', fail),
    );
  };

  const server = createServer(pass).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    over.abort();
    agent.destroy();
    server.close();
    server.closeAllConnections();
  });
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`),
    add(url) {
      const target = { url, isReady: false };
      targets.push(target);
      void probe(target);
    },
    readyCount: () => targets.filter(({ isReady }) => isReady).length,
    failures: () => failures,
  };
}
