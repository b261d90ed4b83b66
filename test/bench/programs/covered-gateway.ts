import { Session } from 'node:inspector/promises';

// The gateway with coverage: 'start' begins to count calls, 'take' sends the URLs of the files in which functions were called since.
const session = new Session();
session.connect();
await session.post('Profiler.enable');

process.on('message', async (message) => {
  if (message === 'start') await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  const { result } = await session.post('Profiler.takePreciseCoverage');
  const entered = result.filter(({ functions }) => functions.some(({ ranges }) => (ranges[0]?.count ?? 0) > 0));
  process.send?.(entered.map(({ url }) => url));
});

await import('../../../src/cli.ts');
