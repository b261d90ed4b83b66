import { expect, test } from 'vitest';
import { broken, ok, skipped, warning, formatReport, worstState } from '../../../src/commands/doctor/finding.ts';

const FINDINGS = [
  ok('variables', 'all are good'),
  warning('disk', '0.5 GiB free in /data', 'Make room.'),
  broken(
    'service',
    'service.example: it refuses connections',
    'Check the port of UPSTREAM_URL, and firewalls in between.',
  ),
  skipped('endpoint', 'there is no connection'),
];

test('a report is a table with what to do below what is not well', () => {
  expect(formatReport(FINDINGS, { width: 60, isColoured: false })).toBe(`✓ ok       variables  all are good
! warning  disk       0.5 GiB free in /data
                      → Make room.
✗ BROKEN   service    service.example: it refuses
                      connections
                      → Check the port of UPSTREAM_URL, and
                        firewalls in between.
- skipped  endpoint   there is no connection

The gateway cannot run well: 1 broken, 1 warning.`);
});

test('a terminal shows how it is in colours as well', () => {
  const report = formatReport(FINDINGS, { width: 80, isColoured: true });
  expect(report).toContain('\u001B[31m✗ BROKEN   \u001B[39mservice');
  // oxlint-disable-next-line no-control-regex -- terminals are told colours with a control character
  expect(report.replaceAll(/\u001B\[\d+m/g, '')).toBe(formatReport(FINDINGS, { width: 80, isColoured: false }));
});

test.each([
  [FINDINGS, 'broken', 'The gateway cannot run well: 1 broken, 1 warning.'],
  [FINDINGS.slice(0, 2), 'warning', 'The gateway can run; 1 warning.'],
  [FINDINGS.slice(0, 1), 'ok', 'All is well.'],
  [FINDINGS.slice(3), 'skipped', 'All is well.'],
])('the worst of %# decides', (findings, state, summary) => {
  expect(worstState(findings)).toBe(state);
  expect(formatReport(findings, { width: 80, isColoured: false }).split('\n').at(-1)).toBe(summary);
});
