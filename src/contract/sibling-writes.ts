import type { AccountTask, CreatedAccountTask, NewAccountTask } from './account-task.ts';
import type { JsonObject } from './json-value.ts';

/** AccountTaskUpdateRequest for one registered task. The update replaces every field. */
export interface TaskUpdate {
  /** The ID of the registered task: hyphenated, lower-case. */
  readonly id: string;
  readonly enabled: boolean;
  readonly task: NewAccountTask;
  /** The DateModified that the task must have, exact to 100 ns; null to update it in any case. */
  readonly ifModified: string | null;
}

/** The result of an update. */
export interface UpdatedAccountTask extends Pick<CreatedAccountTask, 'Identification' | 'Result'> {
  /** Null if the service's answer does not show the task; what it contains is not documented. */
  readonly accountTask: AccountTask | null;
}

/** A registered task to run now. */
export interface RunOrder {
  /** The ID of the registered task: hyphenated, lower-case. */
  readonly id: string;
}

/** The result of a run that was started. */
export type StartedRun = Pick<CreatedAccountTask, 'Identification' | 'Result' | 'replayed'>;

/** ClientRequest: a client to add, already validated. */
export interface ClientOrder {
  /** 1 to 18 characters. */
  readonly Name: string;
  /** The account: hyphenated, lower-case. */
  readonly UserID: string;
  /** At most 50 characters; null to have one made. */
  readonly Secret: string | null;
}

/** The result of adding a client. */
export interface CreatedClient {
  /** Hyphenated, lower-case. */
  readonly ID: string;
  readonly Name: string | null;
  /** Shown only here. The one that was sent if the service did not return it; null if there is neither. */
  readonly Secret: string | null;
  /** The Detail exactly as returned, unknown fields included. */
  readonly detail: JsonObject;
}
