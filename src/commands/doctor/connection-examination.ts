import { connect, type Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { buildServiceConnector, type ServiceAccess } from '../../upstream/service-connector.ts';
import { broken, type Finding, ok, warning } from './finding.ts';

const DAY_MS = 86_400_000;
const FEW_DAYS = 21;
const RENEW = 'Ask the operator of the service to renew its certificate.';

/** Makes a connection to the service, step by step, up to the first step that fails. */
export async function examineConnection(
  url: URL,
  access: ServiceAccess,
  timeoutMs: number,
): Promise<readonly Finding[]> {
  if (access.proxy) return examineTunnel(url, access, access.proxy, timeoutMs);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isSecure = url.protocol === 'https:';
  const port = Number(url.port || (isSecure ? 443 : 80));
  const findings: Finding[] = [];
  try {
    const startMs = performance.now();
    const socket = await connected(connect({ host, port }), 'connect', timeoutMs);
    const tookMs = (performance.now() - startMs).toFixed(1);
    findings.push(ok('service', `${url.host}: connected to ${socket.remoteAddress} in ${tookMs} ms`));
    socket.destroy();
  } catch (error) {
    return [connectFinding(url, error)];
  }
  if (!isSecure) return findings;
  try {
    // A name is checked against the certificate; an address is no server name.
    const socket = await connected(
      connectTls({ host, port, servername: /[a-z]/i.test(host) ? host : '', ...access.tls }),
      'secureConnect',
      timeoutMs,
    );
    findings.push(certificateFinding(socket));
    socket.destroy();
  } catch (error) {
    findings.push(tlsFinding(error));
  }
  return findings;
}

/** The connection as creates have it, through the proxy. */
async function examineTunnel(
  { protocol, host, hostname, port }: URL,
  access: ServiceAccess,
  proxy: URL,
  timeoutMs: number,
): Promise<readonly Finding[]> {
  const options = { protocol, host, hostname: hostname.replace(/^\[|\]$/g, ''), port };
  try {
    const socket = await new Promise<Socket>((resolve, reject) => {
      buildServiceConnector(access, timeoutMs)(options, (...[error, made]) => (error ? reject(error) : resolve(made)));
    });
    const reached = ok('service', `${host}: connected through the proxy ${proxy.host}`);
    const findings = socket instanceof TLSSocket ? [reached, certificateFinding(socket)] : [reached];
    socket.destroy();
    return findings;
  } catch (error) {
    const code = codeOf(error);
    if (/^ERR_(?:SSL|TLS)|CERT|ISSUER|^UNABLE_TO_/.test(code)) return [tlsFinding(error)];
    const fact = `${host}: cannot connect through the proxy ${proxy.host} (${code})`;
    return [
      broken('service', fact, 'Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY, and whether the proxy allows this host.'),
    ];
  }
}

function connectFinding({ host }: URL, error: unknown): Finding {
  const code = codeOf(error);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return broken(
      'service',
      `${host}: the name cannot be resolved`,
      'Check UPSTREAM_URL and the DNS configuration of this machine.',
    );
  const fact = code === 'ECONNREFUSED' ? 'it refuses connections' : `cannot connect (${code})`;
  return broken('service', `${host}: ${fact}`, 'Check the port in UPSTREAM_URL, and firewalls in between.');
}

function certificateFinding(socket: TLSSocket): Finding {
  const { valid_to: validTo } = socket.getPeerCertificate();
  const days = Math.floor((Date.parse(validTo) - Date.now()) / DAY_MS);
  const fact = `${socket.getProtocol()}, the certificate is valid for ${days} more day${days === 1 ? '' : 's'}`;
  return days < FEW_DAYS ? warning('TLS', fact, RENEW) : ok('TLS', fact);
}

function tlsFinding(error: unknown): Finding {
  const code = codeOf(error);
  if (code === 'CERT_HAS_EXPIRED') return broken('TLS', 'the certificate has expired', RENEW);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return broken('TLS', 'the certificate is for another name', 'Use a name from the certificate in UPSTREAM_URL.');
  if (/SELF_SIGNED|UNABLE_TO_|ISSUER/.test(code)) {
    const remedy = 'If the CA is your own, set UPSTREAM_CA to the file with its certificate.';
    return broken('TLS', `the certificate is not signed by a trusted CA (${code})`, remedy);
  }
  return broken('TLS', `the TLS handshake fails (${code})`, 'Check that the port in UPSTREAM_URL speaks https.');
}

/** The socket once it is connected; it fails with the socket's error, or with ETIMEDOUT. */
async function connected<S extends Socket>(socket: S, event: string, timeoutMs: number): Promise<S> {
  const settled = Promise.withResolvers<S>();
  socket.once(event, () => settled.resolve(socket));
  socket.on('error', settled.reject);
  socket.once('close', () => settled.reject(new Error('It closed the connection.')));
  const late = Object.assign(new Error('It took too long.'), { code: 'ETIMEDOUT' });
  const timer = setTimeout(settled.reject, timeoutMs, late);
  try {
    return await settled.promise;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'closed';
}
