/** One member of an enum of the contract. */
export interface EnumMember {
  readonly name: string;
  /** The number the service gives it; null where nobody knows. Only NONE = 0 is documented. */
  readonly number: number | null;
}

/** The members of one of the contract's enums, in order; names and numbers are unique. */
export type EnumTable = readonly EnumMember[];

/** The tables of both of the contract's enums. */
export interface EnumTables {
  readonly frequencies: EnumTable;
  readonly notifications: EnumTable;
}

/** The one member the contract's samples show: `"Frequency": 0` in JSON is `NONE` in XML. */
const NONE: EnumMember = { name: 'NONE', number: 0 };

/** Task.Frequency: NONE is the contract's; the others are this project's defaults, replaced by TASK_FREQUENCIES. */
export const DEFAULT_FREQUENCIES: EnumTable = [NONE, ...['HOURLY', 'DAILY', 'WEEKLY', 'MONTHLY'].map(unnumbered)];

/** Task.TaskNotification: NONE is the contract's; the others are this project's defaults, replaced by TASK_NOTIFICATIONS. */
export const DEFAULT_NOTIFICATIONS: EnumTable = [NONE, ...['EMAIL', 'SMS'].map(unnumbered)];

/** True for a member that the contract itself documents. */
export function isDocumented(member: EnumMember): boolean {
  return member.name === NONE.name && member.number === NONE.number;
}

/**
 * The member a value on the wire stands for: a name in any case, a number, or a number as a string.
 * Null when the table does not hold it; the value itself is the caller's to keep.
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

/** Reads `NONE=0,HOURLY,DAILY=2` (a number only where it is known); throws an Error that says what is wrong with it. */
export function parseEnumTable(text: string): EnumTable {
  const members = text.split(',').map((entry) => parseMember(entry.trim()));
  const numbers = members.flatMap(({ number }) => (number === null ? [] : [number]));
  const names = members.map(({ name }) => name.toUpperCase());
  if (new Set(names).size < names.length) throw new Error('names a member twice');
  if (new Set(numbers).size < numbers.length) throw new Error('gives two members one number');
  if (members.some((member) => claimsNone(member) && !isDocumented(member))) {
    throw new Error('contradicts the contract, where NONE is 0');
  }
  return members;
}

function parseMember(entry: string): EnumMember {
  const [, name, number] = /^([A-Za-z][A-Za-z0-9_]*)(?:\s*=\s*(-?\d{1,9}))?$/.exec(entry) ?? [];
  if (!name || ['true', 'false', 'null'].includes(name))
    throw new Error(`has "${entry}" where NAME or NAME=number is expected`);
  if (name === NONE.name && number === undefined) return NONE;
  return { name, number: number === undefined ? null : Number(number) };
}

function claimsNone({ name, number }: EnumMember): boolean {
  return name.toUpperCase() === NONE.name || number === NONE.number;
}

function unnumbered(name: string): EnumMember {
  return { name, number: null };
}
