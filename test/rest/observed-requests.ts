import { PATH, type PlainRequest } from '../support/rest-client.ts';
import { type Fields, formText, jsonText, START, TASK_ID, xmlElements, xmlText } from '../support/request-texts.ts';

type Headers = Readonly<Record<string, string>>;

const json = (body: string | Uint8Array = jsonText(), headers: Headers = {}): PlainRequest => ({
  headers: { 'Content-Type': 'application/json', ...headers },
  body,
});
const xml = (body: string | Uint8Array = xmlText(), headers: Headers = {}): PlainRequest => ({
  headers: { 'Content-Type': 'application/xml', ...headers },
  body,
});
const form = (fields: Fields = {}, headers: Headers = {}): PlainRequest => ({
  headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
  body: formText(fields),
});
const labelled = (label: string): PlainRequest => json(jsonText(), { 'Content-Type': label });
const at = (path: string): PlainRequest => ({ ...json(jsonText(), { Host: 'h.example' }), path });

/** Replaces `p` and `c`, the Parameters and ContentType of an observed case. */
const AS_JSON: Fields = { Parameters: '"p"', ContentType: 'application/json' };
const NO_FORM_FIELDS: Fields = { TaskID: null, Frequency: null, Parameters: null, ContentType: null };
const NAMESPACES = 'xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';

/** Cases whose names contain the value of a field or of the Accept header. */
const FAMILIES: readonly (readonly [RegExp, (value: string) => PlainRequest])[] = [
  [/^accept (\S.*), xml body$/, (accept) => xml(xmlText(), { Accept: accept })],
  [/^accept (.*)$/, (accept) => json(jsonText(), { Accept: accept })],
  [/^(GET|PUT|DELETE|HEAD|OPTIONS|PATCH)$/, (method) => ({ method })],
  [/^freq (.*)$/, (literal) => json(jsonText({ Frequency: literal }))],
  [/^guid (.*)$/, (literal) => json(jsonText({ TaskID: literal }))],
  [/^start (.*)$/, (literal) => json(jsonText({ StartDate: literal }))],
  [/^finish (.*)$/, (literal) => json(jsonText({ FinishDate: literal }))],
  [/^notif (.*)$/, (literal) => json(jsonText({ Notification: literal }))],
  [/^xml start '(.*)'$/, (value) => xml(xmlText({ ...AS_JSON, StartDate: value }))],
];

