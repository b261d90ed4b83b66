import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { findSystemProgram } from '../../support/system-program.ts';

const CONFIGURATION = readFileSync(new URL('../../../deploy/nginx.conf', import.meta.url), 'utf8');

/** Starts a real nginx with deploy/nginx.conf, in which only the addresses and the folder are replaced. */
export async function startProxy(gateways: readonly number[]): Promise<URL> {
  const folder = mkdtempSync(join(tmpdir(), 'proxy-'));
  chmodSync(folder, 0o777);
  const port = await freePort();
  const adapted = CONFIGURATION.replaceAll(/ \/tmp\//g, ` ${folder}/`)
    .replace('listen 8080;', `listen 127.0.0.1:${port};`)
    .replaceAll(/gateway-(\d):4000/g, (_, number) => `127.0.0.1:${gateways[Number(number) - 1]}`);
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, adapted);
  const program = findSystemProgram({
    names: ['nginx'],
    debianPackage: 'nginx-light',
    path: process.env['NGINX'],
  });
  const nginx: ChildProcess = spawn(program, ['-e', 'stderr', '-p', folder, '-c', file, '-g', 'daemon off;'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  nginx.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  onTestFinished(async () => {
    nginx.kill('SIGQUIT');
    if (nginx.exitCode === null) await once(nginx, 'exit');
    rmSync(folder, { recursive: true, force: true });
  });
  const url = new URL(`http://127.0.0.1:${port}/`);
  await expect
    .poll(() => {
      if (nginx.exitCode !== null) throw new Error(log);
      return fetch(new URL('metrics', url)).then(
        ({ status }) => status,
        () => 0,
      );
    })
    .toBe(404);
  return url;
}
