import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { buffer as readAll } from 'node:stream/consumers';
import { TLSSocket } from 'node:tls';
import type { UpstreamConfig } from '../../app/config.ts';
import { isForeignBody } from '../../contract/envelope.ts';
import type { TaskFailure } from '../../contract/failure.ts';
import { OPERATIONS } from '../../contract/operations.ts';
import { createUpstreamClient, type UpstreamClientOptions, USER_AGENT } from '../../upstream/client.ts';
import { requestToken, type TokenCredentials } from '../../upstream/own-token.ts';
import { buildServiceConnector, readTlsFiles, type ServiceAccess } from '../../upstream/service-connector.ts';
import { readAnswerBody } from '../../wire/codec.ts';
import { broken, count, type Finding, ok, warning } from './finding.ts';

const MAX_WAIT_MS = 10_000;
const DAY_MS = 86_400_000;
const FEW_DAYS = 21;
const CLIENT_LIMITS = { connections: 1, maxInFlight: 1, maxAnswerBytes: 1_048_576, connectRetries: 0 };
const PATH = OPERATIONS.create.path;
const CHECK_ADDRESS = `Check UPSTREAM_URL: it must be the part before ${PATH}.`;
const CHECK_PORT = 'Check the port in UPSTREAM_URL, and firewalls in between.';
const CHECK_PROXY = 'Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY, and whether the proxy allows this host.';
const CLIENT_CERTIFICATE = 'If the service requires a client certificate, set UPSTREAM_CERT and UPSTREAM_KEY.';
const ASK_OPERATOR = 'Ask the operator of the service.';
const RENEW = 'Ask the operator of the service to renew its certificate.';
// biome-ignore format: one row for each fault
/** The faults of a connection by error code; the first that matches applies. */
const FAULTS: readonly (readonly [code: RegExp, subject: 'TLS' | 'service', fact: string, remedy: string])[] = [
  [/^CERT_HAS_EXPIRED$/, 'TLS', 'the certificate has expired', RENEW],
  [/ALTNAME_INVALID$/, 'TLS', 'the certificate is for another name', 'Use a name from the certificate in UPSTREAM_URL.'],
  [/SELF_SIGNED|UNABLE_TO_|ISSUER/, 'TLS', 'the certificate is not signed by a trusted CA', 'Name your own CA in UPSTREAM_CA.'],
  [/^ERR_(?:SSL|TLS)|CERT|^EPROTO$/, 'TLS', 'the handshake fails', 'Check that the port in UPSTREAM_URL speaks https.'],
  [/^ENOTFOUND|^EAI_AGAIN/, 'service', 'the name cannot be resolved', 'Check UPSTREAM_URL and the DNS configuration.'],
  [/^ECONNREFUSED$/, 'service', 'it refuses connections', CHECK_PORT],
];

/** Checks the service without creating anything: a connection as creates have it, a GET that it must refuse, and a token. */
export async function examineService(upstream: UpstreamConfig): Promise<readonly Finding[]> {
  const { url, proxy, ownClient } = upstream;
  const timeoutMs = Math.min(upstream.timeoutMs, MAX_WAIT_MS);
  let access: ServiceAccess;
  try {
    access = { tls: readTlsFiles(upstream), proxy };
  } catch (error) {
    return [broken('TLS', (error as Error).message, 'Correct the file, or unset the variable.')];
  }
  const way = proxy ? ` through the proxy ${proxy.host}` : '';
  try {
    const socket = await openConnection(url, access, timeoutMs);
    const certificate = socket instanceof TLSSocket ? [certificateFinding(socket)] : [];
    return [
      ok('service', `${url.host}: connected${way}`),
      ...certificate,
      await endpointFinding(url, socket, timeoutMs),
      ...(ownClient ? [await tokenFinding({ baseUrl: url, access, timeoutMs, ...CLIENT_LIMITS }, ownClient)] : []),
    ];
  } catch (error) {
    const { code = 'closed' } = error as NodeJS.ErrnoException;
    const [, subject = 'service', fault, remedy = CHECK_PORT] = FAULTS.find(([pattern]) => pattern.test(code)) ?? [];
    if (subject === 'TLS') return [broken(subject, `${fault} (${code})`, remedy)];
    const fact = `${url.host}: ${proxy || !fault ? `cannot connect${way}` : fault} (${code})`;
    return [broken(subject, fact, proxy ? CHECK_PROXY : remedy)];
  }
}

