import { TLSSocket } from 'node:tls';
import type { UpstreamConfig } from '../../app/config.ts';
import { isForeignBody } from '../../contract/envelope.ts';
import type { TaskFailure } from '../../contract/failure.ts';
import { OPERATIONS } from '../../contract/operations.ts';
import { createUpstreamClient, type UpstreamClient, USER_AGENT } from '../../upstream/client.ts';
import { requestToken, type TokenCredentials } from '../../upstream/own-token.ts';
import { buildServiceConnector, openConnection, readTlsFiles } from '../../upstream/service-connector.ts';
import { readAnswerBody } from '../../wire/codec.ts';
import { broken, count, type Finding, ok, warning } from './finding.ts';

const MAX_WAIT_MS = 10_000;
const DAY_MS = 86_400_000;
const FEW_DAYS = 21;
const CLIENT_LIMITS = { connections: 1, maxInFlight: 1, maxAnswerBytes: 1_048_576, connectRetries: 0 };
const GET = { method: 'GET', path: OPERATIONS.create.path, unknownFate: 'nothing was done' } as const;
const CHECK_ADDRESS = `Check UPSTREAM_URL: it must be the part before ${GET.path}.`;
const CHECK_PORT = 'Check the port in UPSTREAM_URL, and firewalls in between.';
const CHECK_PROXY = 'Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY, and whether the proxy allows this host.';
const CLIENT_CERTIFICATE = ' If the service requires a client certificate, set UPSTREAM_CERT and UPSTREAM_KEY.';
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
  const way = proxy ? ` through the proxy ${proxy.host}` : '';
  const findings = [ok('service', `${url.host}: connected${way}`)];
  try {
    const access = { tls: readTlsFiles(upstream), proxy };
    const socket = await openConnection(url, buildServiceConnector(access, timeoutMs));
    // A service may end the connection because it wants a client certificate.
    socket.on('error', () => undefined);
    if (socket instanceof TLSSocket) findings.push(certificateFinding(socket));
    socket.destroy();
    const client = createUpstreamClient({ baseUrl: url, access, timeoutMs, ...CLIENT_LIMITS });
    findings.push(await endpointFinding(client, url));
    if (ownClient) findings.push(await tokenFinding(client, ownClient));
    await client.close();
    return findings;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) return [broken('TLS', message, 'Correct the file, or unset the variable.')];
    const [, subject = 'service', fault, remedy = CHECK_PORT] = FAULTS.find(([pattern]) => pattern.test(code)) ?? [];
    if (subject === 'TLS') return [broken(subject, `${fault} (${code})`, remedy)];
    const fact = `${url.host}: ${proxy || !fault ? `cannot connect${way}` : fault} (${code})`;
    return [broken(subject, fact, proxy ? CHECK_PROXY : remedy)];
  }
}

function certificateFinding(socket: TLSSocket): Finding {
  const days = Math.floor((Date.parse(socket.getPeerCertificate().valid_to) - Date.now()) / DAY_MS);
  const fact = `${socket.getProtocol()}, the certificate is valid for ${count(days, 'more day')}`;
  return days < FEW_DAYS ? warning('TLS', fact, RENEW) : ok('TLS', fact);
}

async function endpointFinding(client: UpstreamClient, url: URL): Promise<Finding> {
  const headers = { 'User-Agent': USER_AGENT, Accept: 'application/json' };
  try {
    const { status, body } = await client.sendAdmitted({ operation: GET, path: GET.path, headers, body: null });
    const content = readAnswerBody(body, null);
    return statusFinding(new URL(GET.path, url).pathname, status, content.kind !== 'empty' && isForeignBody(content));
  } catch (error) {
    const { code, message } = error as TaskFailure;
    if (code === 'UPSTREAM_TIMEOUT')
      return broken('endpoint', message, `${ASK_OPERATOR} Or raise UPSTREAM_TIMEOUT_MS.`);
    return broken('endpoint', message, `${CHECK_ADDRESS}${url.protocol === 'https:' ? CLIENT_CERTIFICATE : ''}`);
  }
}

function statusFinding(path: string, status: number, isForeign: boolean): Finding {
  const fact = `GET ${path} answers ${status}`;
  if (status === 401 || (status === 405 && !isForeign)) return ok('endpoint', `${fact}, as expected`);
  if (status === 404) return broken('endpoint', `${fact}: there is nothing at this path`, CHECK_ADDRESS);
  if (status >= 500) return broken('endpoint', `${fact}: the service fails`, ASK_OPERATOR);
  if (status >= 300 && status < 400)
    return broken('endpoint', `${fact}: it redirects callers, and creates do not follow redirects`, CHECK_ADDRESS);
  const words = status === 405 ? 'not in the words of ASP.NET Web API 2' : 'the contract has 405 or 401';
  return warning('endpoint', `${fact}, but ${words}: another server may be answering`, CHECK_ADDRESS);
}

async function tokenFinding(client: UpstreamClient, credentials: TokenCredentials): Promise<Finding> {
  try {
    const { lifetimeMs } = await requestToken(client, credentials);
    return ok('token', `the service issued one, valid for ${count(Math.round(lifetimeMs / 60_000), 'minute')}`);
  } catch (error) {
    const { cause, code, message } = error as TaskFailure;
    const fact = cause instanceof Error && !('code' in cause) ? cause.message : message;
    if (code === 'UNAUTHENTICATED')
      return broken('token', fact, 'Correct UPSTREAM_CLIENT_ID and UPSTREAM_CLIENT_SECRET.');
    return broken('token', fact, 'Check that the service issues tokens at Token under UPSTREAM_URL.');
  }
}
