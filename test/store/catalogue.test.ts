import { describe, expect, test } from 'vitest';
import { SAMPLE_TASK_ID } from '../../src/app/demo.ts';
import { sampleStore } from '../support/sample-account.ts';
import { DATABASES } from '../support/databases.ts';

const OTHER_ID = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b';

describe.each(DATABASES)('on %s', (kind) => {
  test('catalogue tasks are listed by name, with canonical IDs', async () => {
    const { store } = await sampleStore(kind);
    const added = await store.catalogue.add({ id: `{${OTHER_ID.toUpperCase()}}`, name: 'Archive' });
    expect(added).toEqual({ id: OTHER_ID, name: 'Archive' });
    expect(await store.catalogue.list()).toEqual([added, { id: SAMPLE_TASK_ID, name: 'Send the report' }]);
  });

  test.each([
    [
      'an ID in use',
      { id: SAMPLE_TASK_ID.toUpperCase(), name: 'Again' },
      'already in the catalogue as "Send the report"',
    ],
    ['an ID that is not a GUID', { id: '12', name: 'Archive' }, 'id: expected a GUID'],
    ['a blank name', { id: OTHER_ID, name: ' ' }, 'name: expected a name that is not blank'],
  ])('a catalogue task with %s is refused', async (_, task, message) => {
    const { store } = await sampleStore(kind);
    const failure = await store.catalogue.add(task).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'BAD_USER_INPUT', message: expect.stringContaining(message) });
    expect(await store.catalogue.list()).toHaveLength(1);
  });
});
