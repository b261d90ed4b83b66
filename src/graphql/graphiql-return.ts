/** The script that goes in front of GraphiQL, for users who have been here before. */
export function returnScript(authorization: string): string {
  return `(${prepareReturn.toString()})(${JSON.stringify(authorization).replaceAll('<', '\\u003c')});`;
}

/**
 * Runs in the page, as text: it may use nothing of this module. GraphiQL opens a blank tab unless what it stored as the
 * last query, variables and headers is what its active tab holds. The header that an earlier start of the gateway filled
 * in becomes today's.
 */
function prepareReturn(authorization: string): void {
  const earlier = localStorage.getItem('gateway:authorization');
  localStorage.setItem('gateway:authorization', authorization);
  const stored = localStorage.getItem('graphiql:tabState');
  if (stored === null) return;
  const tabState = earlier ? stored.replaceAll(earlier, authorization) : stored;
  localStorage.setItem('graphiql:tabState', tabState);
  const { tabs, activeTabIndex } = JSON.parse(tabState) as {
    readonly tabs: readonly Readonly<Record<string, string | null>>[];
    readonly activeTabIndex: number;
  };
  for (const name of ['query', 'variables', 'headers']) {
    localStorage.setItem(`graphiql:${name}`, tabs[activeTabIndex]?.[name] ?? '');
  }
}
