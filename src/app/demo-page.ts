/** The sections of the demo's page at `/`: where to go, the token, and the REST contract as this gateway serves it. */
import type { EnumTables } from '../contract/enums.ts';
import type { NewAccountTask } from '../contract/account-task.ts';
import { FAILURES } from '../contract/failure.ts';
import { encodeRequest, mediaTypes, type WireFormat } from '../wire/codec.ts';
import type { Config } from './config.ts';
import { type Demo, SAMPLE_TASK_ID } from './demo.ts';
import type { FaultTask } from './faults.ts';
import { escapeHtml, htmlCode, htmlTable, type PageSection } from './home-page.ts';

const SAMPLE_DATE = '2026-02-22T04:10:00.9543747+00:00';
/** The contract's own sample request. */
const SAMPLE_TASK: NewAccountTask = {
  TaskID: SAMPLE_TASK_ID,
  Frequency: 'NONE',
  StartDate: SAMPLE_DATE,
  FinishDate: SAMPLE_DATE,
  Parameters: '{"report":"usage"}',
  ContentType: 'application/json',
  Notification: 'NONE',
};

/** @param demo What the demo has made; null if the service issues the tokens. */
export function demoSections(config: Config, demo: Omit<Demo, 'backend'> | null): readonly PageSection[] {
  return [
    lookAround(config),
    ...(demo ? [tokenSection(demo)] : []),
    ...(demo && demo.faults.length > 0 ? [faultSection(demo.faults)] : []),
    ...(config.upstream ? [] : [restContract(config)]),
  ];
}

/** The links are relative, so that they work behind a path prefix, too. */
function lookAround({ graphiql, upstream, metricsPort }: Config): PageSection {
  const links = [
    graphiql && link('graphql', 'GraphiQL, with examples that run as they stand'),
    link('health', 'whether the process is alive'),
    link('ready', 'whether it can serve, with the result of each check'),
    !upstream && link('api/openapi.json', 'the REST contract as this gateway serves it, in OpenAPI'),
    metricsPort === null && link('metrics', 'its counters, in the format of Prometheus'),
  ].filter((item) => item !== false);
  const backend = upstream
    ? `Creates are sent to <code>${escapeHtml(upstream.url.href)}</code>.`
    : 'Tasks are kept on this machine, and no service is called.';
  return {
    title: 'Look around',
    html: `<p>This gateway offers a typed GraphQL mutation over a REST endpoint that registers scheduled tasks on a customer’s
account. ${backend}</p>
<ul>
${links.join('\n')}
</ul>`,
  };
}

function link(path: string, what: string): string {
  return `<li><a href="${path}">${path}</a>: ${what}</li>`;
}

function tokenSection({ authorization, accountNote }: Omit<Demo, 'backend'>): PageSection {
  return {
    title: 'The demo’s token',
    html: `<p>Send it with every request to GraphQL or REST. It is valid for eight hours. Each start of the demo makes another one; earlier ones stay valid for their time.</p>
${htmlCode(`Authorization: ${authorization}\n\n${accountNote.trim()}`)}`,
  };
}

function faultSection(faults: readonly FaultTask[]): PageSection {
  const rows = faults.map(({ id, name, outcome }) => {
    const what = name.replace('Fault: ', '');
    const failure = FAILURES.find(({ code }) => what.startsWith(code));
    const ofUpdates = failure && outcome === 'UNKNOWN' ? 'updates only' : 'no';
    return [
      `<code>${id}</code>`,
      escapeHtml(what),
      outcome ?? 'none',
      outcome === null ? '' : failure?.retryable ? 'yes' : ofUpdates,
    ];
  });
  return {
    title: 'Faults on demand',
    html: `<p>A create with one of these values as its <code>taskId</code>, or an update that sets one, fails on purpose or is slow, in GraphQL
and REST alike, so that you can see what your program must handle.</p>
${htmlTable('The faults', ['taskId', 'what happens', 'outcome', 'retryable'], rows)}`,
  };
}

function restContract(tables: EnumTables): PageSection {
  const sample = (format: WireFormat): string => {
    const body = encodeRequest(format, SAMPLE_TASK, tables);
    return htmlCode(`Content-Type: ${mediaTypes[format]}\n\n${pretty(format, body)}`);
  };
  return {
    title: 'The REST contract',
    html: `<p>The demo also serves the contract that it translates to. Both formats mean the same; the answer comes in the one that
<code>Accept</code> prefers.</p>
<p><code>POST /api/v2/admin/tasks/account</code></p>
${sample('json')}
${sample('xml')}
<p>The OpenAPI document describes every field and every other operation.</p>`,
  };
}

/** Puts every member or element on a line of its own. */
function pretty(format: WireFormat, body: string): string {
  return format === 'json'
    ? JSON.stringify(JSON.parse(body), null, 2)
    : body.replaceAll('><', '>\n  <').replace(/ {2}(<[^>]+>)$/, '$1');
}
