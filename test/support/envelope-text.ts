import { type FORMATS, SAMPLE_TASK } from './upstream-service.ts';

export type Format = (typeof FORMATS)[number];

export const ID = '6f9619ff-8b86-d011-b42d-00c04fc964ff';
const { TaskID } = SAMPLE_TASK;
export const REASON = 'There is no client.';
const XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';

/** Variants of the envelope's Error, as JSON members and as XML. */
export const ERRORS = {
  null: { json: ['"Error":null'], xml: '<Error xsi:nil="true" />' },
  absent: { json: [], xml: '' },
  blank: {
    json: ['"Error":{"ErrorCode":"","ErrorReason":" "}'],
    xml: '<Error><ErrorCode /><ErrorReason> </ErrorReason></Error>',
  },
  set: {
    json: ['"Error":{"ErrorCode":"E17","ErrorReason":"There is no client."}'],
    xml: '<Error><ErrorCode>E17</ErrorCode><ErrorReason>There is no client.</ErrorReason></Error>',
  },
} as const;
/** Variants of the envelope's ResponseData, as JSON members and as XML. */
export const DATA = {
  absent: { json: [], xml: '' },
  'without Detail': {
    json: ['"ResponseData":{"Result":"Done"}'],
    xml: '<ResponseData><Result>Done</Result></ResponseData>',
  },
  'with a Detail without ID': {
    json: [`"ResponseData":{"Detail":{"TaskID":"${TaskID}"}}`],
    xml: `<ResponseData><Detail><TaskID>${TaskID}</TaskID></Detail></ResponseData>`,
  },
  whole: {
    json: [`"ResponseData":{"Result":"Done","Detail":{"ID":"${ID}","TaskID":"${TaskID}"}}`],
    xml: `<ResponseData><Result>Done</Result><Detail><ID>${ID}</ID><TaskID>${TaskID}</TaskID></Detail></ResponseData>`,
  },
} as const;

/** Builds an envelope of these parts, as text on the wire. */
export function toEnvelope(
  format: Format,
  ...parts: readonly { readonly json: readonly string[]; readonly xml: string }[]
): string {
  if (format === 'json') return `{${parts.flatMap(({ json }) => json).join(',')}}`;
  const children = parts.map(({ xml }) => xml).join('');
  return `<?xml version="1.0" encoding="utf-8"?><ResponseOfAccountTaskResponse ${XSI}>${children}</ResponseOfAccountTaskResponse>`;
}