/** The requests of the other cases, inferred from their names, answers and the positions in error details. */
const REQUESTS: Readonly<Record<string, PlainRequest>> = {
  'json ok': json(
    jsonText({ StartDate: `"${START}"`, FinishDate: '"2026-02-22T04:10:00.9000000Z"', Notification: '0' }),
  ),
  'json ok -> xml': json(jsonText(), { Accept: 'application/xml' }),
  'xml ok, no accept': xml(),
  'xml ok, accept text/xml': xml(xmlText(), { Accept: 'text/xml' }),
  'xml with decl and ns decls': xml(
    `<?xml version="1.0" encoding="utf-8"?>${xmlText().replace('>', ` ${NAMESPACES}>`)}`,
    { Accept: '*/*' },
  ),
  'accept-charset utf-16': json(jsonText(), { 'Accept-Charset': 'utf-16' }),
  'req charset utf-16 declared in json': json(Buffer.from(jsonText(), 'utf16le'), {
    'Content-Type': 'application/json; charset=utf-16',
  }),
  'req charset iso-8859-1 w/ e9 byte': json(Buffer.from(jsonText({ Parameters: '"\u00E9"' }), 'latin1'), {
    'Content-Type': 'application/json; charset=iso-8859-1',
  }),
  'utf8 BOM json': json(`\uFEFF${jsonText()}`),
  'utf8 BOM xml': xml(`\uFEFF${xmlText()}`),
  'utf16le BOM json w/out charset': json(Buffer.from(`\uFEFF${jsonText()}`, 'utf16le')),
  'invalid utf8 json': json(Buffer.concat([Buffer.from('{"TaskID":'), Buffer.from([0xff, 0x7d])])),
  'XHR header no accept, xml body': xml(xmlText(), { 'X-Requested-With': 'XMLHttpRequest' }),
  '404': at('/api/v2/admin/tasks/nope'),
  '404 no controller': at('/api/v2/admin/nope/account'),
  '404 no route': at('/api/v9/x'),
  'path case': at(PATH.toUpperCase()),
  'trailing slash': at(`${PATH}/`),
  'text/plain': labelled('text/plain'),
  'text/plain accept xml': json(jsonText(), { 'Content-Type': 'text/plain', Accept: 'application/xml' }),
  'no content-type': { body: jsonText() },
  'bad content-type': labelled('garbage'),
  'vendor +json': labelled('application/vnd.x+json'),
  'Content-Type upper': labelled('APPLICATION/JSON'),
  'Content-Type */*': labelled('*/*'),
  'Content-Type application/*': labelled('application/*'),
  'empty body json': json(''),
  'empty body text/plain': json('', { 'Content-Type': 'text/plain' }),
  'empty body no ct': { body: '' },
  'no content at all': {},
  'empty body xml': xml(''),
  'empty body form': form({ ...NO_FORM_FIELDS }),
  'whitespace json': json(' \r\n '),
  'json null': json('null'),
  'json array': json('[]'),
  'json string': json('"x"'),
  'json {}': json('{}'),
  'json {} accept xml': json('{}', { Accept: 'application/xml' }),
  'json malformed': json('{"TaskID":'),
  'json malformed2': json(`{TaskID:'${TASK_ID}',Frequency:0,Parameters:'1',ContentType:'application/json',}`),
  'json trailing junk': json(`${jsonText()} junk`),
  'json comments': json(`/* a */${jsonText()}`),
  'json dup keys': json(jsonText().replace('}', String.raw`,"Parameters":"\"second\""}`)),
  'json case-insens': json(jsonText().replace(/"(\w+)":/g, (name) => name.toLowerCase())),
  'json unknown field': json(jsonText({ Unknown: '{"a":[1]}' })),
  'params number': json(jsonText({ Parameters: '12.5', ContentType: 'true' })),
  'params object': json(jsonText({ Parameters: '{}' })),
  'params date string': json(jsonText({ Parameters: String.raw`"\"2026-01-01T00:00:00Z\""` })),
  'params empty/ws': json(jsonText({ Parameters: '""', ContentType: '"  "' })),
  'params null': json(jsonText({ Parameters: 'null', ContentType: 'null' })),
  'missing taskid': json(jsonText({ TaskID: null })),
  'missing freq': json(jsonText({ Frequency: null })),
  'missing both + strings': json('{"Notification":0}'),
  'xml empty root': xml('<AccountTaskRequest />'),
  'xml wrong root': xml('<Wrong />'),
  'xml root with namespace': xml(xmlText().replace('>', ' xmlns="urn:x">')),
  'xml datacontract ns': xml(xmlText().replace('>', ' xmlns="http://schemas.datacontract.org/2004/07/M">')),
  'xml wrong case element': xml(xmlText().replaceAll('TaskID', 'taskid')),
  'xml unordered': xml(
    `<AccountTaskRequest><ContentType>application/json</ContentType><Parameters>"p"</Parameters>` +
      `<Frequency>ONE</Frequency><TaskID>${TASK_ID}</TaskID></AccountTaskRequest>`,
  ),
  'xml missing taskid+freq': xml(xmlText({ ...AS_JSON, TaskID: null, Frequency: null, StartDate: null })),
  'xml freq number': xml(xmlText({ Frequency: '1' })),
  'xml freq lower': xml(xmlText({ Frequency: 'none' })),
  'xml freq ws': xml(xmlText({ Frequency: ' NONE ' })),
  'xml freq empty': xml(xmlText({ Frequency: '' })),
  'xml freq bogus': xml(xmlText({ Frequency: 'BOGUS' })),
  'xml unknown elem+attr': xml(
    `<AccountTaskRequest x="1">${xmlElements().replace('<TaskID>', '<TaskID x="1">')}<Unknown><a /></Unknown></AccountTaskRequest>`,
  ),
  'xml dup elem': xml(
    `<AccountTaskRequest>${xmlElements()}<Parameters>&lt;second/&gt;</Parameters></AccountTaskRequest>`,
  ),
  'xml guid N': xml(xmlText({ TaskID: TASK_ID.replaceAll('-', '') })),
  'xml guid B': xml(xmlText({ TaskID: `{${TASK_ID}}` })),
  'xml guid bad': xml(xmlText({ TaskID: 'nope' })),
  'xml guid empty': xml(xmlText({ TaskID: '' })),
  'xml finish empty': xml(xmlText({ FinishDate: '' })),
  'xml params empty': xml(xmlText({ Parameters: '' })),
  'xml params nested': xml(xmlText({ Parameters: '<a>1</a>' })),
  'xml params cdata': xml(xmlText({ Parameters: '<![CDATA[<a>1</a>]]>' })),
  'xml malformed': xml('<AccountTaskRequest><TaskID></AccountTaskRequest>'),
  'xml doctype': xml(`<!DOCTYPE a []>${xmlText()}`),
  'xml json body': xml(jsonText()),
  'form ok': form(),
  'form ok accept xml': form({}, { Accept: 'application/xml' }),
  'form freq num/lower/case keys': {
    ...form(),
    body: formText({ Frequency: 'one' }).replace(/(\w+)=/g, (name) => name.toLowerCase()),
  },
  'form freq 1': form({ Frequency: '1' }),
  'form freq 99': form({ Frequency: '99' }),
  'form freq bogus': form({ Frequency: 'BOGUS' }),
  'form missing all': form({ ...NO_FORM_FIELDS, Other: '1' }),
  'form missing taskid': form({ TaskID: null }),
  'form empty values': form({
    TaskID: '',
    Frequency: '',
    StartDate: '',
    FinishDate: '',
    Parameters: '',
    ContentType: '',
  }),
  'form bad guid/date': form({ TaskID: 'zzz', StartDate: 'nope', FinishDate: 'nope' }),
  'form date': form({ StartDate: '2026-02-22T04:10:00Z', FinishDate: '2026-02-22T04:10:00%2B05:30' }),
  'form dup': { ...form(), body: `${formText()}&Parameters=%22second%22` },
  'form prefixed': { ...form(), body: formText().replace(/(\w+)=/g, 'request.$1=') },
};

/** Returns the request of an observed case; null if it is unknown. */
export function requestOf(name: string): PlainRequest | null {
  if (Object.hasOwn(REQUESTS, name)) return REQUESTS[name] ?? null;
  for (const [pattern, toRequest] of FAMILIES) {
    const [, value] = pattern.exec(name) ?? [];
    if (value !== undefined) return toRequest(value);
  }
  return null;
}
