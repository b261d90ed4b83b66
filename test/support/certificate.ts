import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findSystemProgram } from './system-program.ts';

export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

export interface CertificateOptions {
  /** The days until it expires; negative for an expired certificate. */
  readonly days?: number;
  /** The subjectAltName, as OpenSSL writes it. */
  readonly name?: string;
}

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;

/** Creates a self-signed certificate. */
export function selfSigned({ days = 90, name = 'IP:127.0.0.1' }: CertificateOptions = {}): Certificate {
  const openssl = findSystemProgram({ names: ['openssl'], debianPackage: 'openssl' });
  const folder = mkdtempSync(join(tmpdir(), 'certificate-'));
  const [key, request, extensions, cert] = ['key', 'request', 'extensions', 'cert'].map((file) => join(folder, file));
  const inFolder = (args: readonly (string | undefined)[]): unknown =>
    execFileSync(openssl, args as string[], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key];
    inFolder(['req', '-new', '-subj', '/CN=test', '-out', request, ...newKey]);
    writeFileSync(extensions as string, `subjectAltName=${name}\nbasicConstraints=CA:TRUE\n`);
    writeFileSync(join(folder, 'index'), '');
    writeFileSync(
      join(folder, 'ca.conf'),
      '[ca]\ndefault_ca=own\n[own]\nnew_certs_dir=.\ndatabase=index\nserial=serial\npolicy=any\ndefault_md=sha256\nrand_serial=yes\n[any]\ncommonName=supplied\n',
    );
    const end = Date.now() + days * DAY_MS;
    const period = ['-startdate', toOpensslDate(Math.min(Date.now(), end) - YEAR_MS), '-enddate', toOpensslDate(end)];
    inFolder(
      ['ca', '-batch', '-selfsign', '-config', 'ca.conf', '-in', request, '-keyfile', key, '-out', cert].concat(
        ['-extfile', extensions],
        period,
        ['-notext'],
      ),
    );
    return { key: readFileSync(key as string, 'utf8'), cert: readFileSync(cert as string, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function toOpensslDate(ms: number): string {
  return `${new Date(ms).toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}Z`;
}
