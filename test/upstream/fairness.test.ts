import type { Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Deadline } from '../../src/event-loop/time-limit.ts';
import { FairQueue } from '../../src/upstream/calls-in-flight.ts';
import type { UpstreamClientOptions } from '../../src/upstream/client.ts';
import { expectFailure } from './expected-failure.ts';
import { httpAnswer } from '../support/raw-service.ts';
import { SAMPLE_TASK, CALL, openTaskService } from '../support/upstream-service.ts';
import { openClient, openRawService, SMALL_POST } from '../support/upstream-client.ts';

const OVERLOADED = { code: 'OVERLOADED', outcome: 'NOT_SENT', retryable: true } as const;
const MAX_IN_FLIGHT = 4;

/** Opens a service that answers on demand, and a client whose request bodies are the names of the callers. */
async function openBusy(options: Partial<UpstreamClientOptions> = {}) {
  const held: { readonly socket: Socket; readonly caller: string }[] = [];
  const refusals: string[] = [];
  const service = await openRawService((socket, { body }) => held.push({ socket, caller: body.toString() }));
  const client = openClient(service.url, {
    maxInFlight: MAX_IN_FLIGHT,
    observer: {
      onCall: () => undefined,
      onExchange: () => undefined,
      onRefused: (limit) => void refusals.push(limit),
    },
    ...options,
  });
  const post = (caller: string) => client.post({ ...SMALL_POST, caller, body: caller });
  const answerNext = async (caller: string): Promise<void> => {
    const find = (): number => held.findIndex((one) => one.caller === caller);
    await expect.poll(find).not.toBe(-1);
    held.splice(find(), 1)[0]?.socket.write(httpAnswer(200));
  };
  return { service, client, refusals, post, answerNext };
}

describe('the slots of calls in flight', () => {
  test('one caller may have all slots, and its next call is refused while no other caller waits', async () => {
    const { post, answerNext, refusals } = await openBusy();
    const calls = Array.from({ length: MAX_IN_FLIGHT }, () => post('large'));
    await expectFailure(post('large'), OVERLOADED);
    expect(refusals).toEqual(['in_flight']);
    for (const call of calls) {
      await answerNext('large');
      await call;
    }
  });

  test('free slots go to waiting callers, and not to a caller with more than half of the slots', async () => {
    const { post, answerNext, refusals } = await openBusy();
    const large = Array.from({ length: MAX_IN_FLIGHT }, () => post('large'));
    const small = [post('small'), post('other')];
    await expectFailure(post('large'), OVERLOADED);
    expect(refusals).toEqual(['caller_share']);
    for (const caller of ['large', 'large', 'small', 'other']) await answerNext(caller);
    expect((await Promise.all(small)).map(({ status }) => status)).toEqual([200, 200]);
    // Both waiting callers have been served, so any caller may have a slot.
    large.push(post('large'));
    for (const caller of ['large', 'large', 'large']) await answerNext(caller);
    expect((await Promise.all(large)).map(({ status }) => status)).toEqual(Array(MAX_IN_FLIGHT + 1).fill(200));
  });

  test('half as many calls as there are slots may wait, and none of a caller beyond its half', async () => {
    const { client, post, answerNext, refusals } = await openBusy();
    const calls = Array.from({ length: MAX_IN_FLIGHT }, () => post('large'));
    const waiting = [post('small'), post('small')];
    await expectFailure(post('small'), OVERLOADED);
    await expectFailure(post('other'), OVERLOADED);
    expect(refusals).toEqual(['caller_share', 'in_flight']);
    for (const caller of ['large', 'large', 'large', 'large', 'small', 'small']) await answerNext(caller);
    await Promise.all([...calls, ...waiting]);
    expect(client.load().inFlight).toBe(0);
  });

  test('a call waits for a slot no longer than its timeout, and then nothing is sent', async () => {
    const { service, client, answerNext } = await openBusy({ timeoutMs: 150, maxInFlight: 2 });
    const ends = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const large = ends.map(({ promise }) => client.admit('large', () => promise));
    await expectFailure(client.post({ ...SMALL_POST, caller: 'small' }), OVERLOADED);
    ends[0]?.resolve();
    const next = client.post({ ...SMALL_POST, caller: 'small', body: 'small' });
    await answerNext('small');
    expect((await next).status).toBe(200);
    expect(service.posts).toHaveLength(1);
    ends[1]?.resolve();
    await Promise.all(large);
  });

  test('calls stop waiting for slots when the client closes', async () => {
    const { client, post, answerNext } = await openBusy({ maxInFlight: 2 });
    const large = [post('large'), post('large')];
    const waiting = expectFailure(post('small'), OVERLOADED);
    const closed = client.close();
    await waiting;
    for (const call of large) {
      await answerNext('large');
      expect((await call).status).toBe(200);
    }
    await closed;
  });

  test('creates get slots by the identity of their callers', async () => {
    const held: Socket[] = [];
    const service = await openRawService((socket) => held.push(socket));
    const tasks = openTaskService(service.url, { maxInFlight: 2 });
    const create = (subject: string) =>
      tasks.create(SAMPLE_TASK, { ...CALL, caller: { ...CALL.caller, verified: { subject, expiresAtMs: 0 } } });
    const large = [create('large'), create('large')];
    const ends = Promise.allSettled([...large, create('small')]);
    await expectFailure(create('large'), OVERLOADED);
    for (let answered = 0; answered < 3; answered += 1) {
      await expect.poll(() => held.length).toBeGreaterThan(0);
      held.pop()?.write(httpAnswer(403));
    }
    const refused = { status: 'rejected', reason: expect.objectContaining({ code: 'FORBIDDEN' }) as unknown };
    expect(await ends).toEqual([refused, refused, refused]);
  });
});

describe('waiting for a connection', () => {
  test('callers that wait for a connection take turns', async () => {
    const { service, post, answerNext } = await openBusy({ connections: 1, maxInFlight: 10 });
    const calls = ['a', 'a', 'a', 'a', 'b', 'c', 'b'].map((caller) => post(caller));
    for (const caller of ['a', 'a', 'b', 'c', 'a', 'b', 'a']) await answerNext(caller);
    await Promise.all(calls);
    expect(service.posts.map(({ body }) => body.toString()).join('')).toBe('aabcaba');
  });
});

describe('a fair queue', () => {
  test('a fair queue keeps the order of one caller, and counts its calls', async () => {
    const queue = new FairQueue<number>();
    const given: string[] = [];
    for (const call of ['a1', 'a2', 'a3', 'b4'])
      void queue.wait(call.charAt(0), openDeadline(60_000)).then((item) => given.push(`${call}: ${item}`));
    expect(queue.size).toBe(4);
    expect([1, 2, 3, 4, 5].map((item) => queue.give(item))).toEqual([true, true, true, true, false]);
    expect(queue.size).toBe(0);
    await expect.poll(() => given).toEqual(['a1: 1', 'b4: 2', 'a2: 3', 'a3: 4']);
  });

  test('a call whose deadline expires leaves a fair queue with nothing', async () => {
    const queue = new FairQueue<number>();
    const late = queue.wait('a', openDeadline(1));
    const other = queue.wait('a', openDeadline(60_000));
    expect(await late).toBeNull();
    expect([queue.size, queue.give(1), queue.give(2)]).toEqual([1, true, false]);
    expect(await other).toBe(1);
  });
});

function openDeadline(limitMs: number): Deadline {
  const deadline = new Deadline(limitMs);
  onTestFinished(() => deadline.clear());
  return deadline;
}
