import { once } from 'node:events';
import { createServer } from 'node:net';
import { broken, type Finding, ok, warning } from './finding.ts';

const SUBJECT = 'port';
const TIMEOUT_MS = 2_000;

/** Listens where the gateway would, for a moment. */
export async function examinePort(host: string, port: number): Promise<Finding> {
  const place = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    return ok(SUBJECT, port === 0 ? `any free port of ${host}` : `${place} is free`);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE' && (await isGateway(place)))
      return warning(SUBJECT, `a gateway answers at ${place} already`, 'Nothing to do, if it is this one.');
    if (code === 'EADDRINUSE') return broken(SUBJECT, `${place} is taken by another program`, 'Set PORT to another.');
    if (code === 'EACCES') return broken(SUBJECT, `${place} may not be used`, 'Set PORT to one from 1024 on.');
    return broken(
      SUBJECT,
      `${host} is no address of this machine (${code})`,
      'Set HOST to 127.0.0.1, or 0.0.0.0 for all.',
    );
  }
}

async function isGateway(place: string): Promise<boolean> {
  try {
    const response = await fetch(`http://${place}/health`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return response.headers.has('x-request-id') && (await response.text()).includes('"status"');
  } catch {
    return false;
  }
}
