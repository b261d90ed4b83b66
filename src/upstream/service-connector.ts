import { Buffer } from 'node:buffer';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Socket } from 'node:net';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
// Bun replaces "undici" with an incomplete shim, but not "undici/index.js".
import { buildConnector } from 'undici/index.js';
import { decodeText } from '../wire/text-encoding.ts';
import { setTimeLimit } from '../event-loop/time-limit.ts';

/** The TLS settings and the proxy for connections to the service. */
export interface ServiceAccess {
  readonly tls: TlsIdentity;
  /** Null without a proxy. */
  readonly proxy: URL | null;
}

/** Returns a function that connects to the service: over TLS for an https address, through a CONNECT tunnel if there is a proxy. */
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

/** Opens one connection to the service. */
export function openConnection(
  { protocol, host, hostname, port }: URL,
  connect: buildConnector.connector,
): Promise<Socket> {
  const name = hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    connect({ protocol, host, hostname: name, port }, (error, socket) => (error ? reject(error) : resolve(socket)));
  });
}

/** Opens a tunnel through the proxy with CONNECT, for http addresses too, as Node's fetch does. */
function openTunnel(proxy: URL, authority: string, timeoutMs: number, callback: buildConnector.Callback): void {
  const request = (proxy.protocol === 'https:' ? requestHttps : requestHttp)(proxy, {
    method: 'CONNECT',
    path: authority,
    headers: { Host: authority, ...authorization(proxy) },
    agent: false,
    // The credentials in the proxy's address go into Proxy-Authorization, not into Authorization.
    auth: null,
  });
  const timer = setTimeLimit(() => request.destroy(tunnelError('ETIMEDOUT')), timeoutMs);
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

/** Paths of PEM files. Without `caFile` the system's certificate authorities apply; the other two are a client certificate. */
export interface TlsFiles {
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
}

/** The contents of the files, in the form that node:tls expects. */
export interface TlsIdentity {
  readonly ca?: string[];
  readonly cert?: string;
  readonly key?: string;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Reads the files for TLS to the service. @throws Error that names the variable of a file that is unusable. */
export function readTlsFiles({ caFile, certFile, keyFile }: TlsFiles): TlsIdentity {
  const ca = caFile === null ? null : readCertificates('UPSTREAM_CA', caFile);
  const cert = certFile === null ? null : readCertificates('UPSTREAM_CERT', certFile);
  const key = keyFile === null ? null : readText('UPSTREAM_KEY', keyFile);
  if (cert && key !== null && keyFile !== null) checkKey(key, keyFile, cert[0] ?? '');
  return {
    ...(ca && { ca }),
    ...(cert && { cert: cert.join('\n') }),
    ...(key !== null && { key }),
  };
}

function readCertificates(variable: string, path: string): string[] {
  const certificates = readText(variable, path).match(CERTIFICATE) ?? [];
  const areValid = certificates.every((certificate) => succeeds(() => new X509Certificate(certificate)));
  if (certificates.length > 0 && areValid) return certificates;
  throw new Error(`${variable}: ${path} contains no readable certificate; expected certificates in PEM`);
}

function checkKey(key: string, path: string, certificate: string): void {
  if (!succeeds(() => createPrivateKey(key)))
    throw new Error(
      `UPSTREAM_KEY: ${path} contains no readable key; expected a private key in PEM without a passphrase`,
    );
  if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)))
    throw new Error(`UPSTREAM_KEY: ${path} does not belong to the first certificate in UPSTREAM_CERT`);
}

function readText(variable: string, path: string): string {
  try {
    const bytes = readFileSync(path);
    const text = decodeText(bytes, null);
    // PEM is ASCII, but the comments around it may have any encoding.
    return typeof text === 'string' ? text : bytes.toString('latin1');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    throw new Error(`${variable}: ${path} cannot be read (${code}); expected a file in PEM`, { cause });
  }
}

function succeeds(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}
