import { Buffer } from 'node:buffer';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
// Bun puts an unfinished shim in the place of "undici", but not of the file.
import { buildConnector } from 'undici/index.js';
import { setTimeLimit } from '../event-loop/time-limit.ts';
import type { TlsIdentity } from './tls-files.ts';

/** The way to the service. */
export interface ServiceAccess {
  readonly tls: TlsIdentity;
  /** Null without a proxy. */
  readonly proxy: URL | null;
}

/** Connects to the service, over TLS where its address says so. */
export function buildServiceConnector({ tls, proxy }: ServiceAccess, timeoutMs: number): buildConnector.connector {
  const connect = buildConnector({ timeout: timeoutMs, allowH2: false, ...tls });
  if (!proxy) return connect;
  return (options, callback) =>
    openTunnel(proxy, toAuthority(options), timeoutMs, (error, socket) => {
      if (error) callback(error, null);
      else if (options.protocol === 'https:') connect({ ...options, httpSocket: socket }, callback);
      else callback(null, socket);
    });
}

/** Opens a connection through the proxy by CONNECT, as Node's fetch does for http and https alike. */
function openTunnel(proxy: URL, authority: string, timeoutMs: number, callback: buildConnector.Callback): void {
  const request = (proxy.protocol === 'https:' ? requestHttps : requestHttp)(proxy, {
    method: 'CONNECT',
    path: authority,
    headers: { Host: authority, ...authorization(proxy) },
    agent: false,
    // The credentials are the proxy's, which has a header of its own.
    auth: null,
  });
  const timer = setTimeLimit(() => request.destroy(tunnelError('ETIMEDOUT')), timeoutMs, undefined);
  const end: buildConnector.Callback = (...result) => {
    clearTimeout(timer);
    callback(...result);
  };
  request.once('error', (error) => end(error, null));
  request.once('connect', ({ statusCode }, socket, head) => {
    if (statusCode !== 200) {
      socket.destroy();
      end(tunnelError('PROXY_REFUSED', statusCode), null);
      return;
    }
    if (head.length > 0) socket.unshift(head);
    end(null, socket);
  });
  request.end();
}

function toAuthority({ hostname, protocol, port }: buildConnector.Options): string {
  return `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
}

function authorization({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'Proxy-Authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
}

function tunnelError(code: string, status?: number): Error {
  const message = status === undefined ? 'The proxy did not answer in time.' : `The proxy answered HTTP ${status}.`;
  return Object.assign(new Error(message), { code });
}
