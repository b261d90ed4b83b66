export const TASK_ID = '86cb791c-8078-41ae-a045-5dded04c9589';
export const START = '2026-02-22T04:10:00.9543747+00:00';

/** Raw values by field; null omits a field. */
export type Fields = Readonly<Record<string, string | null>>;

const JSON_FIELDS: Fields = {
  TaskID: `"${TASK_ID}"`,
  Frequency: '0',
  Parameters: String.raw`"\"p\""`,
  ContentType: '"application/json"',
};
const XML_FIELDS: Fields = {
  TaskID: TASK_ID,
  Frequency: 'NONE',
  StartDate: START,
  Parameters: '&lt;p/&gt;',
  ContentType: 'application/xml',
};
const FORM_FIELDS: Fields = {
  TaskID: TASK_ID,
  Frequency: 'NONE',
  Parameters: '%22p+q%20r%22',
  ContentType: 'application%2Fjson',
};

/** Returns a request in JSON; `fields` are JSON literals. */
export function jsonText(fields: Fields = {}): string {
  return `{${present({ ...JSON_FIELDS, ...fields })
    .map(([name, value]) => `"${name}":${value}`)
    .join(',')}}`;
}

/** Returns a request in XML; `fields` are the contents of elements. */
export function xmlText(fields: Fields = {}): string {
  return `<AccountTaskRequest>${xmlElements(fields)}</AccountTaskRequest>`;
}

export function xmlElements(fields: Fields = {}): string {
  return present({ ...XML_FIELDS, ...fields })
    .map(([name, value]) => `<${name}>${value}</${name}>`)
    .join('');
}

/** Returns a request as a form; `fields` are already encoded. */
export function formText(fields: Fields = {}): string {
  return present({ ...FORM_FIELDS, ...fields })
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function present(fields: Fields): readonly (readonly [string, string])[] {
  return Object.entries(fields).flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]));
}
