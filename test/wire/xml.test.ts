import { describe, expect, test } from 'vitest';
import { interpretAnswer } from '../../src/contract/envelope.ts';
import { OPERATIONS } from '../../src/contract/operations.ts';
import { readAnswerBody } from '../../src/wire/codec.ts';
import { SENT_TASK_ID } from '../support/meaning.ts';
import { SAMPLE_DETAIL, TASK } from '../support/contract-samples.ts';
import { bytesOf } from '../support/wire-texts.ts';

const read = (text: string) => readAnswerBody(bytesOf(text), 'application/xml');
const treeOf = (text: string) => {
  const body = read(text);
  return body.kind === 'tree' ? body.tree : body;
};
const detailOf = (elements: string) =>
  treeOf(`<R xmlns:xsi="i"><ResponseData><Detail>${elements}</Detail></ResponseData></R>`);
const NULL_FIELDS = Object.fromEntries(Object.keys(SAMPLE_DETAIL).map((name) => [name, null]));
const withDetail = (detail: object) => ({ ResponseData: { Detail: { ...NULL_FIELDS, ...detail } } });

describe('readAnswerBody of XML', () => {
  test('reads elements in any order to a Detail in the order of the contract', () => {
    const reversed = Object.entries(SAMPLE_DETAIL).toReversed();
    const elements = reversed.map(([name, value]) => `\n  <${name}>${value}</${name}>`).join('');
    const tree = detailOf(`<Zone>1</Zone>${elements}\n`);
    expect(JSON.stringify(tree)).toBe(JSON.stringify({ ResponseData: { Detail: { ...SAMPLE_DETAIL, Zone: '1' } } }));
  });

  test('reads missing fields as null', () => {
    expect(detailOf('<ID>x</ID>')).toEqual(withDetail({ ID: 'x' }));
  });

  test.each([
    ['<Name xsi:nil="true" />', null],
    ['<Name xsi:nil="1"></Name>', null],
    ['<Name p:nil="true" xmlns:p="http://www.w3.org/2001/XMLSchema-instance" />', null],
    ['<Name xsi:nil="false">x</Name>', 'x'],
    ['<Name nil="true">x</Name>', 'x'],
    ['<Name xsi:type="xsd:string">x</Name>', 'x'],
    ['<p:Name xmlns:p="u">x</p:Name>', 'x'],
    ['<Name lang="en"> x </Name>', ' x '],
    ['<Name/>', ''],
    ['<Name>\t&#xD;\n </Name>', '\t\r\n '],
    ['<Name>00123</Name>', '00123'],
    ['<Name>0E68</Name>', '0E68'],
    ['<Name>true</Name>', 'true'],
  ])('reads the field %s', (element, Name) => {
    expect(detailOf(element)).toEqual(withDetail({ Name }));
  });

  test.each([
    ['true', true],
    ['1', true],
    [' false\n', false],
    ['0', false],
    ['True', 'True'],
    ['constructor', 'constructor'],
    ['', ''],
  ])('reads an Enabled of %j', (text, Enabled) => {
    expect(detailOf(`<Enabled>${text}</Enabled>`)).toEqual(withDetail({ Enabled }));
  });

  test.each([
    ['<Zone>1</Zone>', { Zone: '1' }],
    ['<Zone><A>1</A> <B/></Zone>', { Zone: { A: '1', B: '' } }],
    ['<Zone>1</Zone><Zone/><Zone>3</Zone>', { Zone: ['1', '', '3'] }],
    ['<Zone u="1">2</Zone>', { Zone: { '@u': '1', '#text': '2' } }],
    ['<Zone p:u="1" xmlns:p="x"/>', { Zone: { '@u': '1' } }],
    ['<Zone u="1"> </Zone>', { Zone: { '@u': '1', '#text': ' ' } }],
    ['<Zone xsi:type="xsd:string">1</Zone>', { Zone: '1' }],
    ['<Zone>a<B/>c</Zone>', { Zone: { B: '', '#text': 'ac' } }],
    ['<Zone xsi:nil="true"/>', { Zone: null }],
    ['<toString>1</toString>', { toString: '1' }],
    ['<constructor>1<!-- --></constructor>', { constructor: '1' }],
    ['<prototype><![CDATA[<1>]]></prototype>', { prototype: '<1>' }],
  ])('keeps the unknown element %s', (elements, unknown) => {
    expect(detailOf(elements)).toEqual(withDetail(unknown));
  });

  test.each([
    ['<ResponseData><Detail/></ResponseData>', { ResponseData: { Detail: NULL_FIELDS } }],
    ['<Error>\n</Error><ResponseData>\n</ResponseData>', { Error: {}, ResponseData: {} }],
    ['<ResponseData><Identification /></ResponseData>', { ResponseData: { Identification: {} } }],
    ['<Error xsi:nil="true" xmlns:xsi="i"/>', { Error: null }],
  ])('reads the empty containers of %s', (elements, tree) => {
    expect(treeOf(`<R>${elements}</R>`)).toEqual(tree);
  });

  test('reads an error message of ASP.NET Web API 2', () => {
    const text =
      '<Error><Message>The request is invalid.</Message><ModelState><request>x</request></ModelState></Error>';
    expect(treeOf(text)).toEqual({ Message: 'The request is invalid.', ModelState: { request: 'x' } });
  });

  test('ignores blanks before the XML declaration', () => {
    expect(treeOf('\r\n<?xml version="1.0" encoding="utf-8"?><R><Error/></R>')).toEqual({ Error: {} });
  });
});

