/** GraphiQL's page. request-check.ts decides which requests get it. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { gzip } from 'node:zlib';
import { parseAccepted, preferred } from '../wire/media-type.ts';
import { type Answer, type HttpRequest, RequestRefusal } from '../http/answer.ts';

export interface GraphiqlOptions {
  /** The documents of the tabs that a new visitor gets; a further tab starts with the first. */
  readonly tabs: readonly string[];
  /** The headers of every tab. */
  readonly headers: Readonly<Record<string, string>>;
  /** True if the headers hold a secret. The page is then served to a loopback Host only. */
  readonly isLocal: boolean;
}

export interface GraphiqlPage {
  answer(request: HttpRequest): Promise<Answer>;
}

const LOCAL_HOST = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/i;

/** Allows the page's inline script, editor workers from blobs, and connections to its own origin only. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'unsafe-inline' 'unsafe-eval' blob:",
  "style-src 'unsafe-inline'",
  "img-src 'self' data:",
  'font-src data:',
  "connect-src 'self'",
  'worker-src blob:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * Refuses to show a secret under another name than this machine's. It prevents DNS rebinding: a web page under a name that
 * resolves to this machine could read the secret.
 */
export function refuseForeignHost(host = ''): void {
  if (LOCAL_HOST.test(host)) return;
  throw new RequestRefusal(
    'The demo serves this page on this machine only: open it at http://localhost or http://127.0.0.1, with its port.',
    { status: 403, code: 'FORBIDDEN' },
  );
}

/** Creates GraphiQL's page with all its assets inline (9 MB). The first request renders and compresses it. */
export function createGraphiqlPage(options: GraphiqlOptions): GraphiqlPage {
  let rendered: ReturnType<typeof render> | undefined;
  return {
    async answer(request) {
      if (options.isLocal) refuseForeignHost(request.headers.host);
      // A later request tries again what failed.
      rendered ??= render(options).catch((error: unknown) => {
        rendered = undefined;
        throw error;
      });
      const { html, compressed, etag } = await rendered;
      const headers = {
        'Content-Security-Policy': CONTENT_SECURITY_POLICY,
        'Cache-Control': 'private, no-cache',
        'X-Content-Type-Options': 'nosniff',
        'Referrer-Policy': 'no-referrer',
        Vary: 'Accept, Accept-Encoding',
        ETag: etag,
      };
      if (isHeld(etag, request.headers['if-none-match'])) return { status: 304, headers, body: null };
      const accepted = parseAccepted(request.headers['accept-encoding']?.toString() ?? null);
      const isCompressed = preferred(accepted, ['gzip', 'identity']) === 'gzip';
      return {
        status: 200,
        headers: {
          ...headers,
          'Content-Type': 'text/html; charset=utf-8',
          ...(isCompressed ? { 'Content-Encoding': 'gzip' } : {}),
        },
        body: isCompressed ? compressed : html,
      };
    },
  };
}

/** Returns true if If-None-Match is `*` or lists the tag, weak or strong. */
function isHeld(etag: string, ifNoneMatch = ''): boolean {
  return ifNoneMatch.trim() === '*' || ifNoneMatch.match(/"[^"]*"/g)?.includes(etag) === true;
}

/** Renders the page in a thread of its own, since loading its 9 MB would stop the event loop for up to a second. */
const RENDERER = `const { parentPort, workerData } = require('node:worker_threads');
const requireHere = require('node:module').createRequire(workerData.here);
parentPort.postMessage(requireHere('@graphql-yoga/render-graphiql').renderGraphiQL(workerData.page));`;

/** Keeps every tab in its place. GraphiQL would move a tab that is pressed from under the pointer, so that a click misses it. */
const FIXED_TABS = '<style>.graphiql-tab { transform: none !important }</style>';

async function render({ tabs, headers }: GraphiqlOptions) {
  const headerText = JSON.stringify(headers, null, 2);
  const page = {
    title: 'account-task-gateway',
    ...(tabs[0] !== undefined && {
      defaultQuery: tabs[0],
      defaultTabs: tabs.map((query) => ({ query, headers: headerText })),
    }),
    defaultHeaders: headerText,
  };
  const worker = new Worker(RENDERER, { eval: true, workerData: { here: import.meta.url, page } });
  const ended = new AbortController();
  worker.once('exit', () => ended.abort());
  const [rendered] = await once(worker, 'message', { signal: ended.signal });
  const html = Buffer.from(`${rendered as string}${FIXED_TABS}`);
  const compressed = await promisify(gzip)(html);
  return { html, compressed, etag: `"${createHash('sha256').update(html).digest('base64url').slice(0, 22)}"` };
}
