import { Buffer } from 'node:buffer';
import { Client } from 'undici/index.js';
import type { UpstreamConfig } from '../../app/config.ts';
import { type AnswerBody, isForeignBody } from '../../contract/envelope.ts';
import { TaskFailure } from '../../contract/failure.ts';
import { createUpstreamClient } from '../../upstream/client.ts';
import { buildServiceConnector, type ServiceAccess, readTlsFiles } from '../../upstream/service-connector.ts';
import { CREATE_PATH } from '../../upstream/upstream-task-service.ts';
import { requestToken } from '../../upstream/own-token.ts';
import { USER_AGENT } from '../../upstream/request-headers.ts';
import { readAnswerBody } from '../../wire/codec.ts';
import { examineConnection } from './connection-examination.ts';
import { broken, type Finding, ok, skipped, warning } from './finding.ts';

const MAX_CONNECT_MS = 5_000;
const MAX_WAIT_MS = 10_000;
const MAX_ANSWER_BYTES = 1_048_576;

/** Checks the service without creating anything: a connection, a GET that it must refuse, and a token. */
export async function examineService(upstream: UpstreamConfig): Promise<readonly Finding[]> {
  let access: ServiceAccess;
  try {
    access = { tls: readTlsFiles(upstream), proxy: upstream.proxy };
  } catch (error) {
    return [broken('TLS', (error as Error).message, 'Correct the file, or unset the variable.')];
  }
  const connection = await examineConnection(upstream.url, access, Math.min(upstream.timeoutMs, MAX_CONNECT_MS));
  const rest = ['endpoint', ...(upstream.ownClient ? ['token'] : [])];
  if (connection.some(({ state }) => state === 'broken'))
    return [...connection, ...rest.map((subject) => skipped(subject, 'not checked without a connection'))];
  return [...connection, await endpointFinding(upstream, access), ...(await tokenFindings(upstream, access))];
}

async function endpointFinding({ url, timeoutMs }: UpstreamConfig, access: ServiceAccess): Promise<Finding> {
  const endpoint = new URL(CREATE_PATH, url);
  const waitMs = Math.min(timeoutMs, MAX_WAIT_MS);
  const client = new Client(endpoint.origin, { allowH2: false, connect: buildServiceConnector(access, waitMs) });
  try {
    const { statusCode, body } = await client.request({
      path: endpoint.pathname,
      method: 'GET',
      headers: { 'User-Agent': USER_AGENT, Accept: 'application/json' },
      signal: AbortSignal.timeout(waitMs),
    });
    const text = await body.text().catch(() => '');
    return statusFinding(statusCode, endpoint, readAnswerBody(Buffer.from(text), null));
  } catch (error) {
    const isLate = error instanceof Error && error.name === 'TimeoutError';
    if (isLate)
      return broken(
        'endpoint',
        `no answer in ${waitMs} ms`,
        'Ask the operator of the service, or raise UPSTREAM_TIMEOUT_MS.',
      );
    const remedy = url.protocol === 'https:' ? `${CHECK_ADDRESS} ${CHECK_CERTIFICATE}` : CHECK_ADDRESS;
    return broken('endpoint', 'the answer is not HTTP, or breaks off', remedy);
  } finally {
    await client.destroy();
  }
}

const CHECK_CERTIFICATE = 'If the service requires a client certificate, set UPSTREAM_CERT and UPSTREAM_KEY.';
const CHECK_ADDRESS = 'Check UPSTREAM_URL: it must be the part before api/v2/admin/tasks/account.';

function statusFinding(status: number, { pathname }: URL, body: AnswerBody): Finding {
  const fact = `GET ${pathname} answers ${status}`;
  if (status === 405 && body.kind !== 'empty' && isForeignBody(body))
    return warning(
      'endpoint',
      `${fact}, but not in the words of ASP.NET Web API 2: another server may be answering`,
      CHECK_ADDRESS,
    );
  if (status === 405 || status === 401) return ok('endpoint', `${fact}, as expected`);
  if (status === 404) return broken('endpoint', `${fact}: there is nothing at this path`, CHECK_ADDRESS);
  if (status >= 300 && status < 400)
    return broken('endpoint', `${fact}: it redirects callers, and creates do not follow redirects`, CHECK_ADDRESS);
  if (status >= 500) return broken('endpoint', `${fact}: the service fails`, 'Ask the operator of the service.');
  return warning('endpoint', `${fact}, but the contract has 405 or 401`, CHECK_ADDRESS);
}

async function tokenFindings(
  { ownClient, url, timeoutMs }: UpstreamConfig,
  access: ServiceAccess,
): Promise<readonly Finding[]> {
  if (!ownClient) return [];
  const client = createUpstreamClient({
    baseUrl: url,
    access,
    timeoutMs: Math.min(timeoutMs, MAX_WAIT_MS),
    connections: 1,
    maxInFlight: 1,
    maxAnswerBytes: MAX_ANSWER_BYTES,
    connectRetries: 0,
  });
  try {
    const { lifetimeMs } = await requestToken(client, ownClient);
    return [ok('token', `the service issued one, valid for ${Math.round(lifetimeMs / 60_000)} minutes`)];
  } catch (error) {
    if (!(error instanceof TaskFailure)) throw error;
    const { cause, code } = error;
    const fact = cause instanceof Error && !('code' in cause) ? cause.message : error.message;
    const remedy =
      code === 'UNAUTHENTICATED'
        ? 'Correct UPSTREAM_CLIENT_ID and UPSTREAM_CLIENT_SECRET.'
        : 'Check that the service issues tokens at Token under UPSTREAM_URL.';
    return [broken('token', fact, remedy)];
  } finally {
    await client.close();
  }
}
