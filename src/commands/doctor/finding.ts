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

export type State = (typeof STATES)[number];

/** From good to bad. */
export const STATES = ['ok', 'skipped', 'warning', 'broken'] as const;

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

export interface ReportStyle {
  /** In characters. */
  readonly width: number;
  readonly isColoured: boolean;
}

const SIGNS: Readonly<Record<State, string>> = {
  ok: '✓ ok',
  skipped: '- skipped',
  warning: '! warning',
  broken: '✗ BROKEN',
};
const COLOURS: Readonly<Record<State, number>> = { ok: 32, skipped: 90, warning: 33, broken: 31 };
const SIGN_WIDTH = 11;
const MIN_TEXT_WIDTH = 30;

/** Formats the findings as a table for people: state, subject, fact and remedy. */
export function formatReport(findings: readonly Finding[], { width, isColoured }: ReportStyle): string {
  const subjectWidth = Math.max(...findings.map(({ subject }) => subject.length)) + 2;
  const indent = SIGN_WIDTH + subjectWidth;
  const textWidth = Math.max(MIN_TEXT_WIDTH, width - indent - 1);
  const lines = findings.flatMap(({ subject, state, fact, remedy }) => {
    const sign = colour(SIGNS[state].padEnd(SIGN_WIDTH), COLOURS[state], isColoured);
    const [first = '', ...rest] = wrap(fact, textWidth);
    const remedyLines =
      remedy === null ? [] : wrap(remedy, textWidth - 2).map((line, index) => (index === 0 ? '→ ' : '  ') + line);
    return [
      `${sign}${subject.padEnd(subjectWidth)}${first}`,
      ...[...rest, ...remedyLines].map((line) => ' '.repeat(indent) + line),
    ];
  });
  return [...lines, '', summary(findings)].join('\n');
}

/** The worst of the findings' states. */
export function worstState(findings: readonly Finding[]): State {
  return STATES.findLast((state) => findings.some((finding) => finding.state === state)) ?? 'ok';
}

function summary(findings: readonly Finding[]): string {
  const count = (state: State): number => findings.filter((finding) => finding.state === state).length;
  const [brokenCount, warnings] = [count('broken'), count('warning')];
  if (brokenCount + warnings === 0) return 'All is well.';
  const noun = warnings === 1 ? 'warning' : 'warnings';
  if (brokenCount === 0) return `The gateway can run; ${warnings} ${noun}.`;
  return `The gateway would not work: ${brokenCount} broken, ${warnings} ${noun}.`;
}

function colour(text: string, code: number, isColoured: boolean): string {
  return isColoured ? `\u001B[${code}m${text}\u001B[39m` : text;
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
