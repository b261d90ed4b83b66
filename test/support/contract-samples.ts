import type { NewAccountTask } from '../../src/contract/account-task.ts';
import { DEFAULT_FREQUENCIES, DEFAULT_NOTIFICATIONS, type EnumTables } from '../../src/contract/enums.ts';
import type { AnswerEnvelope } from '../../src/wire/codec.ts';

export const TABLES: EnumTables = { frequencies: DEFAULT_FREQUENCIES, notifications: DEFAULT_NOTIFICATIONS };

/** The request sample of the contract. */
export const TASK: NewAccountTask = {
  TaskID: '86cb791c-8078-41ae-a045-5dded04c9589',
  Frequency: 'NONE',
  StartDate: '2026-02-22T04:10:00.9543747+00:00',
  FinishDate: '2026-02-22T04:10:00.9543747+00:00',
  Parameters: 'sample string 3',
  ContentType: 'application/json',
  Notification: 'NONE',
};

/** The Detail of the contract's response sample, in which every field has a value. */
export const SAMPLE_DETAIL = {
  ID: '38706cb9-d3c5-4ec9-80f7-97a5373b2de5',
  TaskID: '354a976f-8347-477b-9c1e-bb365812151b',
  Name: 'sample string 3',
  Enabled: true,
  Frequency: 'sample string 5',
  StartDate: '2026-02-22T04:10:00.9620006+00:00',
  FinishDate: '2026-02-22T04:10:00.9620006+00:00',
  Parameters: 'sample string 7',
  ContentType: 'sample string 8',
  Notification: 'sample string 9',
  DateCreated: '2026-02-22T04:10:00.9620006+00:00',
  DateModified: '2026-02-22T04:10:00.9620006+00:00',
  LastRunOn: '2026-02-22T04:10:00.9620006+00:00',
  LastRunBy: 'sample string 11',
  LastModifiedBy: 'sample string 12',
  Status: 'sample string 13',
  ClientID: 'b83dfa0d-57bb-4efc-91d0-1a2f4f394d65',
} as const;

/** The contract's response sample with some fields of its Detail replaced. */
export function answerWith(detail: Readonly<Record<string, unknown>>): AnswerEnvelope {
  return {
    Error: null,
    ResponseData: {
      Identification: { UserId: 'sample string 1' },
      Result: 'sample string 1',
      Detail: { ...SAMPLE_DETAIL, ...detail },
    },
  };
}
