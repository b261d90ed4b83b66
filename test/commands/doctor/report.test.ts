import { expect, onTestFinished, test, vi } from 'vitest';
import { broken, ok, warning, formatReport } from '../../../src/commands/doctor/finding.ts';

const FINDINGS = [
  ok('variables', 'all valid'),
  warning('disk', '0.5 GiB free in /data', 'Free some space.'),
  broken(
    'service',
    'service.example: it refuses connections',
    'Check the port in UPSTREAM_URL, and firewalls in between.',
  ),
  ok('port', '127.0.0.1:4000 is free'),
];

test('a report is a table with the remedy below each problem', () => {
  expect(formatReport(FINDINGS)).toBe(`✓ ok       variables  all valid
! warning  disk       0.5 GiB free in /data
                      → Free some space.
✗ BROKEN   service    service.example: it refuses connections
                      → Check the port in UPSTREAM_URL, and firewalls in between.
✓ ok       port       127.0.0.1:4000 is free

The gateway would not work: 1 broken, 1 warning.`);
});

test('a report for a terminal shows states in colour', () => {
  const plain = formatReport(FINDINGS);
  vi.stubEnv('FORCE_COLOR', '1');
  onTestFinished(() => void vi.unstubAllEnvs());
  const report = formatReport(FINDINGS);
  expect(report).toContain('\u001B[31m✗ BROKEN   \u001B[39mservice');
  // oxlint-disable-next-line no-control-regex -- a control character starts a terminal's colour sequence
  expect(report.replaceAll(/\u001B\[\d+m/g, '')).toBe(plain);
});

test.each([
  [FINDINGS, 'The gateway would not work: 1 broken, 1 warning.'],
  [FINDINGS.slice(0, 2), 'The gateway can run; 1 warning.'],
  [FINDINGS.slice(0, 1), 'All is well.'],
  [FINDINGS.slice(3), 'All is well.'],
])('a report ends with a summary: case %#', (findings, summary) => {
  expect(formatReport(findings).split('\n').at(-1)).toBe(summary);
});
