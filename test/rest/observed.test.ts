import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { startStoreGateway } from '../support/running-gateway.ts';
import { DEPARTURES, FURTHER_REFUSALS } from './departures.ts';
import { requestOf } from './observed-requests.ts';
import { type PlainAnswer, type PlainRequest, send } from '../support/rest-client.ts';

/** The answers of a running ASP.NET Web API 2 server to a remote caller: `## name`, then the answer. */
const OBSERVED = readFileSync(new URL('observed-answers.txt', import.meta.url), 'utf8');
const ANSWER = /^## (.*)\n {3}R < (\d+) \w+ ct=(.*?; charset=\S+)(?: first2=(\w+))?(?: allow=(\w+))? (=>|<) (.*)$/gm;
const FIELDS = /^TaskID=(\w+) Freq=(.*) Start=(.*) \(.*\) Finish=(.*?) +P=(.*) CT=(.*) N=(.*)$/;

const gateway = await startStoreGateway({
  env: { TASK_FREQUENCIES: 'NONE=0,ONE=1,TWO=2', TASK_NOTIFICATIONS: 'NONE=0,A=1' },
});
afterAll(() => gateway.close());

const cases = [...OBSERVED.matchAll(ANSWER)].map(([, name = '', status, type, first2, allow, kind, rest = '']) => ({
  name,
  status: Number(status),
  type,
  first2,
  allow: allow ?? null,
  fields: kind === '=>' ? readFields(rest) : null,
  body: rest,
}));
const departing = new Map(DEPARTURES.flatMap((departure) => departure.cases.map((name) => [name, departure])));
type Case = (typeof cases)[number];

test('every observed case is parsed, and every departure names one of them', () => {
  expect(cases).toHaveLength(OBSERVED.match(/^## /gm)?.length ?? 0);
  expect(cases).toHaveLength(178);
  const names = DEPARTURES.flatMap((departure) => departure.cases);
  expect(names.filter((name) => !cases.some((observed) => observed.name === name))).toEqual([]);
  expect(departing.size).toBe(names.length);
});

describe('the REST endpoint', () => {
  test.each(cases.filter(({ name }) => !departing.has(name)))('answers "$name" as observed', async (observed) => {
    const answer = await ask(observed.name);
    expect(answer.header('content-type')).toBe(observed.type);
    expect(answer.header('allow')).toBe(observed.allow);
    expect(answer.status).toBe(observed.status);
    expect(answer.bytes.toString('hex')).toMatch(new RegExp(`^${observed.first2 ?? ''}`));
    expect(contentOf(answer, observed)).toEqual(observed.fields ?? observed.body);
  });
});

describe('the REST endpoint, where it departs from what was observed,', () => {
  test.each(DEPARTURES)('$why', async ({ cases: names, status, body }) => {
    for (const observed of cases.filter(({ name }) => names.includes(name))) {
      const answer = await ask(observed.name);
      expect([observed.name, answer.status, answer.text]).toEqual([observed.name, status, expect.stringMatching(body)]);
      expect(answer.header('content-type')).toBe(observed.type);
      expect(answer.header('allow')).toBe(observed.allow);
      const isAsObserved =
        status === observed.status &&
        JSON.stringify(contentOf(answer, observed)) === JSON.stringify(observed.fields ?? observed.body);
      expect([observed.name, isAsObserved]).toEqual([observed.name, false]);
    }
  });
});

test.each(Object.entries(FURTHER_REFUSALS))('the endpoint refuses %s', async (_, request) => {
  const answer = await sendAuthorized(request);
  expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('The request is invalid.')]);
  expect(answer.text).toMatch(/"request":\["An error|<request>An error/);
});

function contentOf(answer: PlainAnswer, { fields }: Case): string | readonly string[] {
  return fields ? fieldsOf(answer) : answer.text;
}

function ask(name: string): Promise<PlainAnswer> {
  const request: PlainRequest | null = requestOf(name);
  if (!request) throw new Error(`There is no request for "${name}".`);
  return sendAuthorized(request);
}

function sendAuthorized(request: PlainRequest): Promise<PlainAnswer> {
  const Authorization = `Bearer ${gateway.token}`;
  return send(gateway.url, { ...request, headers: { Authorization, ...request.headers } });
}

/** Reads the fields of an observed line, with the departures that apply everywhere. */
function readFields(line: string): readonly string[] {
  const [, TaskID = '', Freq = '', Start = '', Finish = '', P = '', CT = '', N = ''] = FIELDS.exec(line) ?? [];
  const [Frequency, StartDate, FinishDate, parameters, contentType, Notification] = [Freq, Start, Finish, P, CT, N].map(
    (text) => text.replace(/^"(.*)"$/, '$1').replace('xsi:nil="true"', 'null'),
  ) as [string, string, string, string, string, string];
  const ContentType = contentType === 'c' ? 'application/json' : contentType;
  const replacement = ContentType === 'application/json' ? `"${parameters}"` : '<p/>';
  const Parameters = parameters === 'p' || ContentType === 'application/json' ? replacement : parameters;
  const start = StartDate === '0001-01-01T00:00:00' ? 'null' : StartDate;
  return [TaskID, Frequency, start, FinishDate, decodeXml(Parameters), ContentType, Notification];
}

function fieldsOf({ text }: PlainAnswer): readonly string[] {
  const names = ['TaskID', 'Frequency', 'StartDate', 'FinishDate', 'Parameters', 'ContentType', 'Notification'];
  const detail = text.startsWith('{')
    ? (JSON.parse(text) as { ResponseData: { Detail: Record<string, string | null> } | null }).ResponseData?.Detail
    : Object.fromEntries(
        [...text.matchAll(/<(\w+)>([^<]*)<\/\1>/g)].map(([, name, value]) => [name, decodeXml(value)]),
      );
  return names.map((name) => String(detail?.[name] ?? null).slice(0, name === 'TaskID' ? 8 : undefined));
}

function decodeXml(text = ''): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
