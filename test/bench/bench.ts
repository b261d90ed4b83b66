// npm run bench -- [upstream] [store] [growth] [start] [workers] [tracing] [files] [documents] [lists] [profile] [soak]; all but the last four, which take minutes, where none is named.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { documentsPart } from './documents-part.ts';
import { filesPart } from './files-part.ts';
import { growthPart } from './growth-part.ts';
import { listsPart } from './lists-part.ts';
import { profilePart } from './profile-part.ts';
import { soakPart } from './soak-part.ts';
import { startPart } from './start-part.ts';
import { storePart } from './store-part.ts';
import { tracingPart } from './tracing-part.ts';
import { upstreamPart } from './upstream-part.ts';
import { workersPart } from './workers-part.ts';

const PARTS: Readonly<Record<string, () => Promise<string>>> = {
  upstream: upstreamPart,
  store: storePart,
  growth: growthPart,
  start: startPart,
  workers: workersPart,
  tracing: tracingPart,
  files: filesPart,
  documents: documentsPart,
  lists: listsPart,
  profile: profilePart,
  soak: soakPart,
};
const TAKES_MINUTES: ReadonlySet<string> = new Set(['documents', 'lists', 'profile', 'soak']);
const RESULTS = 'test-results/bench.md';

const named = process.argv.slice(2);
const unknown = named.find((name) => !Object.hasOwn(PARTS, name));
if (unknown) throw new Error(`There is no part ${unknown}; there are ${Object.keys(PARTS).join(', ')}.`);

const model = cpus()[0]?.model ?? 'an unknown processor';
const sections = [
  `# Benchmark\n\nNode ${process.versions.node} on ${cpus().length} cores of ${model}, ${new Date().toISOString().slice(0, 10)}. ` +
    'Programs are loaded in turn in short slices by a load generator of its own (no wrk, no autocannon); a figure is the median ' +
    'over the rounds of its ratio in one round. Every answer is checked.',
];
for (const name of named.length > 0 ? named : Object.keys(PARTS).filter((part) => !TAKES_MINUTES.has(part))) {
  const section = (await PARTS[name]?.()) ?? '';
  sections.push(section);
  console.log(`${section}\n`);
}
mkdirSync('test-results', { recursive: true });
writeFileSync(RESULTS, `${sections.join('\n\n')}\n`);
console.log(`Written to ${RESULTS}.`);
