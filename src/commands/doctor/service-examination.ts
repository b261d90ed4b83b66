import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { buffer as readAll } from 'node:stream/consumers';
import { TLSSocket } from 'node:tls';
import type { OwnClientConfig, UpstreamConfig } from '../../app/config.ts';
import { type AnswerBody, isForeignBody } from '../../contract/envelope.ts';
import { TaskFailure } from '../../contract/failure.ts';
import { OPERATIONS } from '../../contract/operations.ts';
import { createUpstreamClient, USER_AGENT } from '../../upstream/client.ts';
import { requestToken } from '../../upstream/own-token.ts';
import { buildServiceConnector, readTlsFiles, type ServiceAccess } from '../../upstream/service-connector.ts';
import { readAnswerBody } from '../../wire/codec.ts';
import { broken, count, type Finding, ok, skipped, warning } from './finding.ts';

const MAX_WAIT_MS = 10_000;
const DAY_MS = 86_400_000;
const FEW_DAYS = 21;
const CLIENT_LIMITS = { connections: 1, maxInFlight: 1, maxAnswerBytes: 1_048_576, connectRetries: 0 };
const CHECK_ADDRESS = 'Check UPSTREAM_URL: it must be the part before api/v2/admin/tasks/account.';
const CHECK_PROXY = 'Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY, and whether the proxy allows this host.';
const RENEW = 'Ask the operator of the service to renew its certificate.';
/** The faults of TLS by error code; the first that matches applies. */
const TLS_FAULTS: readonly (readonly [code: RegExp, fact: string, remedy: string])[] = [
  [/^CERT_HAS_EXPIRED$/, 'the certificate has expired', RENEW],
  [/ALTNAME_INVALID$/, 'the certificate is for another name', 'Use a name from the certificate in UPSTREAM_URL.'],
  [
    /SELF_SIGNED|UNABLE_TO_|ISSUER/,
    'the certificate is not signed by a trusted CA',
    'If the CA is your own, set UPSTREAM_CA to the file with its certificate.',
  ],
  [/^ERR_(?:SSL|TLS)|CERT|^EPROTO$/, 'the TLS handshake fails', 'Check that the port in UPSTREAM_URL speaks https.'],
];

/** Checks the service without creating anything: a connection as creates have it, a GET that it must refuse, and a token. */
export async function examineService(upstream: UpstreamConfig): Promise<readonly Finding[]> {
  const { url, proxy, ownClient } = upstream;
  const waitMs = Math.min(upstream.timeoutMs, MAX_WAIT_MS);
  let access: ServiceAccess;
  try {
    access = { tls: readTlsFiles(upstream), proxy };
  } catch (error) {
    return [broken('TLS', (error as Error).message, 'Correct the file, or unset the variable.')];
  }
  try {
    const startMs = performance.now();
    const socket = await openConnection(url, access, waitMs);
    const way = proxy ? `through the proxy ${proxy.host}` : `to ${socket.remoteAddress}`;
    return [
      ok('service', `${url.host}: connected ${way} in ${(performance.now() - startMs).toFixed(1)} ms`),
      ...(socket instanceof TLSSocket ? [certificateFinding(socket)] : []),
      await endpointFinding(url, socket, waitMs),
      ...(ownClient ? [await tokenFinding(ownClient, url, access, waitMs)] : []),
    ];
  } catch (error) {
    const rest = ['endpoint', ...(ownClient ? ['token'] : [])];
    const findings = rest.map((subject) => skipped(subject, 'not checked without a connection'));
    return [connectionFinding(url, proxy, error), ...findings];
  }
}

