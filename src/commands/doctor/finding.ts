import { styleText } from 'node:util';

/** The result of one check. */
export interface Finding {
  readonly subject: string;
  /** `broken`: the gateway cannot start or serve. `warning`: it can, but its operator should know. `skipped`: not checked. */
  readonly state: State;
  /** The finding as a sentence, without any secret. */
  readonly fact: string;
  /** The action to take; null if none is needed. */
  readonly remedy: string | null;
}

type State = keyof typeof SIGNS;

/** From good to bad. */
const SIGNS = {
  ok: { sign: '✓ ok', colour: 'green' },
  skipped: { sign: '- skipped', colour: 'gray' },
  warning: { sign: '! warning', colour: 'yellow' },
  broken: { sign: '✗ BROKEN', colour: 'red' },
} as const;
const SIGN_WIDTH = 11;

export function ok(subject: string, fact: string): Finding {
  return { subject, state: 'ok', fact, remedy: null };
}

export function skipped(subject: string, fact: string): Finding {
  return { subject, state: 'skipped', fact, remedy: null };
}

export function warning(subject: string, fact: string, remedy: string): Finding {
  return { subject, state: 'warning', fact, remedy };
}

export function broken(subject: string, fact: string, remedy: string): Finding {
  return { subject, state: 'broken', fact, remedy };
}

/** Formats the findings as a table for people: state, subject and fact, with the remedy below. */
export function formatReport(findings: readonly Finding[], isColoured: boolean): string {
  const subjectWidth = Math.max(...findings.map(({ subject }) => subject.length)) + 2;
  const indent = ' '.repeat(SIGN_WIDTH + subjectWidth);
  const lines = findings.map(({ subject, state, fact, remedy }) => {
    const { sign, colour } = SIGNS[state];
    const padded = sign.padEnd(SIGN_WIDTH);
    const start = isColoured ? styleText(colour, padded, { validateStream: false }) : padded;
    return `${start}${subject.padEnd(subjectWidth)}${fact}${remedy === null ? '' : `\n${indent}→ ${remedy}`}`;
  });
  return [...lines, '', summary(findings)].join('\n');
}

function summary(findings: readonly Finding[]): string {
  const count = (state: State): number => findings.filter((finding) => finding.state === state).length;
  const warnings = `${count('warning')} ${count('warning') === 1 ? 'warning' : 'warnings'}`;
  if (count('broken') > 0) return `The gateway would not work: ${count('broken')} broken, ${warnings}.`;
  return count('warning') > 0 ? `The gateway can run; ${warnings}.` : 'All is well.';
}
