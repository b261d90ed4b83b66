import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createLog, createRequestLog, LOG_LEVELS, openLogSink } from '../../src/telemetry/log.ts';
import { RequestRecord } from '../../src/telemetry/request-record.ts';

const ROUTE = { name: 'graphql', template: '/graphql', isProbe: false };
const REQUEST = { method: 'POST', headers: {} };

function toRecord(facts: Partial<RequestRecord>): RequestRecord {
  return Object.assign(new RequestRecord('request-1', ROUTE, REQUEST), facts);
}

const RECORD = toRecord({
  operationName: 'Register',
  operationType: 'mutation',
  code: 'UPSTREAM_TIMEOUT',
  outcome: 'UNKNOWN',
  upstreamMs: 9_999.96,
  commitMs: 0.04,
});
const ANSWER = { status: 200, durationMs: 12.34, isAborted: false };

function collectLines() {
  const lines: string[] = [];
  return { lines, sink: { write: (line: string) => void lines.push(line), flush: () => undefined } };
}

/** Opens a file to write to, and reads its content. The descriptor stays open: a sink writes to it until the process ends. */
function openFile() {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-log-'));
  const path = join(folder, 'log');
  const fd = openSync(path, 'a');
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return { fd, read: () => readFileSync(path, 'utf8') };
}

describe('the log', () => {
  test('the log omits secrets, wherever they come from', () => {
    const { lines, sink } = collectLines();
    createLog('info', sink).info(
      {
        headers: { authorization: 'a-secret' },
        request: { Authorization: 'a-secret' },
        client: { secret: 'a-secret' },
        task: { Parameters: 'a-secret', TaskID: 'kept' },
      },
      'sentence',
    );
    expect(lines.join('')).not.toContain('a-secret');
    expect(JSON.parse(lines.join(''))).toMatchObject({ msg: 'sentence', task: { TaskID: 'kept' } });
  });

  test('the log buffers lines, and writes them out on a flush', async () => {
    const { fd, read } = openFile();
    const sink = await openLogSink({ fd, isTerminal: false });
    createRequestLog('info', sink)(RECORD, ANSWER);
    expect(read()).toBe('');
    createLog('info', sink).info({}, 'listening');
    await expect
      .poll(() =>
        read()
          .trimEnd()
          .split('\n')
          .map((line) => (JSON.parse(line) as { msg: string }).msg),
      )
      .toEqual(['request', 'listening']);
  });

  test('the log writes out buffered lines after a second', async () => {
    vi.useFakeTimers({ toFake: ['setInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const { fd, read } = openFile();
    createRequestLog('info', await openLogSink({ fd, isTerminal: false }))(RECORD, ANSWER);
    vi.advanceTimersByTime(1_000);
    // `expect.poll` would advance a fake clock.
    vi.useRealTimers();
    await expect.poll(read).toMatch(/"msg":"request"}\n$/);
  });

  test('the log is readable text in a terminal', async () => {
    const { fd, read } = openFile();
    const sink = await openLogSink({ fd, isTerminal: true });
    createRequestLog('info', sink)(RECORD, ANSWER);
    createLog('info', sink).warn({ requestId: 'request-1' }, 'a sentence');
    await expect.poll(read).toMatch(/WARN.*: a sentence/);
    expect(read()).toMatch(/INFO.*: request .*"operation":"Register"/);
    expect(read()).not.toContain('"level"');
  });
});

describe('the log line of a request', () => {
  test('the line of a request is JSON, and omits absent facts', () => {
    const { lines, sink } = collectLines();
    const log = createRequestLog('info', sink);
    log(RECORD, ANSWER);
    log(toRecord({ operationType: 'mutation' }), ANSWER);
    log(toRecord({ traceId: '4bf92f3577b34da6a3ce929d0e0e4736' }), { ...ANSWER, isAborted: true });
    const [failed, plain, aborted] = lines.map((line) => JSON.parse(line) as object);
    const always = { level: 30, time: expect.any(Number), requestId: 'request-1', method: 'POST', path: 'graphql' };
    expect(failed).toEqual({
      ...always,
      status: 200,
      operation: 'Register',
      code: 'UPSTREAM_TIMEOUT',
      outcome: 'UNKNOWN',
      durationMs: 12.3,
      upstreamMs: 10_000,
      commitMs: 0,
      msg: 'request',
    });
    expect(plain).toEqual({ ...always, status: 200, durationMs: 12.3, msg: 'request' });
    expect(aborted).toMatchObject({ traceId: '4bf92f3577b34da6a3ce929d0e0e4736', aborted: true });
    expect(lines.every((line) => line.endsWith('\n'))).toBe(true);
  });

  test.each(LOG_LEVELS.map((level) => [level] as const))('the level %s decides which requests are logged', (level) => {
    const { lines, sink } = collectLines();
    const log = createRequestLog(level, sink);
    log(RECORD, ANSWER);
    log(toRecord({ isProbe: true }), ANSWER);
    expect(lines).toHaveLength({ silent: 0, error: 0, warn: 0, info: 1, debug: 2 }[level]);
  });
});