function openConnection(url: URL, access: ServiceAccess, waitMs: number): Promise<Socket> {
  const { protocol, host, port } = url;
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    buildServiceConnector(access, waitMs)({ protocol, host, hostname, port }, (...[error, socket]) => {
      if (error) return reject(error);
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}

function connectionFinding({ host }: URL, proxy: URL | null, error: unknown): Finding {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'closed';
  const [, fault, remedy = ''] = TLS_FAULTS.find(([pattern]) => pattern.test(code)) ?? [];
  if (fault !== undefined) return broken('TLS', `${fault} (${code})`, remedy);
  if (proxy) return broken('service', `${host}: cannot connect through the proxy ${proxy.host} (${code})`, CHECK_PROXY);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    const check = 'Check UPSTREAM_URL and the DNS configuration of this machine.';
    return broken('service', `${host}: the name cannot be resolved`, check);
  }
  const fact = code === 'ECONNREFUSED' ? 'it refuses connections' : `cannot connect (${code})`;
  return broken('service', `${host}: ${fact}`, 'Check the port in UPSTREAM_URL, and firewalls in between.');
}

function certificateFinding(socket: TLSSocket): Finding {
  const days = Math.floor((Date.parse(socket.getPeerCertificate().valid_to) - Date.now()) / DAY_MS);
  const fact = `${socket.getProtocol()}, the certificate is valid for ${count(days, 'more day')}`;
  return days < FEW_DAYS ? warning('TLS', fact, RENEW) : ok('TLS', fact);
}

async function endpointFinding(url: URL, socket: Socket, waitMs: number): Promise<Finding> {
  const { host, pathname } = new URL(OPERATIONS.create.path, url);
  const headers = { Host: host, 'User-Agent': USER_AGENT, Accept: 'application/json' };
  const signal = AbortSignal.timeout(waitMs);
  try {
    const request = get({ path: pathname, headers, createConnection: () => socket, signal });
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    const body = await readAll(answer).catch(() => Buffer.of());
    return statusFinding(answer.statusCode ?? 0, pathname, readAnswerBody(body, null));
  } catch {
    const tooSlow = 'Ask the operator of the service, or raise UPSTREAM_TIMEOUT_MS.';
    if (signal.aborted) return broken('endpoint', `no answer in ${waitMs} ms`, tooSlow);
    const check = 'If the service requires a client certificate, set UPSTREAM_CERT and UPSTREAM_KEY.';
    const remedy = url.protocol === 'https:' ? `${CHECK_ADDRESS} ${check}` : CHECK_ADDRESS;
    return broken('endpoint', 'the answer is not HTTP, or breaks off', remedy);
  } finally {
    socket.destroy();
  }
}

function statusFinding(status: number, path: string, body: AnswerBody): Finding {
  const fact = `GET ${path} answers ${status}`;
  const isForeign = body.kind !== 'empty' && isForeignBody(body);
  if (status === 401 || (status === 405 && !isForeign)) return ok('endpoint', `${fact}, as expected`);
  if (status === 404) return broken('endpoint', `${fact}: there is nothing at this path`, CHECK_ADDRESS);
  if (status >= 500) return broken('endpoint', `${fact}: the service fails`, 'Ask the operator of the service.');
  if (status >= 300 && status < 400)
    return broken('endpoint', `${fact}: it redirects callers, and creates do not follow redirects`, CHECK_ADDRESS);
  const words = status === 405 ? 'not in the words of ASP.NET Web API 2' : 'the contract has 405 or 401';
  return warning('endpoint', `${fact}, but ${words}: another server may be answering`, CHECK_ADDRESS);
}

async function tokenFinding(
  ownClient: OwnClientConfig,
  baseUrl: URL,
  access: ServiceAccess,
  timeoutMs: number,
): Promise<Finding> {
  const client = createUpstreamClient({ baseUrl, access, timeoutMs, ...CLIENT_LIMITS });
  try {
    const { lifetimeMs } = await requestToken(client, ownClient);
    return ok('token', `the service issued one, valid for ${count(Math.round(lifetimeMs / 60_000), 'minute')}`);
  } catch (error) {
    if (!(error instanceof TaskFailure)) throw error;
    const { cause, code, message } = error;
    const fact = cause instanceof Error && !('code' in cause) ? cause.message : message;
    const check = 'Check that the service issues tokens at Token under UPSTREAM_URL.';
    const correct = 'Correct UPSTREAM_CLIENT_ID and UPSTREAM_CLIENT_SECRET.';
    return broken('token', fact, code === 'UNAUTHENTICATED' ? correct : check);
  } finally {
    await client.close();
  }
}
