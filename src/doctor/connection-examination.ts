import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { broken, type Finding, ok, warning } from './finding.ts';

const DAY_MS = 86_400_000;
const FEW_DAYS = 21;

/** Makes a connection to the service, step by step, up to the first step that fails. */
export async function examineConnection(url: URL, timeoutMs: number): Promise<readonly Finding[]> {
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
      connectTls({ host, port, servername: /[a-z]/i.test(host) ? host : '' }),
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

function connectFinding({ host }: URL, error: unknown): Finding {
  const code = codeOf(error);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return broken(
      'service',
      `${host}: its name cannot be resolved`,
      'Check UPSTREAM_URL, and the name servers of this host.',
    );
  const fact = code === 'ECONNREFUSED' ? 'it refuses connections' : `no connection is made (${code})`;
  return broken('service', `${host}: ${fact}`, 'Check the port of UPSTREAM_URL, and firewalls in between.');
}

function certificateFinding(socket: TLSSocket): Finding {
  const { valid_to: validTo } = socket.getPeerCertificate();
  const days = Math.floor((Date.parse(validTo) - Date.now()) / DAY_MS);
  const fact = `${socket.getProtocol()}, its certificate is good for ${days} more day${days === 1 ? '' : 's'}`;
  return days < FEW_DAYS ? warning('TLS', fact, 'Have the service renew its certificate.') : ok('TLS', fact);
}

function tlsFinding(error: unknown): Finding {
  const code = codeOf(error);
  if (code === 'CERT_HAS_EXPIRED')
    return broken('TLS', 'its certificate has expired', 'Have the service renew its certificate.');
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return broken('TLS', 'its certificate is for another name', 'Use the name of the certificate in UPSTREAM_URL.');
  if (/SELF_SIGNED|UNABLE_TO_|ISSUER/.test(code)) {
    const remedy = 'If it is of an authority of your own, name its file in NODE_EXTRA_CA_CERTS.';
    return broken('TLS', `its certificate is of nobody that is trusted here (${code})`, remedy);
  }
  return broken(
    'TLS',
    `no secure connection is made (${code})`,
    'Check whether this port of UPSTREAM_URL speaks https.',
  );
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
