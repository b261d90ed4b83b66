import * as fc from 'fast-check';
import type { XmlElement, XmlNode } from '../../src/wire/xml-document.ts';
import { texts } from './wire-texts.ts';

/** A piece of a document and its meaning. */
type Piece = readonly [source: string, meaning: string];

const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const withReturns = (text: string) => escape(text).replaceAll('\r', '&#xD;');
const toAttribute = (text: string) => withReturns(text).replaceAll('\n', '&#xA;').replaceAll('\t', '&#x9;');
const isSection = (text: string) => !text.includes(']]>') && !text.includes('\r');

/** The pieces that serializers write without being asked, which the scanner must read. */
const usual: fc.Arbitrary<Piece> = fc.oneof(
  texts.filter((text) => !/[\u007F-\u009F]/.test(text)).map((text): Piece => [withReturns(text), text]),
  fc.constantFrom<Piece>(
    ['\r\n', '\n'],
    ['\rx', '\nx'],
    ['&quot;&apos;', `"'`],
    ['&#13;&#10;&#9;', '\r\n\t'],
    ['&#xD;&#xA;&#x9;', '\r\n\t'],
    ['&#8364;&#xE9;&amp;#65;', '€é&#65;'],
  ),
);
const unusual: fc.Arbitrary<Piece> = fc.oneof(
  texts.filter(isSection).map((text): Piece => [`<![CDATA[${text}]]>`, text]),
  texts.filter((text) => !text.includes('--')).map((text): Piece => [`<!--${text} -->`, '']),
  fc.integer({ min: 0x20, max: 0xd7ff }).map((code): Piece => [`&#00${code};`, String.fromCodePoint(code)]),
  fc
    .integer({ min: 0x10000, max: 0x10ffff })
    .map((code): Piece => [`&#x${code.toString(16)};`, String.fromCodePoint(code)]),
  fc.constantFrom<Piece>(
    ['<![CDATA[]]>', ''],
    ['<![CDATA[&#x110000;&amp;\r\n]]>', '&#x110000;&amp;\n'],
    [`<!-- <a b="' -->`, ''],
    ['\u0085', '\u0085'],
  ),
);

const usualNames = fc.constantFrom('a', 'b-1', 'x:c', 'toString', 'constructor', 'prototype', 'hasOwnProperty', 'text');
const unusualNames = fc.constantFrom('é', ':d', '_', '__defineGetter__', '\u{10000}');
const plainAttributes = fc.tuple(
  fc.constantFrom('k', 'xsi:nil', 'xmlns', 'xmlns:p', 'toString', 'constructor', '__proto__'),
  texts.map((text): Piece => [text, text]).filter(([text]) => !/["'&<>\r\n\t\u007F-\u009F]/.test(text)),
);
const otherAttributes = fc.tuple(
  fc.constantFrom('k', 'é', 'x:prototype'),
  fc
    .array(
      fc.oneof(
        texts.map((text): Piece => [toAttribute(text).replaceAll('"', '&quot;').replaceAll("'", '&apos;'), text]),
        fc.constantFrom<Piece>(['\n', ' '], ['\r\n', ' '], ['\rx', ' x'], ['\t', ' '], ['&#65;', 'A'], ['>/', '>/']),
      ),
      { maxLength: 3 },
    )
    .map((pieces): Piece => [pieces.map(([source]) => source).join(''), pieces.map(([, meaning]) => meaning).join('')]),
);

/** Generates documents with the root that a parser must return: only what serializers write, or anything that XML allows. */
export function documents(kind: 'usual' | 'any'): fc.Arbitrary<{ readonly text: string; readonly root: XmlElement }> {
  const pieces = kind === 'usual' ? usual : fc.oneof(usual, unusual);
  const names = kind === 'usual' ? usualNames : fc.oneof(usualNames, unusualNames);
  const attributes = kind === 'usual' ? plainAttributes : fc.oneof(plainAttributes, otherAttributes);
  type Source = { readonly text: string; readonly node: XmlNode };
  const { element } = fc.letrec<{ element: Source & { readonly node: XmlElement } }>((tie) => ({
    element: fc
      .record({
        name: names,
        given: fc.uniqueArray(attributes, { maxLength: 3, selector: ([name]) => name }),
        content: fc.array(
          fc.oneof(
            { maxDepth: 5, withCrossShrink: true },
            pieces.map(([text, node]): Source => ({ text, node })),
            tie('element'),
          ),
          { maxLength: 4 },
        ),
        isSelfClosing: fc.boolean(),
        quote: fc.constantFrom('"', "'"),
        blank: fc.constantFrom(' ', '\n', '\r\n\t'),
        equals: fc.constantFrom('=', kind === 'usual' ? '=' : ' =\n'),
      })
      .map(({ name, given, content, isSelfClosing, quote, blank, equals }) => {
        const tag = [name, ...given.map(([key, [text]]) => `${key}${equals}${quote}${text}${quote}`)].join(blank);
        const inner = content.map(({ text }) => text).join('');
        const end = kind === 'usual' ? '' : blank;
        return {
          text: inner === '' && isSelfClosing ? `<${tag}${blank}/>` : `<${tag}>${inner}</${name}${end}>`,
          node: {
            name,
            attributes: Object.fromEntries(given.map(([key, [, meaning]]) => [`@${key}`, meaning])),
            nodes: content.map(({ node }) => node),
          },
        };
      }),
  }));
  const prologs = ['', `<?xml version="1.0" encoding="utf-8"?>\r\n`, `<?xml version='1.0' standalone='yes' ?>`];
  const others = ['<?xml version = "1.0"?><!-- -->\n', '\uFEFF', '\n\t'];
  return fc
    .tuple(
      fc.constantFrom(...(kind === 'usual' ? prologs : [...prologs, ...others])),
      element,
      fc.constantFrom('', '\r\n', ...(kind === 'usual' ? [] : ['<!-- "<a>" -->'])),
    )
    .map(([prolog, { text, node }, end]) => ({ text: `${prolog}${text}${end}`, root: inOneText(node) }));
}

/** Joins the texts side by side in an element, since a parser may divide a text anywhere. */
export function inOneText({ nodes, ...element }: XmlElement): XmlElement {
  const joined: XmlNode[] = [];
  for (const node of nodes) {
    const last = joined.at(-1);
    if (typeof node !== 'string') joined.push(inOneText(node));
    else if (typeof last === 'string') joined[joined.length - 1] = last + node;
    else if (node !== '') joined.push(node);
  }
  return { ...element, nodes: joined };
}
