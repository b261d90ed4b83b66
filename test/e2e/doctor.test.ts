import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Finding } from '../../src/commands/doctor/finding.ts';
import { type CertificateOptions, selfSigned } from '../support/certificate.ts';
import { runCli, startNpm, temporaryDatabase } from './support/gateway-process.ts';
import { seedStore } from './support/seeded-store.ts';

describe('npm run doctor', () => {
  test('doctor prints a table and exits with 0 if all is well', async () => {
    const DATABASE_URL = temporaryDatabase();
    await seedStore(DATABASE_URL);
    const { code, stdout, stderr } = await startNpm(['run', '--silent', 'doctor'], { DATABASE_URL }).exit;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^✓ ok {7}variables {2}all valid; the gateway stores the tasks itself, because UPSTREAM_URL is not set$/m,
    );
    expect(stdout).toMatch(/^✓ ok {7}store {6}1 client, 1 task in the catalogue$/m);
    expect(stdout).toMatch(/\n\nAll is well\.\n$/);
  });

  test('doctor prints a remedy for each broken part and exits with 1', async () => {
    const { code, stdout } = await runCli(['doctor'], { UPSTREAM_URL: 'http://127.0.0.1:1', RECORD: 'off' });
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^✗ BROKEN {3}service {4}127\.0\.0\.1:1: it refuses connections \(ECONNREFUSED\)\n {22}→ Check the port/m,
    );
  });

  test('doctor --json prints the findings as JSON', async () => {
    const { code, stdout } = await runCli(['doctor', '--json'], { PORT: 'http' });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual([
      {
        subject: 'PORT',
        state: 'broken',
        fact: 'expected a whole number from 0 to 65535, got "http"',
        remedy: 'Correct PORT, or unset it.',
      },
    ]);
  });

  test('doctor refuses other arguments', async () => {
    const { code, stderr } = await runCli(['doctor', 'please']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^"doctor" takes no argument except --json\.\n/);
  });
});

/** A service over TLS whose certificate the doctor is told to trust. */
async function examineTrusted(options: CertificateOptions, host = '127.0.0.1'): Promise<Finding | undefined> {
  const certificate = selfSigned(options);
  const server = createServer(certificate, (_, response) => response.writeHead(405).end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const folder = mkdtempSync(join(tmpdir(), 'authority-'));
  onTestFinished(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  const NODE_EXTRA_CA_CERTS = join(folder, 'authority.pem');
  writeFileSync(NODE_EXTRA_CA_CERTS, certificate.cert);
  const UPSTREAM_URL = `https://${host}:${(server.address() as AddressInfo).port}`;
  const { stdout } = await runCli(['doctor', '--json'], { NODE_EXTRA_CA_CERTS, UPSTREAM_URL, RECORD: 'off' });
  return (JSON.parse(stdout) as Finding[]).find(({ subject }) => subject === 'TLS');
}

describe('the TLS finding', () => {
  test('a certificate of a trusted authority is ok, and a check of the endpoint follows', async () => {
    expect(await examineTrusted({ days: 90 })).toMatchObject({
      state: 'ok',
      fact: expect.stringMatching(/^TLSv1\.3, the certificate is valid for (?:89|90) more days$/) as string,
    });
  });

  test.each<readonly [string, CertificateOptions, string, string, string]>([
    ['is about to expire', { days: 5 }, '127.0.0.1', 'warning', 'renew'],
    ['has expired', { days: -2 }, '127.0.0.1', 'broken', 'renew'],
    ['is for another name', { name: 'DNS:other.example' }, 'localhost', 'broken', 'Use a name from the certificate'],
  ])('a certificate of a trusted authority that %s is not ok', async (_, options, host, state, remedy) => {
    expect(await examineTrusted(options, host)).toMatchObject({
      state,
      remedy: expect.stringContaining(remedy) as string,
    });
  });
});
