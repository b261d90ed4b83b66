import { readFileSync } from 'node:fs';

const PROGRAM = `import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
registerHooks({
  load(url, context, next) {
    appendFileSync(process.env.LOADED_LIST, url + '\\n');
    return next(url, context);
  },
});`;

/** A module to import before a program. It appends the URL of each loaded module to the file LOADED_LIST. */
export const LIST_LOADED = `data:text/javascript,${encodeURIComponent(PROGRAM)}`;

export interface Loaded {
  /** The names of the packages of the loaded files. */
  readonly packages: ReadonlySet<string>;
  readonly files: readonly string[];
}

export function readLoaded(list: string): Loaded {
  const files = readFileSync(list, 'utf8').split('\n');
  const names = files.flatMap((url) => /^.*?\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.slice(1) ?? []);
  return { packages: new Set(names), files };
}
