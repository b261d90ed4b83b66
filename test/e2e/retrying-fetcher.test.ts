import { describe, expect, onTestFinished, test } from 'vitest';
import { httpAnswer, type RawAnswer, startRawService } from '../support/raw-service.ts';
import { createRetryingFetcher } from './support/retrying-fetcher.ts';
import { startRouter } from './support/router.ts';

const answering =
  (status: number, body: string, headers: readonly string[] = []): RawAnswer =>
  (socket) =>
    socket.write(httpAnswer(status, body, headers));

describe('the retrying router', () => {
  test.each<[string, RawAnswer]>([
    ['that answers 500', answering(500, '{}')],
    ['that answers 503', answering(503, '{}')],
    ['that answers 429', answering(429, '{}')],
    [
      'that answers a failure with Retry-After',
      answering(200, '{"errors":[{"message":"no"}]}', ['Retry-After: 1', 'Content-Type: application/json']),
    ],
    ['that resets the connection', (socket) => socket.resetAndDestroy()],
  ])('asks a subgraph %s four times', async (_name, answer) => {
    const subgraph = await startRawService(answer);
    onTestFinished(() => subgraph.close());
    const { fetcher, takeAttempts } = createRetryingFetcher();
    const router = await startRouter(subgraph.url, fetcher);
    onTestFinished(() => router.close());
    const { json } = await router.create();
    expect(json.errors).toHaveLength(1);
    expect({ attempts: takeAttempts(), mutations: subgraph.posts.length }).toEqual({ attempts: 4, mutations: 4 });
  });
});
