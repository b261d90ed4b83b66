import { once } from 'node:events';
import { createServer } from 'node:net';
import { broken, type Finding, ok, warning } from './finding.ts';

const TIMEOUT_MS = 2_000;
const VARIABLES = { port: 'PORT', 'metrics port': 'METRICS_PORT' } as const;

/** Listens where the gateway would, for a moment. */
export async function examinePort(subject: keyof typeof VARIABLES, host: string, port: number): Promise<Finding> {
  const variable = VARIABLES[subject];
  const place = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    return ok(subject, port === 0 ? `any free port on ${host}` : `${place} is free`);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE' && (await isGateway(place)))
      return warning(
        subject,
        `a gateway already listens on ${place}`,
        'Nothing to do if it is the one that you are checking.',
      );
    if (code === 'EADDRINUSE')
      return broken(subject, `another program listens on ${place}`, `Set ${variable} to another port.`);
    if (code === 'EACCES')
      return broken(subject, `this user may not listen on ${place}`, `Set ${variable} to 1024 or more.`);
    return broken(
      subject,
      `${host} is not an address of this machine (${code})`,
      'Set HOST to 127.0.0.1, or to 0.0.0.0 for all addresses.',
    );
  }
}

async function isGateway(place: string): Promise<boolean> {
  try {
    const response = await fetch(`http://${place}/health`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return response.headers.has('x-request-id') && /"(?:status|requestId)"/.test(await response.text());
  } catch {
    return false;
  }
}
