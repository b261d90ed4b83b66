import * as fc from 'fast-check';
import { SaxesParser } from 'saxes';
import { describe, expect, test } from 'vitest';
import { readPlainXml } from '../../src/wire/plain-xml.ts';
import { parseStrictly, parseXmlDocument, xmlProblem } from '../../src/wire/xml-document.ts';
import { texts } from '../support/wire-texts.ts';

const escape = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\r', '&#xD;');
const textOf = (document: string): unknown => {
  const root = parseXmlDocument(document);
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

describe('parseXmlDocument', () => {
  test.each(NOT_XML)('rejects %j', (text) => {
    expect(parseXmlDocument(text)).toEqual({
      problem: expect.stringMatching(/^is not well-formed XML \(line \d+, column \d+\)$/) as string,
    });
  });

  test.each(Object.entries(DOCTYPES))('rejects %s', (_, text) => {
    expect(parseXmlDocument(text)).toEqual({ problem: 'contains a DOCTYPE, which is not accepted' });
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
    expect(parseXmlDocument(text)).toEqual({ problem });
  });

  test('reads any number of elements side by side', () => {
    expect(parseXmlDocument(`<a>${'<b></b>'.repeat(100)}</a>`)).toHaveProperty('nodes.length', 100);
  });

  test('reads 64 levels', () => {
    expect(parseXmlDocument(`${'<a>'.repeat(64)}${'</a>'.repeat(64)}`)).toHaveProperty('name', 'a');
  });

  test.each([
    ['character references', '<a>&#65;&#x42;&#x1F600;&#0000000000000000000000000000000000000000067;</a>', 'AB😀C'],
    ['predefined entities', '<a>&lt;&gt;&amp;&quot;&apos;</a>', `<>&"'`],
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

  test.each(['toString', 'valueOf', 'hasOwnProperty', '__defineGetter__'])('keeps the name %s unchanged', (name) => {
    expect(parseXmlDocument(`<${name}/>`)).toHaveProperty('name', name);
  });

  test('reads the same text of a leaf as saxes does', () => {
    const pieces = fc.oneof(
      texts.map(escape),
      texts.filter((text) => !text.includes(']]>')).map((text) => `<![CDATA[${text}]]>`),
      fc.integer({ min: 0x20, max: 0xd7ff }).map((code) => `&#${code};`),
      fc.integer({ min: 0x10000, max: 0x10ffff }).map((code) => `&#x${code.toString(16)};`),
      fc.constantFrom('<!-- c -->', '\r\n', '\r', '&quot;', '&apos;'),
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
        const document = `<a>${parts.join('')}</a>`;
        let strict = '';
        const saxes = new SaxesParser();
        saxes.on('text', (text) => {
          strict += text;
        });
        saxes.on('cdata', (text) => {
          strict += text;
        });
        saxes.write(document).close();
        expect(textOf(document)).toBe(strict);
      }),
      { numRuns: 300 },
    );
  });
});

describe('parseStrictly', () => {
  const name = fc.constantFrom('a', 'b', 'x:c', 'toString', 'hasOwnProperty');
  const value = texts.map((text) => escape(text).replaceAll('"', '&quot;'));
  const attribute = fc.tuple(fc.constantFrom('k', 'xsi:nil', 'xmlns'), value);
  const { element } = fc.letrec<{ element: string }>((tie) => ({
    element: fc
      .tuple(
        name,
        fc.uniqueArray(attribute, { maxLength: 2, selector: ([key]) => key }),
        fc.array(fc.oneof({ maxDepth: 4 }, texts.map(escape), tie('element')), {
          maxLength: 4,
        }),
      )
      .map(([tag, attributes, content]) => {
        const start = [tag, ...attributes.map(([key, text]) => `${key}="${text}"`)].join(' ');
        return content.length === 0 ? `<${start} />` : `<${start}>${content.join('')}</${tag}>`;
      }),
  }));

  test('gives the same tree with saxes alone and with fast-xml-parser', () => {
    fc.assert(
      fc.property(element, (document) => {
        // A comment after the root changes nothing except which parser builds the tree.
        expect(parseStrictly(document)).toEqual(parseStrictly(`${document}<!-- -->`));
      }),
      { numRuns: 1_000 },
    );
  });
});

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
    expect([null, parseStrictly(document)]).toContainEqual(readPlainXml(document));
  });

  test('reads a document as services write it', () => {
    const document =
      '<?xml version="1.0"?>\n<a xmlns:xsi="b">\n  <c xsi:nil="true" />\n  <d>{"e":"f &amp; g"}</d>\n</a>';
    expect(readPlainXml(document)).toMatchObject({
      name: 'a',
      nodes: ['\n  ', { name: 'c' }, '\n  ', { name: 'd' }, '\n'],
    });
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
          expect([null, parseStrictly(document)]).toContainEqual(readPlainXml(document));
        },
      ),
      { numRuns: 5_000 },
    );
  });
});
