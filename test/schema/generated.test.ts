import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { buildSchema, type DocumentNode, parse, print, validate } from 'graphql';
import { describe, expect, expectTypeOf, test } from 'vitest';
import * as generated from '../../src/client/generated/documents.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CODEGEN = fileURLToPath(new URL('../../node_modules/.bin/graphql-codegen', import.meta.url));
const SCHEMA = readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8');
const MANIFEST = readFileSync(new URL('../../trusted-documents.json', import.meta.url), 'utf8');

test('schema.graphql, the typed operations and their manifest are up to date with the code generator', async () => {
  // Node itself reads codegen.ts and what it imports; jiti would translate all of it first.
  const env = { ...process.env, JITI_TRY_NATIVE: 'true' };
  // --check compares and writes nothing.
  const check = promisify(execFile)(process.execPath, [CODEGEN, '--check', '--errors-only'], { cwd: ROOT, env });
  const stale = await check.then(
    () => null,
    ({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }) => `${stdout}${stderr}`,
  );
  expect(stale, 'run npm run codegen').toBeNull();
});

describe('the manifest of trusted documents', () => {
  const texts = JSON.parse(MANIFEST) as Readonly<Record<string, string>>;

  test('uses the SHA-256 of each text as its name', () => {
    const hashes = Object.values(texts).map((text) => createHash('sha256').update(text).digest('hex'));
    expect(Object.keys(texts)).toEqual(hashes);
  });

  test('contains every typed operation under its own hash', () => {
    const operations = Object.values<unknown>(generated).filter(isOperation);
    const trusted = operations.map(({ __meta__: { hash } }) => texts[hash] ?? '');
    expect(trusted.map(words)).toEqual(operations.map((document) => words(print(document))));
    expect(operations).toHaveLength(Object.keys(texts).length);
    expect(operations).not.toHaveLength(0);
  });

  test('contains only documents that the schema accepts', () => {
    const schema = buildSchema(SCHEMA, { assumeValidSDL: true });
    expect(Object.values(texts).flatMap((text) => validate(schema, parse(text)))).toEqual([]);
  });
});

test('a DateTime is a string in the typed operations, so that no digit is lost', () => {
  // Checked by tsc, not at run time.
  type Given = generated.CreateAccountTaskInput['startDate'];
  type Received = generated.AccountTaskFieldsFragment['dateCreated'];
  expectTypeOf<Given>().toEqualTypeOf<string | null | undefined>();
  expectTypeOf<Received>().toEqualTypeOf<string | null>();
});

type Operation = DocumentNode & { readonly __meta__: { readonly hash: string } };

function isOperation(value: unknown): value is Operation {
  return typeof value === 'object' && value !== null && '__meta__' in value;
}

/** The sorted words of a document, because the manifest sorts fields that stand side by side. */
function words(text: string): readonly string[] {
  return (text.match(/\w+/g) ?? []).toSorted();
}
