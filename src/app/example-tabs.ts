/** The documents of GraphiQL's tabs. Each runs as it stands and begins with a comment that says what to look at. */
import { randomUUID } from 'node:crypto';
import type { Config } from './config.ts';
import { SAMPLE_MUTATION, SAMPLE_TASK_ID, withSampleKey } from './demo.ts';

/** In no catalogue of the demo. */
const UNKNOWN_TASK_ID = '00000000-0000-4000-8000-000000000000';
const INPUT_FIELDS = 'frequency: NONE, parameters: "{}", contentType: APPLICATION_JSON';

const LIST = `# The newest tasks first. To turn the page, pass \`endCursor\` as \`after\`.
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

const SERVICE = `# The schema as a subgraph: this is what a router's composition reads.
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
  const task = (taskId: string): string => `input: { taskId: "${taskId}", ${INPUT_FIELDS} }`;
  const keyed = `# The same key twice creates one task: compare the IDs, and look at \`replayed\`.
mutation CreateOnceWithAKey {
  first: createAccountTask(idempotencyKey: "${key}", ${task(SAMPLE_TASK_ID)}) {
    replayed
    accountTask { id dateCreated }
  }
  second: createAccountTask(idempotencyKey: "${key}", ${task(SAMPLE_TASK_ID)}) {
    replayed
    accountTask { id dateCreated }
  }
}
`;
  const itemKey = (): string => (config.requiresIdempotencyKey ? `idempotencyKey: "${randomUUID()}", ` : '');
  const batch = `# One create of two fails, and the other succeeds: each item has a result of its own.
mutation CreateABatch {
  createAccountTasks(inputs: [
    { ${itemKey()}${task(SAMPLE_TASK_ID)} }
    { ${itemKey()}${task(UNKNOWN_TASK_ID)} }
  ]) {
    ... on CreateAccountTaskPayload { accountTask { id name } }
    ... on CreateAccountTaskFailure { code outcome retryable message }
  }
}
`;
  const refused = `# A failure as data: there are no \`errors\`, and \`outcome\` says that nothing was created.
mutation FailureAsData {
  tryCreateAccountTask(${itemKey()}${task(faultTaskId(422))}) {
    ... on CreateAccountTaskPayload { accountTask { id } }
    ... on WriteFailure { code outcome retryable errorCode errorReason message requestId }
  }
}
`;
  const unknown = `# The answer to the first create is lost, so its outcome is UNKNOWN. Repeating it with its key finds the task.
mutation UnknownOutcome {
  lost: tryCreateAccountTask(idempotencyKey: "${lostKey}", ${task(faultTaskId(504))}) {
    ... on CreateAccountTaskPayload { replayed accountTask { id } }
    ... on WriteFailure { code outcome retryable message }
  }
  repeated: tryCreateAccountTask(idempotencyKey: "${lostKey}", ${task(faultTaskId(504))}) {
    ... on CreateAccountTaskPayload { replayed accountTask { id } }
    ... on WriteFailure { code outcome retryable message }
  }
}
`;
  const outcome = `# What became of the create in the tab before: run that one first. Asking sends nothing.
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

function faultTaskId(number: number): string {
  return `fa000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}
