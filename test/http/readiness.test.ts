import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { TaskFailure } from '../../src/contract/failure.ts';
import type { ReadinessChecks } from '../../src/contract/task-service.ts';
import type { Log } from '../../src/telemetry/log.ts';
import { openBackend } from '../../src/app/open-backend.ts';
import { createReadiness } from '../../src/http/readiness.ts';
import { startGateway } from '../support/running-gateway.ts';
import { openRawService } from '../support/test-client.ts';

const AWAY = new TaskFailure({ code: 'UPSTREAM_UNREACHABLE', outcome: 'NOT_SENT' }, 'The service is away.');

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  return () => vi.useRealTimers();
});

/** Lets the findings grow old. */
function passASecond(): void {
  vi.advanceTimersByTime(1_000);
}

function readinessOf(checks: ReadinessChecks, timeoutMs = 60_000) {
  const lines: string[] = [];
  const note =
    (level: string) =>
    ({ check = '' }: { readonly check?: string }, sentence: string) =>
      void lines.push(`${level} ${check}: ${sentence}`);
  const log: Log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  const readiness = createReadiness({ checks, log, timeoutMs });
  return { report: () => readiness.report(), drain: () => readiness.drain(), lines };
}

describe('a report', () => {
  test('has a word for every part that is well', async () => {
    const { report } = readinessOf({ upstream: async () => 'ok', circuit: async () => 'closed' });
    expect(await report()).toEqual({ isReady: true, checks: { upstream: 'ok', circuit: 'closed', draining: 'no' } });
  });

  test('says what is wrong with every part that is not, but nothing that was not written to be read', async () => {
    const { report } = readinessOf({
      upstream: () => Promise.reject(AWAY),
      circuit: async () => 'closed',
      database: () => Promise.reject(new Error('password "hunter2" for 10.0.0.1 is wrong')),
    });
    expect(await report()).toEqual({
      isReady: false,
      checks: {
        upstream: 'The service is away.',
        circuit: 'closed',
        database: 'It does not work as it should.',
        draining: 'no',
      },
    });
  });

  test('does not wait for a check that hangs, and any number of reports look once', async () => {
    let looks = 0;
    const hanging = Promise.withResolvers<string>();
    const { report } = readinessOf(
      {
        upstream: async () => 'ok',
        database: () => {
          looks += 1;
          return hanging.promise;
        },
      },
      5,
    );
    const late = {
      isReady: false,
      checks: { upstream: 'ok', database: 'It does not answer in time.', draining: 'no' },
    };
    expect(await Promise.all(Array.from({ length: 20 }, report))).toEqual(Array.from({ length: 20 }, () => late));
    expect(await report()).toEqual(late);
    expect(looks).toBe(1);
    hanging.resolve('ok');
    await expect.poll(async () => (await report()).isReady).toBe(true);
    expect(looks).toBe(1);
  });

  test('keeps what it found for a second, whether the part is well or not', async () => {
    let looks = 0;
    const { report } = readinessOf({
      database: () => {
        looks += 1;
        return looks === 1 ? Promise.reject(AWAY) : Promise.resolve('ok');
      },
    });
    expect((await report()).isReady).toBe(false);
    vi.advanceTimersByTime(999);
    expect((await report()).isReady).toBe(false);
    vi.advanceTimersByTime(1);
    expect((await report()).isReady).toBe(true);
    vi.advanceTimersByTime(999);
    expect((await report()).isReady).toBe(true);
    expect(looks).toBe(2);
  });

  test('says that the gateway is about to stop though its parts were found well a moment ago', async () => {
    const held = Promise.withResolvers<string>();
    const looks = [Promise.resolve('ok'), held.promise];
    const { report, drain } = readinessOf({ database: () => looks.shift() ?? Promise.reject(AWAY) });
    expect((await report()).isReady).toBe(true);
    passASecond();
    const underWay = report();
    drain();
    expect((await report()).isReady).toBe(false);
    held.resolve('ok');
    expect((await underWay).isReady).toBe(false);
  });

  test('of a gateway that is about to stop says so at once, whatever hangs', async () => {
    const { report, drain } = readinessOf({ database: () => new Promise(() => {}) });
    drain();
    expect(await report()).toEqual({ isReady: false, checks: { draining: 'This gateway is about to stop.' } });
  });
});

test('the log hears of a part when it changes, and not with every report', async () => {
  const state = { failure: null as Error | null };
  const { report, lines } = readinessOf({
    upstream: async () => {
      if (state.failure) throw state.failure;
      return 'ok';
    },
  });
  for (const failure of [null, AWAY, AWAY, null, null]) {
    state.failure = failure;
    await report();
    passASecond();
  }
  expect(lines).toEqual(['warn upstream: not ready', 'info upstream: ready again']);
});

test('/ready of a service that takes connections and says nothing is 503, and however many ask, it is asked once', async () => {
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
    // Whichever of the two bounds is over first.
    expect(upstream).toMatch(/no connection was made in time\.$|^It does not answer in time\.$/);
  }
  expect(silent.connections()).toBe(1);
});
