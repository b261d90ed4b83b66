import { SAMPLE_DETAIL } from '../../support/contract-samples.ts';
import type { RestReply, RestServiceOptions } from '../../support/rest-service.ts';

const OTHER_TASK_ID = '11111111-2222-4333-8444-555555555555';
const names = Array.from({ length: 200_000 }, (_, number) => `"name${number}":0`).join(',');
const attributes = Array.from({ length: 200_000 }, (_, number) => `a${number}="0"`).join(' ');

/** Answers that no create may succeed with: too large, for another request, or unreadable. Null closes the connection. */
export const HOSTILE_ANSWERS: readonly (RestReply | null)[] = [
  toReply(`{"Error":null,"ResponseData":{"Detail":[${'1,'.repeat(2_000_000)}1]}}`),
  toReply(`{"Error":null,"ResponseData":{"Detail":{${names}}}}`),
  toReply(`<ResponseData ${attributes}/>`, 'application/xml'),
  toReply(`{"Error":null,"ResponseData":{"Detail":${JSON.stringify({ ...SAMPLE_DETAIL, TaskID: OTHER_TASK_ID })}}}`),
  toReply('<html>'.repeat(100_000), 'text/html'),
  toReply('['.repeat(1_000_000)),
  null,
];

/** Makes a service answer one caller's creates with these answers in turn. */
export function answerWithHostility(authorization: string): NonNullable<RestServiceOptions['answer']> {
  let count = 0;
  return ({ headers }) => {
    if (headers.authorization !== authorization) return null;
    const answer = HOSTILE_ANSWERS[count % HOSTILE_ANSWERS.length];
    count += 1;
    if (!answer) throw new Error('The service closes the connection.');
    return answer;
  };
}

function toReply(body: string, type = 'application/json'): RestReply {
  return { status: 200, headers: { 'Content-Type': type }, body };
}
