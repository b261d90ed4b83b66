/** What the run of these tests sets for itself, and an npm of its own must not inherit. */
const OF_THIS_RUN = /^(?:npm_|NODE_ENV$|NODE_OPTIONS$|VITEST|TEST$)/i;

/**
 * The environment for an npm that installs something: the machine's, without which a registry behind a proxy or with a
 * certificate of its own is out of reach, but nothing of the run that asks for it.
 */
export function npmEnvironment(): Readonly<Record<string, string | undefined>> {
  const inherited = Object.entries(process.env).filter(([name]) => !OF_THIS_RUN.test(name));
  return {
    ...Object.fromEntries(inherited),
    npm_config_prefer_offline: 'true',
    npm_config_update_notifier: 'false',
  };
}
