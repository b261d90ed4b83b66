import { describe, expect, onTestFinished, test } from 'vitest';
import { readConfig } from '../../src/app/config.ts';
import { demoSections } from '../../src/app/demo-page.ts';
import { unsupportedWrites } from '../../src/contract/task-service.ts';
import { FAULT_TASKS } from '../../src/app/faults.ts';
import { escapeHtml } from '../../src/app/home-page.ts';
import manifest from '../../package.json' with { type: 'json' };
import { startGateway, startStoreGateway, type GatewaySettings } from '../support/running-gateway.ts';

const PERSON = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

const nothing = async (): Promise<never> => {
  throw new Error('gone');
};

async function openGateway(settings: GatewaySettings = {}) {
  const gateway = await startStoreGateway(settings);
  onTestFinished(() => gateway.close());
  return gateway;
}

describe('the address /', () => {
  test('tells programs the name, the version and the health in JSON', async () => {
    const { url } = await openGateway();
    for (const headers of [{}, { accept: '*/*' }, { accept: 'application/json' }, { accept: 'image/png' }]) {
      const response = await fetch(url, { headers });
      expect(response.status).toBe(200);
      expect(response.headers.get('vary')).toBe('Accept');
      expect(await response.json()).toEqual({
        name: 'account-task-gateway',
        version: manifest.version,
        health: 'ready',
      });
    }
  });

  test('is a page for people that loads nothing from elsewhere', async () => {
    const { url } = await openGateway();
    const response = await fetch(url, { headers: PERSON });
    const page = await response.text();
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page).toContain(`<h1>account-task-gateway ${manifest.version}</h1>`);
    expect(page).toContain('<span class="state ready">ready</span>');
    expect(page).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/);
  });

  test('says in production no more than name, version and health, under any Host', async () => {
    const { url } = await openGateway({ mode: 'serve' });
    const page = await (await fetch(url, { headers: { ...PERSON, host: 'gateway.example' } })).text();
    const text = page
      .replace(/<style>.*<\/style>|<title>.*<\/title>/gs, '')
      .replaceAll(/<[^>]*>|\s+/g, ' ')
      .replaceAll(/\s+/g, ' ')
      .trim();
    expect(text).toBe(`account-task-gateway ${manifest.version} Health: ready`);
  });

  test('says that a gateway whose database is gone is not ready', async () => {
    const reads = { find: nothing, list: nothing, findOutcome: nothing };
    const tasks = { ...unsupportedWrites(''), ...reads, checks: { database: nothing }, close: async () => {} };
    const { url, close } = await startGateway(() => ({
      tasks,
      authenticate: nothing,
      issueToken: null,
      batchConcurrency: 1,
    }));
    onTestFinished(close);
    expect(await (await fetch(url)).json()).toMatchObject({ health: 'not ready' });
    const page = await (await fetch(url, { headers: PERSON })).text();
    expect(page).toContain('<span class="state not">not ready</span>');
  });

  test('has no body for HEAD, and refuses other methods with the ones it has', async () => {
    const { url } = await openGateway();
    const head = await fetch(url, { method: 'HEAD', headers: PERSON });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const post = await fetch(url, { method: 'POST', body: '{}' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect(await post.text()).toContain('GraphQL is at /graphql.');
  });
});

const ACCOUNT_NOTE =
  'To add an API client, send this with createClient (userId 1): Authorization: Bearer of-the-account\n';

function sectionsOf(env: Record<string, string>, authorization: string | null): string {
  const demo = authorization === null ? null : { authorization, accountNote: ACCOUNT_NOTE, faults: FAULT_TASKS };
  const sections = demoSections(readConfig(env, 'demo'), demo);
  return sections.map(({ title, html }) => `${title}\n${html}`).join('\n');
}

describe("the sections of the demo's page", () => {
  test('show the tokens, the links and the REST contract', () => {
    const page = sectionsOf({}, 'Bearer <"abc&');
    expect(page).toContain('Authorization: Bearer &lt;&quot;abc&amp;');
    expect(page).toContain(ACCOUNT_NOTE.trim());
    const links = ['graphql', 'health', 'ready', 'api/openapi.json', 'metrics'];
    expect(page.match(/href="[^"]*"/g)).toEqual(links.map((path) => `href="${path}"`));
    expect(page).toContain('&quot;TaskID&quot;: &quot;86cb791c-8078-41ae-a045-5dded04c9589&quot;');
    const faults = [...page.matchAll(/<td><code>fa0{6}-0000-4000-8000-0{9}(\d+)<\/code>(.*)<\/td>/g)];
    expect(faults.map(([, digits, cells = '']) => [digits, ...cells.split('</td><td>').slice(1)])).toEqual(
      expect.arrayContaining([
        ['422', 'TASK_REJECTED', 'REJECTED', 'no'],
        ['429', 'OVERLOADED', 'REJECTED', 'yes'],
        ['504', 'UPSTREAM_TIMEOUT, created', 'UNKNOWN', 'updates only'],
        ['102', 'created after 8 seconds', 'none', ''],
        ['999', 'INTERNAL_SERVER_ERROR', 'UNKNOWN', 'no'],
      ]),
    );
    expect(page).toContain('&lt;Frequency&gt;NONE&lt;/Frequency&gt;');
  });

  test('name the service instead of the REST contract where creates are sent to one', () => {
    const page = sectionsOf({ UPSTREAM_URL: 'https://service.example/a&b/' }, null);
    expect(page).toContain('Creates are sent to <code>https://service.example/a&amp;b/</code>');
    expect(page).not.toMatch(/REST contract|openapi|Authorization/);
  });

  test('leave out links to what is off or elsewhere', () => {
    const page = sectionsOf({ GRAPHIQL: 'off', METRICS_PORT: '4001' }, 'Bearer a');
    expect(page).not.toMatch(/href="(graphql|metrics)"/);
  });
});

test('a text is escaped for HTML and its attributes', () => {
  expect(escapeHtml(`<a href="x">&'</a>`)).toBe(`&lt;a href=&quot;x&quot;&gt;&amp;'&lt;/a&gt;`);
});
