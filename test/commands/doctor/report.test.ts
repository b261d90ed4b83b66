import { expect, test } from 'vitest';
import { broken, ok, skipped, warning, formatReport } from '../../../src/commands/doctor/finding.ts';

const FINDINGS = [
  ok('variables', 'all valid'),
  warning('disk', '0.5 GiB free in /data', 'Free some space.'),
  broken(
    'service',
    'service.example: it refuses connections',
    'Check the port in UPSTREAM_URL, and firewalls in between.',
  ),
  skipped('endpoint', 'not checked without a connection'),
];

test('a report is a table with the remedy below each problem', () => {
  expect(formatReport(FINDINGS, false)).toBe(`✓ ok       variables  all valid
! warning  disk       0.5 GiB free in /data
                      → Free some space.
✗ BROKEN   service    service.example: it refuses connections
                      → Check the port in UPSTREAM_URL, and firewalls in between.
- skipped  endpoint   not checked without a connection

The gateway would not work: 1 broken, 1 warning.`);
});

test('a report for a terminal shows states in colour', () => {
  const report = formatReport(FINDINGS, true);
  expect(report).toContain('\u001B[31m✗ BROKEN   \u001B[39mservice');
  // oxlint-disable-next-line no-control-regex -- a control character starts a terminal's colour sequence
  expect(report.replaceAll(/\u001B\[\d+m/g, '')).toBe(formatReport(FINDINGS, false));
});

test.each([
  [FINDINGS, 'The gateway would not work: 1 broken, 1 warning.'],
  [FINDINGS.slice(0, 2), 'The gateway can run; 1 warning.'],
  [FINDINGS.slice(0, 1), 'All is well.'],
  [FINDINGS.slice(3), 'All is well.'],
])('a report ends with a summary: case %#', (findings, summary) => {
  expect(formatReport(findings, false).split('\n').at(-1)).toBe(summary);
});
