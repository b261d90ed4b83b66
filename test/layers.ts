import { posix } from 'node:path';
import { parseAst } from 'vitest/node';

/** Source texts by their path from the project's root, `src/wire/json.ts`. */
export type SourceFiles = ReadonlyMap<string, string>;

interface Allowed {
  readonly layers: readonly string[];
  readonly packages: readonly string[];
}

const EVERYTHING = ['*'];

/** What each layer may import besides itself: the design's picture as a table. A new layer or package is a line here. */
const LAYERS: Readonly<Record<string, Allowed>> = {
  contract: { layers: [], packages: [] },
  'event-loop': { layers: [], packages: [] },
  wire: { layers: ['contract'], packages: ['fast-xml-parser', 'saxes', 'node:buffer', 'node:util', 'node:zlib'] },
  upstream: { layers: ['contract', 'event-loop', 'wire'], packages: ['undici', 'node:*'] },
  store: { layers: ['contract', 'event-loop'], packages: ['pg', 'uuid', 'node:*'] },
  schema: { layers: ['contract'], packages: ['@apollo/subgraph', '@pothos/*', 'graphql', 'dataloader'] },
  rest: { layers: ['contract', 'wire'], packages: [] },
  server: {
    layers: ['contract', 'event-loop', 'wire', 'schema', 'rest'],
    packages: [
      'graphql-yoga',
      '@graphql-yoga/render-graphiql',
      'graphql',
      'pino',
      'pino-pretty',
      'prom-client',
      '@opentelemetry/*',
      'jose',
      'node:*',
    ],
  },
  doctor: {
    layers: ['config', 'contract', 'upstream', 'store', 'server', 'wire'],
    packages: ['undici', 'pg', 'jose', 'node:*'],
  },
  config: { layers: ['contract'], packages: [] },
  cli: { layers: EVERYTHING, packages: EVERYTHING },
};

/** What cli.ts is made of: files beside it that wire the parts, and nothing else imports. */
const WIRING: ReadonlySet<string> = new Set([
  'src/administration.ts',
  'src/backend.ts',
  'src/curl-command.ts',
  'src/demo.ts',
  'src/embedded-gateway.ts',
  'src/explain.ts',
  'src/explained-creates.ts',
  'src/gateway.ts',
  'src/heartbeat.ts',
  'src/observers.ts',
  'src/restart-delays.ts',
  'src/serving.ts',
  'src/supervised-worker.ts',
  'src/supervisor.ts',
  'src/upstream-backend.ts',
  'src/worker.ts',
  'src/young-objects.ts',
  'src/worker-messages.ts',
]);
/** What config.ts reads values with. */
const CONFIG_VALUES = 'src/config-values.ts';
/** The one file that may touch the process it runs in, and the layer that may ask it for a tick. */
const PROCESS_OWNER = 'src/cli.ts';
const TICKING_LAYER = 'event-loop';
/** Builtins that reach around the table: the process by import, and modules by a `require` that this check cannot see. */
const EVASIONS: ReadonlySet<string> = new Set(['node:process', 'node:module']);
/** What operators take as it is: settings and words, no code. */
const OPERATIONS_FILE = /^src\/operations\/[\w.-]+\.(?:json|yml|md|conf)$/;
const DRAWERS = new Set(['index', 'utils', 'util', 'helpers', 'helper', 'common', 'shared', 'misc', 'types']);

/** Every breach of the layers and of the house rules for source files, as `path: what is wrong`. */
export function layerProblems(files: SourceFiles): readonly string[] {
  return [...files].flatMap(([path, text]) => {
    if (OPERATIONS_FILE.test(path)) return [];
    if (!path.endsWith('.ts')) return [`${path}: is not TypeScript`];
    const nodes = [...walk(parseAst(text, { lang: 'ts', astType: 'ts' }))];
    const problems = [
      ...nameProblems(path),
      ...nodes.flatMap(toSpecifier).flatMap((specifier) => importProblem(path, specifier)),
      ...(path === PROCESS_OWNER || toLayer(path) === TICKING_LAYER
        ? []
        : nodes.filter(touchesProcess).map(() => `touches process: ${PROCESS_OWNER} does`)),
      ...nodes.filter(isDefaultExport).map(() => 'has a default export'),
    ];
    return problems.map((problem) => `${path}: ${problem}`);
  });
}

/** `src/wire/json.ts` is of the layer wire, `src/config.ts` of the layer config; empty for a path of no layer. */
function toLayer(path: string): string {
  const [, name = ''] = /^src\/([^/.]+)(?:\/.+)?\.ts$/.exec(path) ?? [];
  if (WIRING.has(path)) return 'cli';
  if (path === CONFIG_VALUES) return 'config';
  return Object.hasOwn(LAYERS, name) ? name : '';
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

/** A node of the parsed source: whatever of an ESTree node this check looks at. */
interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

function* walk(value: unknown): Generator<Node> {
  if (Array.isArray(value)) for (const item of value) yield* walk(item);
  if (!isNode(value)) return;
  yield value;
  for (const [key, child] of Object.entries(value)) if (!isPlainName(value, key)) yield* walk(child);
}

/** True where an identifier only names a member: `.process` or `{ process: … }`. */
function isPlainName(node: Node, key: string): boolean {
  return (key === 'property' || key === 'key') && node['computed'] !== true && isNode(node[key]);
}

/** What a node imports: nothing, one specifier, or null where that is an expression. */
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
