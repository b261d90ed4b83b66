import { readFileSync } from 'node:fs';

const PROGRAM = `import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
registerHooks({
  load(url, context, next) {
    appendFileSync(process.env.LOADED_LIST, url + '\\n');
    return next(url, context);
  },
});`;

/** To be imported before a program: writes the URL of each module that it loads into the file that LOADED_LIST names. */
export const LIST_LOADED = `data:text/javascript,${encodeURIComponent(PROGRAM)}`;

export interface Loaded {
  /** The names of the packages that they belong to. */
  readonly packages: ReadonlySet<string>;
  readonly files: readonly string[];
}

export function readLoaded(list: string): Loaded {
  const files = readFileSync(list, 'utf8').split('\n');
  const names = files.flatMap((url) => /^.*?\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.slice(1) ?? []);
  return { packages: new Set(names), files };
}
