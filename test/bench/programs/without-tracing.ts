// Loaded before the gateway (--import): removes its checks for tracing from the source, to measure their cost.
import { registerHooks } from 'node:module';

const OBSERVATION = '/src/telemetry/request-observation.ts';
/** The checks in every request and every step, with their replacements. */
const QUESTIONS = [
  ['tracing && !isProbe ?', 'false ?'],
  ['if (trace) traces.set(', 'if (false) traces.set('],
  ['if (tracing) traces.get(', 'if (false) traces.get('],
  ['trace?.begin(step) ?? null', 'null'],
] as const;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(OBSERVATION)) return loaded;
    let source = String(loaded.source);
    for (const [question, answer] of QUESTIONS) {
      if (!source.includes(question)) throw new Error(`${OBSERVATION} does not hold: ${question}`);
      source = source.replace(question, answer);
    }
    return { ...loaded, source };
  },
});
