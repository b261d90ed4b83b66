import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseXml, xmlProblem } from '../../src/wire/xml-document.ts';
import { documents, inOneText } from '../support/xml-documents.ts';

const read = (text: string) => {
  const root = parseXml(text);
  return 'problem' in root ? root : inOneText(root);
};
const textOf = (document: string): unknown => {
  const root = parseXml(document);
  return 'problem' in root ? root : root.nodes.map((node) => (typeof node === 'string' ? node : node.name)).join('');
};

const BOMB = `<!DOCTYPE b [<!ENTITY a "${'x'.repeat(100)}">${Array.from(
  { length: 10 },
  (_, level) => `<!ENTITY a${level} "${`&a${level - 1 < 0 ? '' : level - 1};`.repeat(10)}">`,
).join('')}]><b>&a9;</b>`;

const DOCTYPES = {
  'a DOCTYPE': '<!DOCTYPE a><a/>',
  'an external DTD': '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
  'an external entity': '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
  'an entity bomb': BOMB,
};

const NOT_XML = [
  '',
  'x',
  '<a/><b/>',
  '<a>&foo;</a>',
  '<a>\u0001</a>',
  '<a>&#1;</a>',
  '<a>&#xD800;</a>',
  '<a/>x',
  '<a',
  '<a>',
  '<a></b>',
  '<a b=c/>',
  '<a b="1" b="2"/>',
  '<a b="<"/>',
  '<a>&</a>',
  '<a>]]></a>',
  '<a><![CDATA[x</a>',
  '<a><!-- x -- y --></a>',
  '<1/>',
  '<html><br></html>',
];

describe('xmlProblem', () => {
  test.each([
    '<a/>',
    '<?xml version="1.0" encoding="utf-16"?>\r\n<a b="1">x<!-- y --><c/><![CDATA[<!DOCTYPE z>]]></a>\n',
    '<a>&lt;!DOCTYPE z&gt;&#65;&#x41;</a>',
    '<?xml-stylesheet href="a.xsl"?><a/>',
  ])('accepts %s', (text) => {
    expect(xmlProblem(text)).toBeNull();
  });

  test('accepts deep nesting', () => {
    expect(xmlProblem(`${'<a>'.repeat(10_000)}${'</a>'.repeat(10_000)}`)).toBeNull();
  });

  test.each(NOT_XML)('rejects %j', (text) => {
    expect(xmlProblem(text)).toMatch(/^.+ \(line \d+, column \d+\)$/);
  });

  test('says what is wrong and where', () => {
    expect(xmlProblem('<a>\n<b></a>')).toBe('unexpected close tag (line 2, column 7)');
  });

  test.each([
    ['<a hunter2="" hunter2=""/>', 'duplicate attribute (line 1, column 26)'],
    ['<a></a></hunter2>', 'unmatched closing tag (line 1, column 17)'],
    ['<hunter2>', 'unclosed tag (line 1, column 9)'],
    ['<a>&hunter2;</a>', 'undefined entity (line 1, column 12)'],
  ])('quotes nothing of %s', (text, problem) => {
    expect(xmlProblem(text)).toBe(problem);
  });

  test.each(Object.entries(DOCTYPES))('rejects %s', (_, text) => {
    expect(xmlProblem(text)).toMatch(/^a DOCTYPE is not accepted \(line 1, column \d+\)$/);
  });
});

describe('parseXml', () => {
  test.each(NOT_XML)('rejects %j', (text) => {
    expect(parseXml(text)).toEqual({
      problem: expect.stringMatching(/^is not well-formed XML \(line \d+, column \d+\)$/) as string,
    });
  });

  test.each(Object.entries(DOCTYPES))('rejects %s', (_, text) => {
    expect(parseXml(text)).toEqual({ problem: 'contains a DOCTYPE, which is not accepted' });
  });

  test.each([
    ['XML 1.1', '<?xml version="1.1"?><a>&#1;</a>', 'is not XML 1.0'],
    [
      'a processing instruction',
      "<a><?p '?><b/><?p '?></a>",
      'contains a processing instruction, which is not accepted',
    ],
    ['__proto__', '<a><__proto__/></a>', 'contains the name __proto__, which is not accepted'],
    ['a prefixed __proto__', '<a><x:__proto__/></a>', 'contains the name __proto__, which is not accepted'],
    ['65 levels', `${'<a>'.repeat(65)}${'</a>'.repeat(65)}`, 'is nested more than 64 levels deep'],
    ['unclosed levels', '<a>'.repeat(200_000), 'contains more than 10000 values'],
  ])('rejects %s', (_, text, problem) => {
    expect(parseXml(text)).toEqual({ problem });
  });

  test('reads any number of elements side by side', () => {
    expect(parseXml(`<a>${'<b></b>'.repeat(100)}</a>`)).toHaveProperty('nodes.length', 100);
  });

  test('reads 64 levels', () => {
    expect(parseXml(`${'<a>'.repeat(64)}${'</a>'.repeat(64)}`)).toHaveProperty('name', 'a');
  });

  test.each([
    ['character references', '<a>&#65;&#x42;&#x1F600;&#0000000000000000000000000000000000000000067;</a>', 'AB😀C'],
    ['predefined entities', '<a>&lt;&gt;&amp;&quot;&apos;</a>', `<>&"'`],
    ['references to an ampersand', '<a>&#38;lt;&#x26;amp;&#38;#65;</a>', '&lt;&amp;&#65;'],
    ['an escaped reference', '<a>&amp;#65;&amp;amp;</a>', '&#65;&amp;'],
    ['CDATA', '<a>x<![CDATA[&#65;<!DOCTYPE b>]]><![CDATA[]]>y</a>', 'x&#65;<!DOCTYPE b>y'],
    ['a comment in text', '<a>0<!-- < & -->0</a>', '00'],
    ['line ends', '<a>1\r\n2\r3&#xD;\n</a>', '1\n2\n3\r\n'],
    ['blanks', '<a>  0E68\t</a>', '  0E68\t'],
    ['only blanks', '<a> </a>', ' '],
    ['a closing tag with blanks', '<a\n>x</a\t>', 'x'],
  ])('reads %s', (_, document, text) => {
    expect(textOf(document)).toBe(text);
  });

  test.each(['toString', 'valueOf', 'hasOwnProperty', '__defineGetter__', 'constructor'])(
    'keeps the name %s unchanged',
    (name) => {
      expect(parseXml(`<${name}/>`)).toHaveProperty('name', name);
    },
  );

  test('reads every document that XML allows as it was meant', () => {
    fc.assert(
      fc.property(documents('any'), ({ text, root }) => {
        expect(read(text)).toEqual(root);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each(['\u1680', '\uFEFF'])('refuses names with %j, which fast-xml-parser would cut', (blank) => {
    const problem = 'contains a name with a blank, which is not accepted';
    expect(parseXml(`<a${blank}b/>`)).toEqual({ problem });
    expect(parseXml(`<a b${blank}c="1"/>`)).toEqual({ problem });
  });
});
