/**
 * The page at `/`: HTML for people, JSON for programs. In production it says no more than name, version and health. The demo's
 * page has sections as well; demo-page.ts writes them.
 */
import { readFileSync } from 'node:fs';
import { refuseForeignHost } from '../graphql/graphiql.ts';
import { type Handler, jsonAnswer, RequestRefusal } from '../http/answer.ts';
import { parseAccepted, preferred } from '../wire/media-type.ts';

const NAME = 'account-task-gateway';

/** A part of the page below its head. */
export interface PageSection {
  readonly title: string;
  /** HTML whose texts are escaped. */
  readonly html: string;
}

export interface HomePageOptions {
  readonly isReady: () => Promise<boolean>;
  /** Empty in production. */
  readonly sections: readonly PageSection[];
  /** True if the sections hold a secret. The page is then served to a loopback Host only. */
  readonly isLocal: boolean;
}

const METHOD = 'The method here must be GET. GraphQL is at /graphql.';
const NOT_ALLOWED = { status: 405, code: 'BAD_REQUEST', headers: { Allow: 'GET, HEAD' } } as const;

/** Allows the page's own style, an empty icon, and nothing else. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML_HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  Vary: 'Accept',
};

export function createHomePage({ isReady, sections, isLocal }: HomePageOptions): Handler {
  const version = readVersion();
  return async ({ method, headers }) => {
    if (method !== 'GET' && method !== 'HEAD') throw new RequestRefusal(METHOD, NOT_ALLOWED);
    const accepted = parseAccepted(headers.accept ?? '*/*');
    const isForPerson = preferred(accepted, ['application/json', 'text/html'], 'header') === 'text/html';
    if (isForPerson && isLocal) refuseForeignHost(headers.host);
    const health = (await isReady()) ? 'ready' : 'not ready';
    if (isForPerson) return { status: 200, headers: HTML_HEADERS, body: renderPage(version, health, sections) };
    const answer = jsonAnswer(200, { name: NAME, version, health });
    return { ...answer, headers: { ...answer.headers, Vary: 'Accept' } };
  };
}

/** The version of this package; null where the package cannot be found, as in a program that bundles it. */
function readVersion(): string | null {
  try {
    const manifest = readFileSync(new URL(import.meta.resolve(`${NAME}/package.json`)), 'utf8');
    return (JSON.parse(manifest) as { readonly version: string }).version;
  } catch {
    return null;
  }
}

/** Makes a text safe in HTML, in attributes as well. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** A table that scrolls by itself where the screen is too narrow. Its cells are HTML. */
export function htmlTable(caption: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(caption)}"><table>
<thead><tr>${head.map((cell) => `<th scope="col">${cell}</th>`).join('')}</tr></thead>
<tbody>${rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('\n')}</tbody>
</table></div>`;
}

/** A text in fixed width. */
export function htmlCode(text: string): string {
  return `<pre><code>${escapeHtml(text)}</code></pre>`;
}

const STYLE = `
:root { color-scheme: light dark; --edge: light-dark(#c9ced6, #454b54); --soft: light-dark(#f3f5f8, #22262c); }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1rem 4rem; font: 1rem/1.55 system-ui, sans-serif;
  color: light-dark(#1b1f24, #e8eaed); background: light-dark(#ffffff, #16191d); }
h1 { margin: 0; font-size: 1.6rem; overflow-wrap: anywhere; }
h2 { margin: 2.2rem 0 .6rem; font-size: 1.2rem; }
a { color: light-dark(#0b57d0, #8ab4f8); }
pre, .scroll { overflow-x: auto; margin: .6rem 0; border: 1px solid var(--edge); border-radius: .4rem; }
pre { padding: .7rem .9rem; background: var(--soft); white-space: pre-wrap; overflow-wrap: anywhere; }
code { font: .9rem/1.5 ui-monospace, monospace; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .4rem .7rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--edge); }
tr:last-child td { border-bottom: 0; }
.state { display: inline-block; padding: .1rem .7rem; border-radius: 1rem; border: 1px solid currentColor; font-weight: 600; }
.ready { color: light-dark(#0d652d, #81c995); }
.not { color: light-dark(#b3261e, #f28b82); }
`;

function renderPage(version: string | null, health: 'ready' | 'not ready', sections: readonly PageSection[]): string {
  const state = health === 'ready' ? 'ready' : 'not';
  const parts = sections.map(({ title, html }) => `<section>\n<h2>${escapeHtml(title)}</h2>\n${html}\n</section>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${NAME}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${NAME}${version === null ? '' : ` ${escapeHtml(version)}`}</h1>
<p>Health: <span class="state ${state}">${health}</span></p>
</header>
<main>
${parts.join('\n')}
</main>
</body>
</html>
`;
}
