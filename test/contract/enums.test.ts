import { describe, expect, test } from 'vitest';
import {
  DEFAULT_FREQUENCIES,
  DEFAULT_NOTIFICATIONS,
  findMember,
  isDocumented,
  parseEnumTable,
} from '../../src/contract/enums.ts';

describe('the default tables', () => {
  test.each([
    ['frequencies', DEFAULT_FREQUENCIES, ['NONE', 'HOURLY', 'DAILY', 'WEEKLY', 'MONTHLY']],
    ['notifications', DEFAULT_NOTIFICATIONS, ['NONE', 'EMAIL', 'SMS']],
  ])('%s: NONE alone is documented and numbered', (_, table, names) => {
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
  ])('reads %j', (text, members) => {
    expect(parseEnumTable(text).map(({ name, number }) => `${name} ${number}`)).toStrictEqual(members);
  });

  const NAME_EXPECTED = 'where NAME or NAME=number is expected';
  test.each([
    ['', `has "" ${NAME_EXPECTED}`],
    ['NONE,,DAILY', `has "" ${NAME_EXPECTED}`],
    ['NONE,', `has "" ${NAME_EXPECTED}`],
    ['1ST', `has "1ST" ${NAME_EXPECTED}`],
    ['__SECRET', `has "__SECRET" ${NAME_EXPECTED}`],
    ['A B', `has "A B" ${NAME_EXPECTED}`],
    ['TÄGLICH', `has "TÄGLICH" ${NAME_EXPECTED}`],
    ['DAILY=', `has "DAILY=" ${NAME_EXPECTED}`],
    ['DAILY=2.5', `has "DAILY=2.5" ${NAME_EXPECTED}`],
    ['DAILY=+2', `has "DAILY=+2" ${NAME_EXPECTED}`],
    ['DAILY=1000000000', `has "DAILY=1000000000" ${NAME_EXPECTED}`],
    ['DAILY=2=3', `has "DAILY=2=3" ${NAME_EXPECTED}`],
    ['true', `has "true" ${NAME_EXPECTED}`],
    ['false=1', `has "false=1" ${NAME_EXPECTED}`],
    ['null', `has "null" ${NAME_EXPECTED}`],
    ['DAILY,WEEKLY,DAILY', 'names a member twice'],
    ['DAILY,Daily=2', 'names a member twice'],
    ['DAILY=2,WEEKLY=2', 'gives two members one number'],
    ['DAILY=2,WEEKLY=02', 'gives two members one number'],
    ['NONE=1', 'contradicts the contract, where NONE is 0'],
    ['DAILY=0', 'contradicts the contract, where NONE is 0'],
    ['DAILY=-0', 'contradicts the contract, where NONE is 0'],
    ['None', 'contradicts the contract, where NONE is 0'],
    ['None=0', 'contradicts the contract, where NONE is 0'],
  ])('refuses %j, saying that it %s', (text, problem) => {
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
  ])('%j is %s', (value, name) => {
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
  ])('%j is no member', (value) => {
    expect(findMember(table, value)).toBeNull();
  });
});
