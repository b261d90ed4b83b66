import { styleText } from 'node:util';

/** The result of one check. */
export interface Finding {
  readonly subject: string;
  /** `broken`: the gateway cannot start or serve. `warning`: it can, but its operator should know. */
  readonly state: keyof typeof SIGNS;
  /** The finding as a sentence, without any secret. */
  readonly fact: string;
  /** The action to take; null if none is needed. */
  readonly remedy: string | null;
}

const SIGNS = {
  ok: ['✓ ok', 'green'],
  warning: ['! warning', 'yellow'],
  broken: ['✗ BROKEN', 'red'],
} as const;
const SIGN_WIDTH = 11;

type ReportProblem = (subject: string, fact: string, remedy: string) => Finding;

export const ok = (subject: string, fact: string): Finding => ({ subject, state: 'ok', fact, remedy: null });
export const warning: ReportProblem = (subject, fact, remedy) => ({ subject, state: 'warning', fact, remedy });
export const broken: ReportProblem = (subject, fact, remedy) => ({ subject, state: 'broken', fact, remedy });

/** Formats a number with its noun, as in "1 key" and "2 keys". */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** Formats the findings as a table for people: state, subject and fact, with the remedy below; coloured for a terminal. */
export function formatReport(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ subject }) => subject.length)) + 2;
  const lines = findings.map(({ subject, state, fact, remedy }) => {
    const [sign, colour] = SIGNS[state];
    const below = remedy === null ? '' : `\n${' '.repeat(SIGN_WIDTH + width)}→ ${remedy}`;
    return `${styleText(colour, sign.padEnd(SIGN_WIDTH))}${subject.padEnd(width)}${fact}${below}`;
  });
  const { broken: breaks = [], warning: warnings = [] } = Object.groupBy(findings, ({ state }) => state);
  const noted = count(warnings.length, 'warning');
  const summary = warnings.length > 0 ? `The gateway can run; ${noted}.` : 'All is well.';
  const verdict = breaks.length > 0 ? `The gateway would not work: ${breaks.length} broken, ${noted}.` : summary;
  return [...lines, '', verdict].join('\n');
}
