import { styleText } from 'node:util';

/** The result of one check. */
export interface Finding {
  readonly subject: string;
  /** `broken`: the gateway cannot start or serve. `warning`: it can, but its operator should know. `skipped`: not checked. */
  readonly state: keyof typeof SIGNS;
  /** The finding as a sentence, without any secret. */
  readonly fact: string;
  /** The action to take; null if none is needed. */
  readonly remedy: string | null;
}

const SIGNS = {
  ok: ['✓ ok', 'green'],
  skipped: ['- skipped', 'gray'],
  warning: ['! warning', 'yellow'],
  broken: ['✗ BROKEN', 'red'],
} as const;
const SIGN_WIDTH = 11;

type Report = (subject: string, fact: string) => Finding;
type ReportProblem = (subject: string, fact: string, remedy: string) => Finding;

export const ok: Report = (subject, fact) => ({ subject, state: 'ok', fact, remedy: null });
export const skipped: Report = (subject, fact) => ({ subject, state: 'skipped', fact, remedy: null });
export const warning: ReportProblem = (subject, fact, remedy) => ({ subject, state: 'warning', fact, remedy });
export const broken: ReportProblem = (subject, fact, remedy) => ({ subject, state: 'broken', fact, remedy });

/** Formats a number with its noun, as in "1 key" and "2 keys". */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** Formats the findings as a table for people: state, subject and fact, with the remedy below. */
export function formatReport(findings: readonly Finding[], isColoured: boolean): string {
  const subjectWidth = Math.max(...findings.map(({ subject }) => subject.length)) + 2;
  const lines = findings.map(({ subject, state, fact, remedy }) => {
    const [sign, colour] = SIGNS[state];
    const padded = sign.padEnd(SIGN_WIDTH);
    const start = isColoured ? styleText(colour, padded, { validateStream: false }) : padded;
    const below = remedy === null ? '' : `\n${' '.repeat(SIGN_WIDTH + subjectWidth)}→ ${remedy}`;
    return `${start}${subject.padEnd(subjectWidth)}${fact}${below}`;
  });
  const of = (wanted: Finding['state']): number => findings.filter(({ state }) => state === wanted).length;
  const warnings = count(of('warning'), 'warning');
  const summary = of('warning') > 0 ? `The gateway can run; ${warnings}.` : 'All is well.';
  return [
    ...lines,
    '',
    of('broken') > 0 ? `The gateway would not work: ${of('broken')} broken, ${warnings}.` : summary,
  ].join('\n');
}
