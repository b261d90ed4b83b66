/** One member of an enum of the contract. */
export interface EnumMember {
  readonly name: string;
  /** The service's number for it; null if unknown. The contract documents only NONE = 0. */
  readonly number: number | null;
}

/** The members of one contract enum, in order. Names (in any case) and numbers are unique. */
export type EnumTable = readonly EnumMember[];

/** The tables of the contract's two enums: Task.Frequency and Task.TaskNotification. */
export interface EnumTables {
  readonly frequencies: EnumTable;
  readonly notifications: EnumTable;
}

/** The only member that the contract's samples show: `"Frequency": 0` in JSON, `NONE` in XML. */
const NONE: EnumMember = { name: 'NONE', number: 0 };

/** Task.Frequency. NONE is documented; the other members are this project's guess, which TASK_FREQUENCIES replaces. */
export const DEFAULT_FREQUENCIES: EnumTable = [NONE, ...['HOURLY', 'DAILY', 'WEEKLY', 'MONTHLY'].map(unnumbered)];

/** Task.TaskNotification. NONE is documented; the other members are this project's guess, which TASK_NOTIFICATIONS replaces. */
export const DEFAULT_NOTIFICATIONS: EnumTable = [NONE, ...['EMAIL', 'SMS'].map(unnumbered)];

/** True for a member that the contract documents, which is only NONE = 0. */
export function isDocumented(member: EnumMember): boolean {
  return member.name === NONE.name && member.number === NONE.number;
}

/**
 * Finds the member for a value on the wire: a name in any case, a number, or a number as a string, as ASP.NET Web API 2 reads
 * enums in JSON. Returns null if the table has no such member.
 */
export function findMember(table: EnumTable, value: unknown): EnumMember | null {
  if (typeof value !== 'string')
    return table.find((member) => member.number !== null && member.number === value) ?? null;
  return (
    table.find((member) => member.name === value) ??
    table.find((member) => member.name.toUpperCase() === value.toUpperCase()) ??
    table.find((member) => member.number !== null && String(member.number) === value) ??
    null
  );
}

/**
 * Parses a table such as `NONE=0,HOURLY,DAILY=2`, with a number only where it is known.
 * @throws Error whose message names the problem, such as `expected NAME or NAME=number, got "=1"`.
 */
export function parseEnumTable(text: string): EnumTable {
  const members = text.split(',').map((entry) => parseMember(entry.trim()));
  const numbers = members.flatMap(({ number }) => (number === null ? [] : [number]));
  const names = members.map(({ name }) => name.toUpperCase());
  if (new Set(names).size < names.length) throw new Error('two members have the same name');
  if (new Set(numbers).size < numbers.length) throw new Error('two members have the same number');
  if (members.some((member) => claimsNone(member) && !isDocumented(member))) {
    throw new Error('contradicts the contract, in which NONE is 0');
  }
  return members;
}

function parseMember(entry: string): EnumMember {
  const [, name, number] = /^([A-Za-z][A-Za-z0-9_]*)(?:\s*=\s*(-?\d{1,9}))?$/.exec(entry) ?? [];
  if (!name || ['true', 'false', 'null'].includes(name))
    throw new Error(`expected NAME or NAME=number, got "${entry}"`);
  if (name === NONE.name && number === undefined) return NONE;
  return { name, number: number === undefined ? null : Number(number) };
}

function claimsNone({ name, number }: EnumMember): boolean {
  return name.toUpperCase() === NONE.name || number === NONE.number;
}

function unnumbered(name: string): EnumMember {
  return { name, number: null };
}
