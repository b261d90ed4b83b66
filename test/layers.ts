import { posix } from 'node:path';
import { parseAst } from 'vitest/node';

/** Source texts by their path from the project's root, `src/wire/json.ts`. */
export type SourceFiles = ReadonlyMap<string, string>;

interface Allowed {
  readonly layers: readonly string[];
  readonly packages: readonly string[];
}

/** Lower layers that nearly every room may import. */
const BASE = ['contract', 'event-loop', 'telemetry', 'wire'];

/** The rooms and packages that each room may import besides itself. A new room or package is a line here; no file is exempt. */
const LAYERS: Readonly<Record<string, Allowed>> = {
  contract: { layers: [], packages: [] },
  /** Runs in browsers and without dependencies, so it imports nothing. */
  client: { layers: [], packages: [] },
  'event-loop': { layers: [], packages: ['node:async_hooks'] },
  wire: {
    layers: ['contract', 'event-loop'],
    packages: ['fast-xml-parser', 'saxes', 'node:buffer', 'node:util', 'node:zlib'],
  },
  telemetry: {
    layers: ['contract', 'event-loop'],
    packages: ['pino', 'pino-pretty', 'prom-client', '@opentelemetry/*', 'node:*'],
  },
  upstream: { layers: ['contract', 'event-loop', 'wire'], packages: ['undici', 'node:*'] },
  store: { layers: ['contract', 'event-loop'], packages: ['pg', 'uuid', 'node:*'] },
  schema: { layers: ['contract'], packages: ['@pothos/*', 'graphql', 'dataloader', 'node:crypto'] },
  http: { layers: ['contract', 'event-loop', 'telemetry'], packages: ['node:*'] },
  auth: { layers: [...BASE, 'http'], packages: ['jose', 'node:*'] },
  rest: { layers: ['contract', 'telemetry', 'wire', 'http', 'auth'], packages: [] },
  graphql: {
    layers: [...BASE, 'http', 'auth', 'schema'],
    packages: ['graphql-yoga', '@graphql-yoga/render-graphiql', 'graphql', 'node:*'],
  },
  app: {
    layers: [...BASE, 'upstream', 'store', 'schema', 'http', 'auth', 'rest', 'graphql'],
    packages: ['node:*'],
  },
  commands: {
    layers: [...BASE, 'upstream', 'store', 'schema', 'auth', 'app'],
    packages: ['graphql', 'node:*'],
  },
  cluster: { layers: ['event-loop', 'telemetry', 'app'], packages: ['prom-client', 'node:*'] },
  cli: { layers: ['contract', 'schema', 'rest', 'app', 'commands', 'cluster'], packages: ['node:*'] },
};

/** The one file that may touch the process it runs in, and the layer that may ask it for a tick. */
const PROCESS_OWNER = 'src/cli.ts';
const TICKING_LAYER = 'event-loop';
/** Builtins that reach around the table: the process by import, and modules by a `require` that this check cannot see. */
const EVASIONS: ReadonlySet<string> = new Set(['node:process', 'node:module']);
const DRAWERS = new Set(['index', 'utils', 'util', 'helpers', 'helper', 'common', 'shared', 'misc', 'types']);

/** The rooms of src/, with cli.ts as the one that it is alone. */
export const ROOMS: readonly string[] = Object.keys(LAYERS);

/** Every breach of the layers and of the house rules for source files, as `path: what is wrong`. */
export function layerProblems(files: SourceFiles): readonly string[] {
  return [...files].flatMap(([path, text]) => {
    if (!path.endsWith('.ts')) return [`${path}: is not TypeScript`];
    const { specifiers, processUses, defaultExports } = readFacts(text);
    const mayUseProcess = path === PROCESS_OWNER || toLayer(path) === TICKING_LAYER;
    const problems = [
      ...nameProblems(path),
      ...specifiers.flatMap((specifier) => importProblem(path, specifier)),
      ...Array<string>(mayUseProcess ? 0 : processUses).fill(`touches process: ${PROCESS_OWNER} does`),
      ...Array<string>(defaultExports).fill('has a default export'),
    ];
    return problems.map((problem) => `${path}: ${problem}`);
  });
}

/** Finds each cycle of imports, as `a.ts → b.ts → a.ts`; types and `import()` count. */
export function findCycles(files: SourceFiles): readonly string[] {
  const imports = new Map([...files].map(([path, text]) => [path, toRelativeImports(path, text)]));
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): readonly string[] => {
    if (trail.includes(path)) return [[...trail.slice(trail.indexOf(path)), path].join(' → ')];
    if (done.has(path)) return [];
    const cycles = (imports.get(path) ?? []).flatMap((target) => visit(target, [...trail, path]));
    done.add(path);
    return cycles;
  };
  return [...files.keys()].flatMap((path) => visit(path, []));
}

/** Finds each file name and exported name that two source files have, as `name: a.ts, b.ts`. */
export function findSharedNames(files: SourceFiles): readonly string[] {
  const names = [...files].flatMap(([path, text]) =>
    [posix.basename(path), ...toExportedNames(text)].map((name) => ({ name, path })),
  );
  return [...Map.groupBy(names, ({ name }) => name)]
    .filter(([, uses]) => uses.length > 1)
    .map(([name, uses]) => `${name}: ${uses.map(({ path }) => path).join(', ')}`);
}

