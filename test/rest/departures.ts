import type { PlainRequest } from '../support/rest-client.ts';
import { jsonText, xmlText } from '../support/request-texts.ts';

/** A deliberate difference from the observed server, which ran ASP.NET Web API 2. */
export interface Departure {
  readonly why: string;
  readonly cases: readonly string[];
  /** The gateway's own answer. */
  readonly status: number;
  readonly body: RegExp;
}

/**
 * Two more departures apply everywhere. An absent StartDate is null, not .NET's year 1. Parameters must parse as their
 * ContentType, which is one of two, so a valid text and type replace the `p` and `c` of the observed requests.
 */
export const DEPARTURES: readonly Departure[] = [
  {
    why: 'a body without a request is refused; the observed code and status came from the probe itself',
    cases: [
      'empty body json',
      'empty body text/plain',
      'empty body no ct',
      'no content at all',
      'empty body xml',
      'empty body form',
      'whitespace json',
      'json null',
    ],
    status: 400,
    body: /BAD_USER_INPUT.*the request: contains no AccountTaskRequest/,
  },
  {
    why: 'an undefined enum number is refused, since it would silently register something else',
    cases: ['freq 99', 'freq -1', 'freq "99"', 'freq 99999999999', 'form freq 99'],
    status: 400,
    body: /BAD_USER_INPUT.*Frequency: is not one of NONE \(0\), ONE \(1\), TWO \(2\)/,
  },
  {
    why: 'a boolean or a combination of members is refused as a member',
    cases: ['freq true', 'freq "ONE, TWO"'],
    status: 400,
    body: /"ModelState":\{"request.Frequency":\["An error has occurred."\]\}/,
  },
  {
    why: 'a missing TaskID or Frequency in XML is refused, since it would silently become the default',
    cases: ['xml wrong case element', 'xml missing taskid+freq'],
    status: 400,
    body: /<ErrorCode>BAD_USER_INPUT<\/ErrorCode><ErrorReason>TaskID: is required/,
  },
  {
    why: 'trailing junk after JSON is refused, since either half may be the mistake',
    cases: ['json trailing junk'],
    status: 400,
    body: /"ModelState":\{"request":\["An error has occurred."\]\}/,
  },
  {
    why: 'JSON must follow RFC 8259, without comments, single quotes, bare names or trailing commas',
    cases: ['json comments', 'json malformed2'],
    status: 400,
    body: /"ModelState":\{"request":\["An error has occurred."\]\}/,
  },
  {
    why: 'malformed JSON is reported for the whole request, not for the field where it breaks off',
    cases: ['json malformed'],
    status: 400,
    body: /"ModelState":\{"request":\["An error has occurred."\]\}/,
  },
  {
    why: 'a date needs an offset, seconds and at most 7 fraction digits, since anything else would be guessed or rounded',
    cases: [
      'start "2026-02-22T04:10:00"',
      'start "2026-02-22T04:10:00.5"',
      'start "2026-02-22T04:10:00.123456789Z"',
      'start "2026-02-22"',
      'start "0001-01-01T00:00:00"',
      'start "2026-02-22T04:10Z"',
      "xml start '2026-02-22'",
      "xml start '2026-02-22T04:10:00'",
    ],
    status: 400,
    body: /BAD_USER_INPUT.*StartDate: is not an ISO 8601 timestamp with Z or an offset/,
  },
  {
    why: 'a date is optional, so null counts as absent; the observed model had a StartDate that was not nullable',
    cases: ['start null'],
    status: 200,
    body: /"StartDate":null/,
  },
  {
    why: 'a date must be in ISO 8601',
    cases: [
      'start "2026-02-22 04:10:00"',
      'start "02/22/2026"',
      'start "Feb 22 2026"',
      'start "04:10"',
      'start "/Date(1771733400000)/"',
      'start "/Date(1771733400000+0100)/"',
    ],
    status: 400,
    body: /"ModelState":\{"request.StartDate":\["An error has occurred."\]\}/,
  },
  {
    why: 'a date keeps its offset, which Web API 2 converts to that of the server',
    cases: ['start "2026-02-22T04:10:00+05:30"', "xml start '2026-02-22T04:10:00+05:30'"],
    status: 200,
    body: /StartDate(?:":"|>)2026-02-22T04:10:00\+05:30["<]/,
  },
  {
    why: 'a finish before the start is refused',
    cases: ['json ok', 'form date'],
    status: 400,
    body: /BAD_USER_INPUT.*finishDate: expected startDate \(\S+\) or a later time, got \S+/,
  },
  {
    why: 'Parameters and ContentType must be texts, since a number would not come back as it was written',
    cases: ['params number'],
    status: 400,
    body: /"request.Parameters":\["An error has occurred.","The Parameters field is required."\]/,
  },
  {
    why: 'a GUID in the form of nested hexadecimal numbers is refused',
    cases: ['guid "{0x86cb791c,0x8078,0x41ae,{0xa0,0x45,0x5d,0xde,0xd0,0x4c,0x95,0x89}}"'],
    status: 400,
    body: /"ModelState":\{"request.TaskID":\["An error has occurred."\]\}/,
  },
  {
    why: 'elements inside Parameters are refused; Web API 2 drops the elements after them',
    cases: ['xml params nested'],
    status: 400,
    body: /<ModelState><request>An error has occurred.<\/request><\/ModelState>/,
  },
  {
    why: 'a task must be in the catalogue, even that of the empty GUID',
    cases: ['guid "00000000-0000-0000-0000-000000000000"'],
    status: 404,
    body: /TASK_NOT_FOUND/,
  },
  {
    why: 'an answer to HEAD has no body; the probe was called without HTTP',
    cases: ['HEAD'],
    status: 405,
    body: /^$/,
  },
];

const json = (body: string): PlainRequest => ({ headers: { 'Content-Type': 'application/json' }, body });
const xml = (body: string): PlainRequest => ({ headers: { 'Content-Type': 'application/xml' }, body });
const withMember = (member: string): PlainRequest => json(jsonText().replace('}', `,${member}}`));
const withElement = (element: string): PlainRequest => xml(xmlText().replace('</AccountTaskRequest>', `${element}$&`));

/** Requests that are refused with "The request is invalid." beyond the observed cases; Web API 2 ignores unknown members. */
export const FURTHER_REFUSALS: Readonly<Record<string, PlainRequest>> = {
  'an XML processing instruction before the request': xml(`<?xml-stylesheet href="a"?>${xmlText()}`),
  'an XML processing instruction in Parameters': xml(xmlText({ Parameters: '&lt;a/&gt;<?b c?>' })),
  ...Object.fromEntries(
    ['__proto__'].flatMap((name) => [
      [`a JSON member ${name}`, withMember(`"${name}":{"TaskID":1}`)],
      [`an XML element ${name}`, withElement(`<${name}><TaskID>1</TaskID></${name}>`)],
    ]),
  ),
  'JSON nested more than 64 deep': withMember(`"a":${'['.repeat(64)}${']'.repeat(64)}`),
  'XML nested more than 64 deep': withElement('<a>'.repeat(64) + '</a>'.repeat(64)),
};
