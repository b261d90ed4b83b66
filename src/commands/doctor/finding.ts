/** One thing that was looked at, and how it is. */
export interface Finding {
  readonly subject: string;
  /** `broken`: the gateway will not start or not serve. `warning`: it will, but somebody should know. `skipped`: not looked at. */
  readonly state: State;
  /** What was found, without any secret. */
  readonly fact: string;
  /** How to mend it. */
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
