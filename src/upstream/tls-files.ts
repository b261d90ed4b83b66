import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { decodeText } from '../wire/text-encoding.ts';

/** Paths of PEM files; null: the system's certificate authorities, and no client certificate. */
export interface TlsFiles {
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
}

/** The contents of the files, as node:tls takes them. */
export interface TlsIdentity {
  readonly ca?: string[];
  readonly cert?: string;
  readonly key?: string;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Reads the files for TLS to the service. @throws Error that names the variable of a file that cannot be used. */
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
  const areSound = certificates.every((certificate) => succeeds(() => new X509Certificate(certificate)));
  if (certificates.length > 0 && areSound) return certificates;
  throw new Error(`${variable}: ${path} holds no certificate that can be read; expected certificates in PEM`);
}

function checkKey(key: string, path: string, certificate: string): void {
  if (!succeeds(() => createPrivateKey(key)))
    throw new Error(
      `UPSTREAM_KEY: ${path} holds no key that can be read; expected a private key in PEM without a passphrase`,
    );
  if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)))
    throw new Error(`UPSTREAM_KEY: ${path} is not the key of the first certificate in UPSTREAM_CERT`);
}

function readText(variable: string, path: string): string {
  try {
    const bytes = readFileSync(path);
    const text = decodeText(bytes, null);
    // PEM is ASCII, but the comments around it may be of any encoding.
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
