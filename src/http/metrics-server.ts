import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { sendError, sendText } from './answer.ts';
import { trackConnections, listen } from './connections.ts';
import { answerUnreadable, HTTP_BOUNDS, toServerOptions } from './bounds.ts';
import { createDroppedBodies } from './dropped-bodies.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { createPipelining } from './pipelining.ts';
import { toRequestId } from '../telemetry/request-record.ts';

/** Serves /metrics on a separate port, to which callers need no access. */
export interface MetricsServer {
  /** Resolves with the address once requests are accepted. */
  listen(host: string, port: number): Promise<URL>;
  close(): void;
}

export function createMetricsServer(metrics: Metrics): MetricsServer {
  const handle: RequestListener = (request, response) => {
    const requestId = toRequestId(request.headers['x-request-id']?.toString());
    response.setHeader('X-Request-Id', requestId);
    if (request.url?.split('?', 1)[0] === '/metrics') sendMetrics(response, metrics).catch(() => response.destroy());
    else sendError(response, 404, 'This port serves /metrics only.', { code: 'BAD_USER_INPUT', requestId });
  };
  const handleInTurn = createPipelining({ bounds: HTTP_BOUNDS, metrics, handle });
  const server = createServer(toServerOptions(HTTP_BOUNDS), (request, response) => {
    const previous = connections.onRequest(request.socket, response);
    // No path here reads a body.
    connections.endUnread(response);
    handleInTurn(request, response, previous);
  });
  const connections = trackConnections(
    server,
    createDroppedBodies({ onCutOff: () => metrics.countRefusal('dropped_bodies') }),
  );
  answerUnreadable(server, HTTP_BOUNDS, connections);
  return {
    listen: (host, port) => listen(server, host, port),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

export async function sendMetrics(response: ServerResponse, metrics: Pick<Metrics, 'render'>): Promise<void> {
  const { contentType, text } = await metrics.render();
  sendText(response, 200, { 'Content-Type': contentType }, text);
}
