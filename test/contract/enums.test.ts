import { describe, expect, test } from 'vitest';
import {
  DEFAULT_FREQUENCIES,
  DEFAULT_NOTIFICATIONS,
  findMember,
  isDocumented,
  parseEnumTable,
} from '../../src/contract/enums.ts';

describe('the default enum tables', () => {
  test.each([
    ['frequencies', DEFAULT_FREQUENCIES, ['NONE', 'HOURLY', 'DAILY', 'WEEKLY', 'MONTHLY']],
    ['notifications', DEFAULT_NOTIFICATIONS, ['NONE', 'EMAIL', 'SMS']],
  ])('in the default %s only NONE is documented and numbered', (_, table, names) => {
    expect(table.map(({ name }) => name)).toStrictEqual(names);
    expect(table.filter(isDocumented)).toStrictEqual([{ name: 'NONE', number: 0 }]);
    expect(table.filter(({ number }) => number !== null)).toHaveLength(1);
  });
});

describe('parseEnumTable', () => {
  test.each([
    ['NONE=0,HOURLY,DAILY=2', ['NONE 0', 'HOURLY null', 'DAILY 2']],
    ['NONE', ['NONE 0']],
    [' NONE = 0 , ONCE = -1 ', ['NONE 0', 'ONCE -1']],
    ['Weekly=7,a_1=10', ['Weekly 7', 'a_1 10']],
    ['TRUE,NULL', ['TRUE null', 'NULL null']],
    ['BIG=999999999', ['BIG 999999999']],
    ['PADDED=007', ['PADDED 7']],
  ])('parseEnumTable reads %j', (text, members) => {
    expect(parseEnumTable(text).map(({ name, number }) => `${name} ${number}`)).toStrictEqual(members);
  });

  const EXPECTED = 'expected NAME or NAME=number, got';
  test.each([
    ['', `${EXPECTED} ""`],
    ['NONE,,DAILY', `${EXPECTED} ""`],
    ['NONE,', `${EXPECTED} ""`],
    ['1ST', `${EXPECTED} "1ST"`],
    ['__SECRET', `${EXPECTED} "__SECRET"`],
    ['A B', `${EXPECTED} "A B"`],
    ['TÄGLICH', `${EXPECTED} "TÄGLICH"`],
    ['DAILY=', `${EXPECTED} "DAILY="`],
    ['DAILY=2.5', `${EXPECTED} "DAILY=2.5"`],
    ['DAILY=+2', `${EXPECTED} "DAILY=+2"`],
    ['DAILY=1000000000', `${EXPECTED} "DAILY=1000000000"`],
    ['DAILY=2=3', `${EXPECTED} "DAILY=2=3"`],
    ['true', `${EXPECTED} "true"`],
    ['false=1', `${EXPECTED} "false=1"`],
    ['null', `${EXPECTED} "null"`],
    ['DAILY,WEEKLY,DAILY', 'two members have the same name'],
    ['DAILY,Daily=2', 'two members have the same name'],
    ['DAILY=2,WEEKLY=2', 'two members have the same number'],
    ['DAILY=2,WEEKLY=02', 'two members have the same number'],
    ['NONE=1', 'contradicts the contract, in which NONE is 0'],
    ['DAILY=0', 'contradicts the contract, in which NONE is 0'],
    ['DAILY=-0', 'contradicts the contract, in which NONE is 0'],
    ['None', 'contradicts the contract, in which NONE is 0'],
    ['None=0', 'contradicts the contract, in which NONE is 0'],
  ])('parseEnumTable rejects %j: %s', (text, problem) => {
    expect(() => parseEnumTable(text)).toThrow(new Error(problem));
  });
});

describe('findMember', () => {
  const table = parseEnumTable('NONE=0,HOURLY,DAILY=2,ODD=-3');
  test.each([
    ['DAILY', 'DAILY'],
    ['daily', 'DAILY'],
    ['hOURLY', 'HOURLY'],
    [2, 'DAILY'],
    ['2', 'DAILY'],
    [0, 'NONE'],
    [-0, 'NONE'],
    ['0', 'NONE'],
    [-3, 'ODD'],
    ['-3', 'ODD'],
  ])('findMember finds the member for %j: %s', (value, name) => {
    expect(findMember(table, value)?.name).toBe(name);
  });

  test.each([
    1,
    99,
    2.5,
    Number.NaN,
    '',
    '1',
    '02',
    '2.0',
    ' DAILY',
    'DAILYX',
    'null',
    null,
    undefined,
    true,
    false,
    {},
    [],
  ])('findMember finds no member for %j', (value) => {
    expect(findMember(table, value)).toBeNull();
  });
});