function openConnection(url: URL, access: ServiceAccess, waitMs: number): Promise<Socket> {
  const { protocol, host, port } = url;
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    buildServiceConnector(access, waitMs)({ protocol, host, hostname, port }, (...[error, socket]) => {
      if (error) return reject(error);
      // A service may end the connection because it wants a client certificate.
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}

function certificateFinding(socket: TLSSocket): Finding {
  const days = Math.floor((Date.parse(socket.getPeerCertificate().valid_to) - Date.now()) / DAY_MS);
  const fact = `${socket.getProtocol()}, the certificate is valid for ${count(days, 'more day')}`;
  return days < FEW_DAYS ? warning('TLS', fact, RENEW) : ok('TLS', fact);
}

async function endpointFinding(url: URL, socket: Socket, waitMs: number): Promise<Finding> {
  const { host, pathname } = new URL(PATH, url);
  const headers = { Host: host, 'User-Agent': USER_AGENT, Accept: 'application/json' };
  const signal = AbortSignal.timeout(waitMs);
  try {
    const request = get({ path: pathname, headers, createConnection: () => socket, signal });
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    const body = readAnswerBody(await readAll(answer).catch(() => Buffer.of()), null);
    return statusFinding(answer.statusCode ?? 0, pathname, body.kind !== 'empty' && isForeignBody(body));
  } catch {
    if (signal.aborted)
      return broken('endpoint', `no answer in ${waitMs} ms`, `${ASK_OPERATOR} Or raise UPSTREAM_TIMEOUT_MS.`);
    const remedy = url.protocol === 'https:' ? `${CHECK_ADDRESS} ${CLIENT_CERTIFICATE}` : CHECK_ADDRESS;
    return broken('endpoint', 'the answer is not HTTP, or breaks off', remedy);
  } finally {
    socket.destroy();
  }
}

function statusFinding(status: number, path: string, isForeign: boolean): Finding {
  const fact = `GET ${path} answers ${status}`;
  if (status === 401 || (status === 405 && !isForeign)) return ok('endpoint', `${fact}, as expected`);
  if (status === 404) return broken('endpoint', `${fact}: there is nothing at this path`, CHECK_ADDRESS);
  if (status >= 500) return broken('endpoint', `${fact}: the service fails`, ASK_OPERATOR);
  if (status >= 300 && status < 400)
    return broken('endpoint', `${fact}: it redirects callers, and creates do not follow redirects`, CHECK_ADDRESS);
  const words = status === 405 ? 'not in the words of ASP.NET Web API 2' : 'the contract has 405 or 401';
  return warning('endpoint', `${fact}, but ${words}: another server may be answering`, CHECK_ADDRESS);
}

async function tokenFinding(options: UpstreamClientOptions, credentials: TokenCredentials): Promise<Finding> {
  const client = createUpstreamClient(options);
  try {
    const { lifetimeMs } = await requestToken(client, credentials);
    return ok('token', `the service issued one, valid for ${count(Math.round(lifetimeMs / 60_000), 'minute')}`);
  } catch (error) {
    const { cause, code, message } = error as TaskFailure;
    const fact = cause instanceof Error && !('code' in cause) ? cause.message : message;
    const check = 'Check that the service issues tokens at Token under UPSTREAM_URL.';
    const correct = 'Correct UPSTREAM_CLIENT_ID and UPSTREAM_CLIENT_SECRET.';
    return broken('token', fact, code === 'UNAUTHENTICATED' ? correct : check);
  } finally {
    await client.close();
  }
}
