import { badInput } from '../contract/failure.ts';
import { GUID_FORMS, parseGuid } from '../contract/text-formats.ts';
import type { Database } from './sql/database.ts';

/** A task that may be registered on an account; its `id` is the contract's TaskID. */
export type CatalogueTask = {
  readonly id: string;
  readonly name: string;
};

export type Catalogue = ReturnType<typeof createCatalogue>;

export function createCatalogue(database: Database) {
  return {
    /** Adds a task. @throws TaskFailure BAD_USER_INPUT for a blank name, an id that is not a GUID, or an id in use. */
    async add({ id, name }: CatalogueTask): Promise<CatalogueTask> {
      const guid = parseGuid(id);
      if (guid === null) throw badInput('id', `expected ${GUID_FORMS}, got "${id}"`);
      if (name.trim() === '') throw badInput('name', 'expected a name that is not blank');
      await database.transaction(async (transaction) => {
        const [existing] = await transaction.read<CatalogueTask>('SELECT id, name FROM catalogue WHERE id = ?1', [
          guid,
        ]);
        if (existing) throw badInput('id', `${guid} is already in the catalogue as "${existing.name}"`);
        await transaction.insert('catalogue', ['id', 'name'], [[guid, name]]);
      });
      return { id: guid, name };
    },
    /** Returns all tasks, ordered by name. */
    async list(): Promise<readonly CatalogueTask[]> {
      const tasks = await database.read<CatalogueTask>('SELECT id, name FROM catalogue ORDER BY name, id');
      return tasks.map(({ id, name }) => ({ id, name }));
    },
  };
}