describe('an answer in XML that breaks the contract', () => {
  const reason = (text: string) => {
    try {
      return interpretAnswer(OPERATIONS.create, 200, read(text), { ...TASK, TaskID: SENT_TASK_ID });
    } catch (error) {
      return (error as Error).message;
    }
  };
  const ids = `<ID>${SAMPLE_DETAIL.ID}</ID><TaskID>${SAMPLE_DETAIL.TaskID}</TaskID>`;
  test.each([
    [
      `<R><ResponseData><Detail>${ids}<Name>a</Name><Name>b</Name></Detail></ResponseData></R>`,
      'ResponseData.Detail.Name is not text',
    ],
    [
      `<R><ResponseData><Detail>${ids}<Name><a/></Name></Detail></ResponseData></R>`,
      'ResponseData.Detail.Name is not text',
    ],
    [
      `<R><ResponseData><Detail>${ids}<Enabled>yes</Enabled></Detail></ResponseData></R>`,
      'ResponseData.Detail.Enabled is not true or false',
    ],
    [
      `<R><ResponseData><Detail>${ids}</Detail><Detail>${ids}</Detail></ResponseData></R>`,
      'ResponseData.Detail is not an object',
    ],
    ['<R><ResponseData><Detail>x</Detail></ResponseData></R>', 'ResponseData.Detail is not an object'],
    [
      '<html xmlns="http://www.w3.org/1999/xhtml"><body>x</body></html>',
      'the answer contains neither Error nor ResponseData',
    ],
    ['<!doctype html><html><br></html>', 'the answer is not well-formed XML (line 1, column 9)'],
    ['<html><p>Bad gateway<br></html>', 'the answer is not well-formed XML (line 1, column 31)'],
  ])('interpretAnswer rejects an unreadable answer and names the place: %s', (text, problem) => {
    expect(reason(text)).toBe(
      `The service's answer (HTTP 200) cannot be read: ${problem}; the task may have been created.`,
    );
  });

  test('interpretAnswer reads a set Error as a refusal, whatever the Detail', () => {
    expect(
      reason('<R><Error><ErrorReason>no</ErrorReason></Error><ResponseData><Detail>x</Detail></ResponseData></R>'),
    ).toBe('no');
  });
});
