import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { checkNewCommits, findSubjectProblem } from '../../.ci/check-commits.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const LONG = `wire: ${'x'.repeat(67)}`;

/** Makes a repository of empty commits, on main and then on a branch. */
function createRepository(onMain: readonly string[], onBranch: readonly string[]) {
  const folder = temporaryFolder();
  const git = (...args: readonly string[]): void => {
    const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.com', '-c', 'commit.gpgsign=false'];
    execFileSync('git', ['-C', folder, ...identity, ...args], { stdio: 'pipe' });
  };
  const commit = (subject: string): void => git('commit', '--allow-empty', '--no-verify', '-m', subject);
  git('init', '--initial-branch=main');
  onMain.forEach(commit);
  git('checkout', '-b', 'topic');
  onBranch.forEach(commit);
  return { folder, git };
}

test.each([
  'wire: reject non-XML whitespace around the root',
  'store/sql: embed the clock',
  'e2e: start every process from one bundle',
  `wire: ${'ü'.repeat(66).replace('ü', 'u')}`,
])('accepts the subject %j', (subject) => {
  expect(findSubjectProblem(subject)).toBeNull();
});

test.each([
  ['Reject whitespace', 'is not of the form'],
  ['wire: Reject whitespace', 'is not of the form'],
  ['wire:reject whitespace', 'is not of the form'],
  ['wire: reject whitespace.', 'is not of the form'],
  ['fixup! wire: reject whitespace', 'is not of the form'],
  ['wire: rejected whitespace', 'does not begin with an imperative'],
  ['wire: rejecting whitespace', 'does not begin with an imperative'],
  [LONG, 'is 73 characters long'],
])('refuses the subject %j, because it %s', (subject, problem) => {
  expect(findSubjectProblem(subject)).toContain(problem);
});

test('checks the commits since the branch left main, and not those before', () => {
  const { folder } = createRepository(['Initial commit'], ['wire: read blanks', LONG]);
  expect(checkNewCommits(folder, ['main'])).toEqual([expect.stringMatching(/^[\da-f]+ "wire: x+" is 73 characters/)]);
});

test('checks the commits since the last tag where the branch is main', () => {
  const { folder, git } = createRepository(['Initial commit'], []);
  git('tag', 'v1');
  git('commit', '--allow-empty', '-m', 'Second commit');
  expect(checkNewCommits(folder, ['topic', 'unknown'])).toEqual([expect.stringContaining('"Second commit" is not')]);
});

test('checks nothing where the history has no base, is shallow, or is missing', () => {
  const { folder } = createRepository(['Initial commit', 'Second commit'], []);
  expect(checkNewCommits(folder, ['topic', 'origin/main'])).toEqual([]);
  const shallow = temporaryFolder();
  execFileSync('git', ['clone', '--depth=1', `file://${folder}`, shallow], { stdio: 'pipe' });
  expect(checkNewCommits(shallow, ['0000000000000000000000000000000000000000', 'origin/main'])).toEqual([]);
  expect(checkNewCommits(temporaryFolder(), ['main'])).toEqual([]);
});