function toExportedNames(text: string): readonly string[] {
  return [...text.matchAll(/^export (?:async )?(?:function\*?|const|class|interface|type) (\w+)/gm)].map(
    ([, name = '']) => name,
  );
}

/** Returns the paths of the source files that a file imports in any way. */
export function toRelativeImports(path: string, text: string): readonly string[] {
  return readFacts(text).specifiers.flatMap((specifier) =>
    specifier?.startsWith('.') ? [posix.join(posix.dirname(path), specifier)] : [],
  );
}

/** Returns the room of a file, as `wire` for `src/wire/json.ts`; empty for a path outside all rooms. */
function toLayer(path: string): string {
  if (path === PROCESS_OWNER) return 'cli';
  const [, name = ''] = /^src\/([^/.]+)\/.+\.ts$/.exec(path) ?? [];
  return name !== 'cli' && Object.hasOwn(LAYERS, name) ? name : '';
}

function nameProblems(path: string): readonly string[] {
  const name = posix.basename(path, '.ts');
  return [
    ...(toLayer(path) ? [] : ['belongs to no layer']),
    ...(DRAWERS.has(name) ? [`is called ${name}, which says nothing`] : []),
    ...(/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name) ? [] : ['is not named in kebab-case']),
  ];
}

function importProblem(path: string, specifier: string | null): readonly string[] {
  if (specifier === null) return ['imports something named only when it runs'];
  const layer = toLayer(path);
  const allowed = LAYERS[layer] ?? { layers: [], packages: [] };
  if (specifier.startsWith('.')) {
    const target = toLayer(posix.join(posix.dirname(path), specifier));
    return (target && target === layer) || allows(allowed.layers, target)
      ? []
      : [`imports ${specifier}, above or beside its layer`];
  }
  const name = specifier.startsWith('node:') ? specifier : toPackage(specifier);
  const isEvasion = EVASIONS.has(name) && path !== PROCESS_OWNER;
  return allows(allowed.packages, name) && !isEvasion ? [] : [`imports ${specifier}, which is not for this layer`];
}

function toPackage(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function allows(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) && name !== '' : pattern === name,
  );
}

/** The facts that the checks read from a parsed file. */
interface SourceFacts {
  /** One per import in any form; null if it is an expression. */
  readonly specifiers: readonly (string | null)[];
  readonly processUses: number;
  readonly defaultExports: number;
}

/** Several checks read the same files, and parsing takes most of their time. */
const factsByText = new Map<string, SourceFacts>();

function readFacts(text: string): SourceFacts {
  const known = factsByText.get(text);
  if (known) return known;
  const nodes = collectNodes(parseAst(text, { lang: 'ts', astType: 'ts' }));
  const facts = {
    specifiers: nodes.flatMap(toSpecifier),
    processUses: nodes.filter(touchesProcess).length,
    defaultExports: nodes.filter(isDefaultExport).length,
  };
  factsByText.set(text, facts);
  return facts;
}

/** A node of the parsed source: whatever of an ESTree node this check looks at. */
interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

/** Adds a node and those below it to `nodes`, and returns them. */
function collectNodes(value: unknown, nodes: Node[] = []): readonly Node[] {
  if (Array.isArray(value)) for (const item of value) collectNodes(item, nodes);
  if (!isNode(value)) return nodes;
  nodes.push(value);
  for (const key in value) if (!isPlainName(value, key)) collectNodes(value[key], nodes);
  return nodes;
}

/** True where an identifier only names a member: `.process` or `{ process: … }`. */
function isPlainName(node: Node, key: string): boolean {
  return (key === 'property' || key === 'key') && node['computed'] !== true && isNode(node[key]);
}

/** Returns the specifier that a node imports, null for one that is an expression, or nothing. */
function toSpecifier(node: Node): readonly (string | null)[] {
  if (node.type === 'CallExpression' && isIdentifier(node['callee'], 'require')) return [null];
  const source = node.type === 'TSExternalModuleReference' ? node['expression'] : node['source'];
  if (!isNode(source)) return [];
  return [source.type === 'Literal' ? String(source['value']) : null];
}

function touchesProcess(node: Node): boolean {
  if (node.type !== 'MemberExpression') return isIdentifier(node, 'process');
  const { object, property } = node;
  const isNamed = isIdentifier(property, 'process') || (isNode(property) && property['value'] === 'process');
  return isNamed && (isIdentifier(object, 'globalThis') || isIdentifier(object, 'global'));
}

function isDefaultExport(node: Node): boolean {
  return (
    node.type === 'ExportDefaultDeclaration' ||
    (node.type === 'ExportSpecifier' && isIdentifier(node['exported'], 'default'))
  );
}

function isIdentifier(value: unknown, name: string): boolean {
  return isNode(value) && value.type === 'Identifier' && value['name'] === name;
}
