// Loaded before the gateway (--import): takes out of its source what asks for traces, to see what asking costs.
import { registerHooks } from 'node:module';

const OBSERVATION = '/src/telemetry/request-observation.ts';
/** What is asked with every request, and with every step of it. */
const QUESTIONS = [
  ['tracing && !PROBES.has(path) ?', 'false ?'],
  ['if (trace) traces.set(', 'if (false) traces.set('],
  ['if (tracing) traces.get(', 'if (false) traces.get('],
  ['trace?.(step) ?? null', 'null'],
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
