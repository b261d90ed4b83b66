import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readPlainXml } from '../../src/wire/plain-xml.ts';
import { parseXml } from '../../src/wire/xml-document.ts';
import { documents, inOneText } from '../support/xml-documents.ts';

describe('readPlainXml', () => {
  const samples = [
    '<?xml version="1.0" encoding="utf-8"?>\n<a/>\n',
    '<a b="1" xsi:nil="true">x &lt;y&gt; &amp;&quot;&apos; z<c d="é"/>\n</a >',
    "<a b='1'/>",
    '<a b = "1"/>',
    '<a b="1"c="2"/>',
    '<a b="1" b="2"/>',
    '<a b="&amp;"/>',
    '<a b="x\ny"/>',
    '<a/><b/>',
    '<a/>x',
    'x<a/>',
    '<a/>\u00A0',
    '<a/>\uFEFF',
    '\uFEFF<a/>',
    '\uFEFF\uFEFF<a/>',
    '<?xml version="1.0"?>\u2028<a/>',
    '<a>\u00A0</a>',
    '<a></b>',
    '<a></ab>',
    '<ab></a>',
    '<a></a b>',
    '<a>&#65;</a>',
    '<a>&foo;</a>',
    '<a>]]></a>',
    '<a>\r\n</a>',
    '<x:a/>',
    '<:a/>',
    '<a:/>',
    '<a:b:c/>',
    '<a:1/>',
    '<é/>',
    '<a.b-c_d/>',
    '<a><!-- --></a>',
    '<a><![CDATA[x]]></a>',
    '<?xml version="1.1"?><a/>',
    '<?xml version="1.0"?><?p?><a/>',
    ' <?xml version="1.0"?><a/>',
    '<a',
    '<a b',
    '<a b="',
    '<a/',
    '<',
    '</a>',
    '<a></a',
    '',
  ];

  test.each(samples)('reads %j as the strict parser does, or leaves it to that parser', (document) => {
    expect([null, parseXml(document)]).toContainEqual(readPlainXml(document));
  });

  test('reads a document as services write it', () => {
    const document =
      '<?xml version="1.0"?>\n<a xmlns:xsi="b">\n  <c xsi:nil="true" />\n  <d>{"e":"f &amp; g"}</d>\n</a>';
    expect(readPlainXml(document)).toMatchObject({
      name: 'a',
      nodes: ['\n  ', { name: 'c' }, '\n  ', { name: 'd' }, '\n'],
    });
  });

  test('reads every document as serializers write it', () => {
    fc.assert(
      fc.property(documents('usual'), ({ text, root }) => {
        const plain = readPlainXml(text);
        expect(plain && inOneText(plain)).toEqual(root);
      }),
      { numRuns: 1_000 },
    );
  });

  test('reads any document as the strict parser does, or leaves it to that parser', () => {
    fc.assert(
      fc.property(documents('any'), ({ text }) => {
        expect([null, parseXml(text)]).toContainEqual(readPlainXml(text));
      }),
      { numRuns: 1_000 },
    );
  });

  test('reads an edited document as the strict parser does, or leaves it to that parser', () => {
    const piece = fc.constantFrom(
      '<',
      '>',
      '/',
      '=',
      '"',
      "'",
      '&',
      ';',
      ':',
      ' ',
      '\n',
      'a',
      '1',
      '!',
      '?',
      '-',
      '[',
      ']',
      'xmlns:',
      '<a>',
      '</a>',
      '&amp;',
      '<!--',
      ']]>',
      '\u00A0',
      '\uFEFF',
      '\uFFFE',
      '😀',
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        fc.array(fc.tuple(fc.nat(60), fc.nat(3), piece), { maxLength: 3 }),
        (sample, edits) => {
          let document = sample;
          for (const [at, length, text] of edits) document = document.slice(0, at) + text + document.slice(at + length);
          expect([null, parseXml(document)]).toContainEqual(readPlainXml(document));
        },
      ),
      { numRuns: 5_000 },
    );
  });
});
