import type { NewAccountTask } from '../../src/contract/account-task.ts';
import { DEFAULT_FREQUENCIES, DEFAULT_NOTIFICATIONS, type EnumTables } from '../../src/contract/enums.ts';
import type { AnswerEnvelope } from '../../src/wire/codec.ts';

export const TABLES: EnumTables = { frequencies: DEFAULT_FREQUENCIES, notifications: DEFAULT_NOTIFICATIONS };

/** The request of the contract's sample. */
export const TASK: NewAccountTask = {
  TaskID: '86cb791c-8078-41ae-a045-5dded04c9589',
  Frequency: 'NONE',
  StartDate: '2026-02-22T04:10:00.9543747+00:00',
  FinishDate: '2026-02-22T04:10:00.9543747+00:00',
  Parameters: 'sample string 3',
  ContentType: 'application/json',
  Notification: 'NONE',
};

/** The Detail of the contract's sample. */
export const DETAIL = {
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

export function answerWith(detail: Readonly<Record<string, unknown>>): AnswerEnvelope {
  return {
    Error: null,
    ResponseData: {
      Identification: { UserId: 'sample string 1' },
      Result: 'sample string 1',
      Detail: { ...DETAIL, ...detail },
    },
  };
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function utf16(text: string, order: 'little' | 'big', bom: boolean): Uint8Array {
  const bytes = Buffer.from(bom ? `\uFEFF${text}` : text, 'utf16le');
  return order === 'little' ? bytes : bytes.swap16();
}
