/** The documents of GraphiQL's tabs. Each runs as it stands and begins with a comment that says what to look at. */
import { randomUUID } from 'node:crypto';
import type { Config } from './config.ts';
import { SAMPLE_MUTATION, SAMPLE_TASK_ID, withSampleKey } from './demo.ts';

/** In no catalogue of the demo. */
const UNKNOWN_TASK_ID = '00000000-0000-4000-8000-000000000000';

const LIST = `# The newest first. Next page: pass \`endCursor\` as \`after\`.
query ListAccountTasks {
  accountTasks(first: 5) {
    edges {
      node {
        id
        name
        status
        parameters
        dateCreated
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`;

const SERVICE = `# The schema, as a router's composition reads it.
query FederationService {
  _service {
    sdl
  }
}
`;

/** Returns the tabs in their order. Those that provoke faults are there only where faults can be provoked. */
export function exampleTabs(config: Config): readonly string[] {
  const key = `demo-${randomUUID()}`;
  const lostKey = `demo-${randomUUID()}`;
  const keyed = `# The same key twice creates one task: compare the IDs.
mutation CreateOnceWithAKey {
  first: createAccountTask(
    idempotencyKey: "${key}"
    ${task(SAMPLE_TASK_ID)}
  ) {
    replayed
    accountTask { id dateCreated }
  }
  second: createAccountTask(
    idempotencyKey: "${key}"
    ${task(SAMPLE_TASK_ID)}
  ) {
    replayed
    accountTask { id dateCreated }
  }
}
`;
  const itemKey = (): string => (config.requiresIdempotencyKey ? `idempotencyKey: "${randomUUID()}", ` : '');
  const batch = `# Each create has a result of its own; the second fails.
mutation CreateABatch {
  createAccountTasks(inputs: [
    {
      ${itemKey()}${task(SAMPLE_TASK_ID, '      ')}
    }
    {
      ${itemKey()}${task(UNKNOWN_TASK_ID, '      ')}
    }
  ]) {
    ... on CreateAccountTaskPayload { accountTask { id name } }
    ... on CreateAccountTaskFailure { code outcome retryable message }
  }
}
`;
  const refused = `# A failure as data: look at \`outcome\`. There are no errors.
mutation FailureAsData {
  tryCreateAccountTask(
    ${itemKey()}${task(faultTaskId(422))}
  ) {
    ... on CreateAccountTaskPayload { accountTask { id } }
    ... on WriteFailure { code outcome retryable errorCode errorReason message requestId }
  }
}
`;
  const unknown = `# The first answer is lost; the repeat finds the task.
mutation UnknownOutcome {
  lost: tryCreateAccountTask(
    idempotencyKey: "${lostKey}"
    ${task(faultTaskId(504))}
  ) {
    ... on CreateAccountTaskPayload { replayed accountTask { id } }
    ... on WriteFailure { code outcome retryable message }
  }
  repeated: tryCreateAccountTask(
    idempotencyKey: "${lostKey}"
    ${task(faultTaskId(504))}
  ) {
    ... on CreateAccountTaskPayload { replayed accountTask { id } }
    ... on WriteFailure { code outcome retryable message }
  }
}
`;
  const outcome = `# What became of the create in the tab before (run that).
query WhatBecameOfIt {
  writeOutcome(idempotencyKey: "${lostKey}") {
    operation
    state
    accountTask { id name }
    failure { code message }
    firstTriedAt
    expiresAt
  }
}
`;
  const faults = config.faults ? [refused, unknown, outcome] : [];
  return [withSampleKey(SAMPLE_MUTATION, config), keyed, LIST, batch, ...faults, SERVICE];
}

/** The argument `input`, on lines of their own from the second on. */
function task(taskId: string, indent = '    '): string {
  const fields = `  taskId: "${taskId}"\n${indent}  frequency: NONE, parameters: "{}", contentType: APPLICATION_JSON`;
  return `input: {\n${indent}${fields}\n${indent}}`;
}

function faultTaskId(number: number): string {
  return `fa000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}
