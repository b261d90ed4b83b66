/** Variables of the current test run that a nested npm must not inherit. */
const OF_THIS_RUN = /^(?:npm_|NODE_ENV$|NODE_OPTIONS$|VITEST|TEST$)/i;

/**
 * Returns the environment for a nested `npm install`: the machine's variables, which a registry behind a proxy or with a
 * private certificate needs, without those of the test run.
 */
export function npmEnvironment(): Readonly<Record<string, string | undefined>> {
  const inherited = Object.entries(process.env).filter(([name]) => !OF_THIS_RUN.test(name));
  return {
    ...Object.fromEntries(inherited),
    npm_config_prefer_offline: 'true',
    npm_config_update_notifier: 'false',
  };
}
