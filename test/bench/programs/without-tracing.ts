// Loaded before the gateway (--import): removes its checks for tracing from the source, to measure their cost.
import { registerHooks } from 'node:module';

/** The checks in every request and every step, with their replacements, by the end of the file's address. */
const CHECKS: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  '/src/telemetry/request-record.ts': [
    ['tracing && !route.isProbe ?', 'false ?'],
    ['record.trace?.end(', 'if (false) record.trace?.end('],
    ['parent?.begin(step) ?? null', 'null'],
  ],
};

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const [path, checks] = Object.entries(CHECKS).find(([end]) => url.endsWith(end)) ?? [];
    if (!checks) return loaded;
    let source = String(loaded.source);
    for (const [check, replacement] of checks) {
      if (!source.includes(check)) throw new Error(`${path} does not hold: ${check}`);
      source = source.replace(check, replacement);
    }
    return { ...loaded, source };
  },
});
