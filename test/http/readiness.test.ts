import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { TaskFailure } from '../../src/contract/failure.ts';
import type { ReadinessChecks } from '../../src/contract/task-service.ts';
import type { Log } from '../../src/telemetry/log.ts';
import { openBackend } from '../../src/app/open-backend.ts';
import { createReadiness } from '../../src/http/readiness.ts';
import { startGateway } from '../support/running-gateway.ts';
import { openRawService } from '../support/upstream-client.ts';

const UNREACHABLE = new TaskFailure(
  { code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT' },
  'The service is unreachable.',
);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  return () => vi.useRealTimers();
});

/** Lets the cached results expire. */
function passASecond(): void {
  vi.advanceTimersByTime(1_000);
}

function readinessOf(checks: ReadinessChecks, timeoutMs = 60_000) {
  const lines: string[] = [];
  const note =
    (level: string) =>
    ({ check = '' }: { readonly check?: string }, message: string) =>
      void lines.push(`${level} ${check}: ${message}`);
  const log: Log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  const readiness = createReadiness({ checks, log, timeoutMs });
  return { report: () => readiness.report(), drain: () => readiness.drain(), lines };
}

describe('a readiness report', () => {
  test('has a word for every check that passes', async () => {
    const { report } = readinessOf({ upstream: async () => 'ok', circuit: async () => 'closed' });
    expect(await report()).toEqual({ isReady: true, checks: { upstream: 'ok', circuit: 'closed', draining: 'no' } });
  });

  test('has a sentence for every check that fails, without details that are not for callers', async () => {
    const { report } = readinessOf({
      upstream: () => Promise.reject(UNREACHABLE),
      circuit: async () => 'closed',
      database: () => Promise.reject(new Error('password "hunter2" for 10.0.0.1 is wrong')),
    });
    expect(await report()).toEqual({
      isReady: false,
      checks: {
        upstream: 'The service is unreachable.',
        circuit: 'closed',
        database: 'The check failed; the log of the gateway has the reason.',
        draining: 'no',
      },
    });
  });

  test('does not wait for a check that hangs, and any number of reports share one run', async () => {
    let runs = 0;
    const hanging = Promise.withResolvers<string>();
    const { report } = readinessOf(
      {
        upstream: async () => 'ok',
        database: () => {
          runs += 1;
          return hanging.promise;
        },
      },
      5,
    );
    const late = {
      isReady: false,
      checks: { upstream: 'ok', database: 'It did not answer in time.', draining: 'no' },
    };
    expect(await Promise.all(Array.from({ length: 20 }, report))).toEqual(Array.from({ length: 20 }, () => late));
    expect(await report()).toEqual(late);
    expect(runs).toBe(1);
    hanging.resolve('ok');
    await expect.poll(async () => (await report()).isReady).toBe(true);
    expect(runs).toBe(1);
  });

  test('keeps the result of a check for a second, whether it passed or failed', async () => {
    let runs = 0;
    const { report } = readinessOf({
      database: () => {
        runs += 1;
        return runs === 1 ? Promise.reject(UNREACHABLE) : Promise.resolve('ok');
      },
    });
    expect((await report()).isReady).toBe(false);
    vi.advanceTimersByTime(999);
    expect((await report()).isReady).toBe(false);
    vi.advanceTimersByTime(1);
    expect((await report()).isReady).toBe(true);
    vi.advanceTimersByTime(999);
    expect((await report()).isReady).toBe(true);
    expect(runs).toBe(2);
  });

  test('is not ready after drain, even if the checks have just passed', async () => {
    const held = Promise.withResolvers<string>();
    const runs = [Promise.resolve('ok'), held.promise];
    const { report, drain } = readinessOf({ database: () => runs.shift() ?? Promise.reject(UNREACHABLE) });
    expect((await report()).isReady).toBe(true);
    passASecond();
    const pending = report();
    drain();
    expect((await report()).isReady).toBe(false);
    held.resolve('ok');
    expect((await pending).isReady).toBe(false);
  });

  test('of a draining gateway is returned at once, even if a check hangs', async () => {
    const { report, drain } = readinessOf({ database: () => new Promise(() => {}) });
    drain();
    expect(await report()).toEqual({
      isReady: false,
      checks: { draining: 'This gateway is draining and about to stop.' },
    });
  });
});

test('a check is logged when its result changes, not with every report', async () => {
  const state = { failure: null as Error | null };
  const { report, lines } = readinessOf({
    upstream: async () => {
      if (state.failure) throw state.failure;
      return 'ok';
    },
  });
  for (const failure of [null, UNREACHABLE, UNREACHABLE, null, null]) {
    state.failure = failure;
    await report();
    passASecond();
  }
  expect(lines).toEqual(['warn upstream: not ready', 'info upstream: ready again']);
});

test('/ready is 503 for a service that accepts connections but never answers, which is asked once for many probes', async () => {
  const silent = await openRawService(() => undefined);
  const env = { UPSTREAM_URL: `https://127.0.0.1:${silent.port}/`, UPSTREAM_TIMEOUT_MS: '600000', RECORD: 'off' };
  const gateway = await startGateway(openBackend, { env });
  onTestFinished(() => gateway.close());
  const probe = async () => {
    const response = await fetch(new URL('ready', gateway.url));
    const { checks } = (await response.json()) as { readonly checks: Readonly<Record<string, string>> };
    return [response.status, Object.keys(checks), checks['upstream']];
  };
  const parts = ['upstream', 'circuit', 'draining'];
  for (const [status, names, upstream] of await Promise.all(Array.from({ length: 10 }, probe))) {
    expect([status, names]).toEqual([503, parts]);
    // The text depends on which of the two timeouts ends first.
    expect(upstream).toMatch(/no connection was made in time\.$|^It did not answer in time\.$/);
  }
  expect(silent.connections()).toBe(1);
});
