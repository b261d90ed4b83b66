import { expect, test } from 'vitest';
import { withSteps } from '../../src/event-loop/request-steps.ts';
import { httpAnswer } from '../support/raw-service.ts';
import { recordSteps } from '../support/recorded-steps.ts';
import { openClient, openRawService, SMALL_POST } from '../support/upstream-client.ts';

test('each exchange is a step of its own request, also on a connection that another request has opened', async () => {
  const service = await openRawService((socket, _request, count) => {
    if (count % 2 === 1) socket.write(httpAnswer(200));
    else socket.destroy();
  });
  const client = openClient(service.url, { connections: 1 });
  const requests = Array.from({ length: 6 }, (_, index) => recordSteps({ traceparent: `caller-${index}` }));
  await Promise.allSettled(requests.map((steps) => withSteps(steps, () => client.post(SMALL_POST))));
  const url = new URL(SMALL_POST.path, service.url);
  const exchange = { kind: 'exchange', method: 'POST', route: url.pathname, url: url.href, resends: 0 };
  for (const [index, { noted }] of requests.entries())
    expect(noted).toMatchObject([exchange, index % 2 === 0 ? { status: 200 } : { error: { outcome: 'UNKNOWN' } }]);
  const sent = service.posts.map(({ head }) => /^traceparent: (.*)$/im.exec(head)?.[1]);
  expect(sent).toEqual(requests.map((_, index) => `caller-${index}`));
});

test('an exchange outside of any request is no step and sends no trace headers', async () => {
  const service = await openRawService((socket) => socket.write(httpAnswer(200)));
  await openClient(service.url).post(SMALL_POST);
  expect(service.posts.map(({ head }) => /traceparent/i.test(head))).toEqual([false]);
});
