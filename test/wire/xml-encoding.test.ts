import { describe, expect, test } from 'vitest';
import type { NewAccountTask } from '../../src/contract/account-task.ts';
import { encodeAnswer, encodeRequest, readAnswerBody } from '../../src/wire/codec.ts';
import { answerWith, SAMPLE_DETAIL, TABLES, TASK } from '../support/contract-samples.ts';
import { bytesOf } from '../support/wire-texts.ts';

const NAMESPACES = 'xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';

describe('encodeRequest in XML', () => {
  test("encodes a request like the contract's sample", () => {
    expect(encodeRequest('xml', TASK, TABLES)).toBe(
      `<AccountTaskRequest ${NAMESPACES}><TaskID>86cb791c-8078-41ae-a045-5dded04c9589</TaskID><Frequency>NONE</Frequency>` +
        '<StartDate>2026-02-22T04:10:00.9543747+00:00</StartDate><FinishDate>2026-02-22T04:10:00.9543747+00:00</FinishDate>' +
        '<Parameters>sample string 3</Parameters><ContentType>application/json</ContentType><Notification>NONE</Notification>' +
        '</AccountTaskRequest>',
    );
  });

  test('leaves out fields that are not given and escapes markup', () => {
    const task: NewAccountTask = {
      ...TASK,
      StartDate: null,
      FinishDate: null,
      Notification: null,
      Parameters: '<a>&\r]]>',
    };
    expect(encodeRequest('xml', task, TABLES)).toBe(
      `<AccountTaskRequest ${NAMESPACES}><TaskID>${TASK.TaskID}</TaskID><Frequency>NONE</Frequency>` +
        '<Parameters>&lt;a&gt;&amp;&#xD;]]&gt;</Parameters><ContentType>application/json</ContentType></AccountTaskRequest>',
    );
  });
});

describe('encodeAnswer in XML', () => {
  test('writes Result before Identification and nil dates, but no null texts and no null Error', () => {
    const answer = answerWith({ FinishDate: null, LastRunBy: null, Name: '', ClientID: null, Zone: null });
    expect(encodeAnswer('xml', answer)).toBe(
      `<ResponseOfAccountTaskResponse ${NAMESPACES}><ResponseData><Result>sample string 1</Result>` +
        '<Identification><UserId>sample string 1</UserId></Identification><Detail>' +
        `<ID>${SAMPLE_DETAIL.ID}</ID><TaskID>${SAMPLE_DETAIL.TaskID}</TaskID><Name /><Enabled>true</Enabled>` +
        `<Frequency>sample string 5</Frequency><StartDate>${SAMPLE_DETAIL.StartDate}</StartDate><FinishDate xsi:nil="true" />` +
        '<Parameters>sample string 7</Parameters><ContentType>sample string 8</ContentType>' +
        `<Notification>sample string 9</Notification><DateCreated>${SAMPLE_DETAIL.DateCreated}</DateCreated>` +
        `<DateModified>${SAMPLE_DETAIL.DateModified}</DateModified><LastRunOn>${SAMPLE_DETAIL.LastRunOn}</LastRunOn>` +
        '<LastModifiedBy>sample string 12</LastModifiedBy><Status>sample string 13</Status><Zone xsi:nil="true" />' +
        '</Detail></ResponseData></ResponseOfAccountTaskResponse>',
    );
  });

  test('writes a refusal as ASP.NET Web API 2 was observed to write it', () => {
    const Error = { ErrorCode: 'NULLBODY', ErrorReason: 'request was null' };
    expect(encodeAnswer('xml', { Error, ResponseData: null })).toBe(
      `<ResponseOfAccountTaskResponse ${NAMESPACES}><Error><ErrorCode>NULLBODY</ErrorCode>` +
        '<ErrorReason>request was null</ErrorReason></Error></ResponseOfAccountTaskResponse>',
    );
  });

  test('writes unknown fields of any shape so that they are read back unchanged', () => {
    const extra = { List: ['a', null, { b: 'c' }], Nested: { '@unit': 'a"\t<', '#text': ' x ' }, 'two words': '1' };
    expect(readAnswerBody(bytesOf(encodeAnswer('xml', answerWith(extra))), null)).toEqual({
      kind: 'tree',
      tree: {
        ResponseData: {
          ...answerWith({}).ResponseData,
          Detail: { ...SAMPLE_DETAIL, List: extra.List, Nested: extra.Nested, two_x0020_words: '1' },
        },
      },
    });
  });

  test.each([
    [
      { constructor: '1', toString: { valueOf: null } },
      '<constructor>1</constructor><toString><valueOf xsi:nil="true" /></toString>',
    ],
    [
      { '': '1', 'a b': '2', a_x0020_b: ['3', '4'] },
      '<_>1</_><a_x0020_b>2</a_x0020_b><a_x0020_b>3</a_x0020_b><a_x0020_b>4</a_x0020_b>',
    ],
    [{ Nested: { '@a': '>\r', A: '', '#text': '>\r' } }, '<Nested a="&gt;&#xD;"><A />&gt;&#xD;</Nested>'],
  ])('writes unknown fields of unusual names or contents: %j', (detail, xml) => {
    expect(encodeAnswer('xml', answerWith(detail))).toContain(`${xml}</Detail>`);
  });

  test('keeps all digits of a number', () => {
    const body = readAnswerBody(bytesOf('{"ResponseData":{"Detail":{"Price":12345678901234567890.10,"n":7}}}'), null);
    const { tree } = body as unknown as { tree: ReturnType<typeof answerWith> };
    expect(
      encodeAnswer('xml', { Error: null, ResponseData: { ...tree.ResponseData, Identification: null } as never }),
    ).toContain('<Price>12345678901234567890.10</Price><n>7</n>');
  });
});
