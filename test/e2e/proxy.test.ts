import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { httpAnswer, type RawAnswer, startRawService } from '../upstream/raw-service.ts';
import { findSystemProgram } from './system-program.ts';
import { freePort } from '../free-port.ts';

const CONFIGURATION = readFileSync(new URL('../../src/operations/nginx.conf', import.meta.url), 'utf8');

async function openService(answer: RawAnswer) {
  const service = await startRawService(answer);
  onTestFinished(() => service.close());
  return service;
}

/** A real nginx with the configuration of the composition, but for the addresses of its gateways, its own, and its folder. */
async function startProxy(gateways: readonly number[]): Promise<URL> {
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

function post(url: URL): Promise<Response> {
  return fetch(new URL('graphql', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-id': 'r-1' },
    body: '{"query":"mutation { a }"}',
  });
}

const ANSWER: RawAnswer = (socket) => void socket.write(httpAnswer(200, '{}'));

test('a create goes to the gateway that is there, with the ID of its request', async () => {
  const there = await openService(ANSWER);
  const proxy = await startProxy([await freePort(), there.port]);
  for (let count = 1; count <= 6; count += 1) expect((await post(proxy)).status).toBe(200);
  expect(there.posts).toHaveLength(6);
  expect(there.posts[0]?.head.toLowerCase()).toContain('x-request-id: r-1\r\n');
});

test.each<readonly [string, RawAnswer, number]>([
  ['is cut off', (socket) => void socket.destroy(), 502],
  ['is answered with a 503', (socket) => void socket.write(httpAnswer(503)), 503],
])('a create that has left and %s is not sent to the other gateway', async (_, answer, status) => {
  const [one, other] = [await openService(answer), await openService(answer)];
  const proxy = await startProxy([one.port, other.port]);
  expect((await post(proxy)).status).toBe(status);
  expect([...one.posts, ...other.posts]).toHaveLength(1);
});

test('a body that no gateway would take goes to none', async () => {
  const gateway = await openService(ANSWER);
  const proxy = await startProxy([gateway.port, gateway.port]);
  const { status } = await fetch(new URL('graphql', proxy), { method: 'POST', body: 'x'.repeat(1_048_577) });
  expect([status, gateway.posts.length]).toEqual([413, 0]);
});
