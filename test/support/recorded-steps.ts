import type { Step, StepEnd, Steps } from '../../src/event-loop/request-steps.ts';

/** Returns steps that note each step and its end. */
export function recordSteps(
  headers: Readonly<Record<string, string>> | null = null,
): Steps & { readonly noted: readonly (Step | StepEnd)[] } {
  const noted: (Step | StepEnd)[] = [];
  const begin: Steps['begin'] = (step) => {
    noted.push(step);
    return { headers, begin, end: (end) => void noted.push(end) };
  };
  return { noted, begin };
}
