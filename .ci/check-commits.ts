import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

// `check-commits.ts [BASE]` checks the subjects of the new commits: those since BASE, where that is known, or since the
// branch left main, or since the last tag. It checks none where the history has none of these, as in a shallow clone.

const MAX_LENGTH = 72;
const FORM = /^[a-z\d][a-z\d/.-]*: [a-z].*[^.\s]$/;
const NOT_IMPERATIVE = /^[a-z]+(?:ed|ing)$/;
const IMPERATIVE = new Set(['bring', 'embed', 'exceed', 'feed', 'need', 'ping', 'proceed', 'seed', 'speed', 'succeed']);

/** Returns what is wrong with a commit's subject; null if it has the form of this project. */
export function findSubjectProblem(subject: string): string | null {
  const length = Array.from(subject).length;
  if (length > MAX_LENGTH) return `is ${length} characters long; ${MAX_LENGTH} are allowed`;
  if (!FORM.test(subject)) return 'is not of the form "area: imperative summary", in lower case and without a full stop';
  const [verb = ''] = subject.slice(subject.indexOf(': ') + 2).split(' ');
  if (NOT_IMPERATIVE.test(verb) && !IMPERATIVE.has(verb)) return `does not begin with an imperative: "${verb}"`;
  return null;
}

/** Returns every breach among the new commits of the repository in this folder, one line for each. */
export function checkNewCommits(folder: string, candidates: readonly string[]): readonly string[] {
  const git = (...args: readonly string[]): string | null => {
    try {
      return execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    } catch {
      // No git, no repository, or a history that ends before the base.
      return null;
    }
  };
  const head = git('rev-parse', 'HEAD');
  const forks = candidates.map((name) => git('merge-base', name, 'HEAD')).filter((fork) => fork !== head);
  const base = forks.find((fork) => fork !== null) ?? git('describe', '--tags', '--abbrev=0');
  if (base === null) return [];
  const log = git('log', '--no-merges', '--format=%h %s', `${base}..HEAD`) ?? '';
  return log.split('\n').flatMap((line) => {
    const [hash = '', ...words] = line.split(' ');
    const problem = line === '' ? null : findSubjectProblem(words.join(' '));
    return problem === null ? [] : [`${hash} "${words.join(' ')}" ${problem}`];
  });
}

if (import.meta.main) {
  const [base = ''] = process.argv.slice(2);
  const target = process.env['GITHUB_BASE_REF'];
  const names = [base, process.env['COMMITS_SINCE'], target && `origin/${target}`, 'origin/main', 'main'];
  const problems = checkNewCommits(
    fileURLToPath(new URL('..', import.meta.url)),
    names.flatMap((name) => name || []),
  );
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
