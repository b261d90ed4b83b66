import { serverAudits } from 'graphql-http';
import { afterAll, describe, expect, test } from 'vitest';
import { startStoreGateway } from '../running-gateway.ts';

const gateway = await startStoreGateway();
afterAll(() => gateway.close());

describe('GraphQL over HTTP, as the official audits see it', () => {
  const audits = serverAudits({ url: () => new URL('graphql', gateway.url).href });

  test('there are audits', () => {
    expect(audits.length).toBeGreaterThan(50);
  });

  for (const audit of audits) {
    test(`${audit.id} ${audit.name}`, async () => {
      const result = await audit.fn();
      expect(result.status === 'ok' ? 'ok' : `${result.status}: ${result.reason}`).toBe('ok');
    });
  }
});
