import { FAILURES, type FailureCode, type Outcome, shortenMessage, TaskFailure } from '../../contract/failure.ts';
import type { WriteName, WriteOperation, WriteOutcome } from '../../contract/task-service.ts';
import { type Builder, type FailedWrite, WRITES } from '../builder.ts';
import type { GatewayContext } from '../context.ts';

const OUTCOMES = {
  NOT_SENT: { description: 'Nothing left the gateway, so nothing was done.' },
  REJECTED: { description: 'The service answered and did not do it.' },
  UNKNOWN: {
    description:
      'No trustworthy answer arrived, so it may have been done. Repeat a create or a run only with the same idempotencyKey; an ' +
      'update ends in the same state, but may overwrite a later change.',
  },
} as const satisfies Record<Outcome, { description: string }>;

const MASKED = { code: 'INTERNAL_SERVER_ERROR', message: 'Unexpected error.' } as const;

const CODES = Object.fromEntries(
  [...FAILURES, { code: MASKED.code, description: 'A defect of the gateway, described in its log.' }].map(
    ({ code, description }) => [code, { description }],
  ),
) as Readonly<Record<FailureCode | typeof MASKED.code, { readonly description: string }>>;

/** Adds what the failures of all writes have in common. */
export function addWriteFailure(builder: Builder): void {
  const TaskOutcome = builder.enumType('TaskOutcome', {
    description: 'What became of a write that failed.',
    values: OUTCOMES,
  });
  const TaskFailureCode = builder.enumType('TaskFailureCode', {
    description: 'Why a write failed. `extensions.code` has the same codes.',
    values: CODES,
  });

  builder.interfaceType('WriteFailure', {
    description: 'A write that failed, with the fields that its GraphQL error has in its extensions.',
    resolveType: ({ write }) => `${WRITES[write].type}Failure` as const,
    fields: (t) => ({
      message: t.string({
        nullable: false,
        description: "The service's reason, or a sentence from the gateway.",
        resolve: ({ failure }) => shortenMessage(failure?.message ?? MASKED.message),
      }),
      code: t.field({
        type: TaskFailureCode,
        nullable: false,
        description: 'Why the write failed.',
        resolve: ({ failure }) => failure?.code ?? MASKED.code,
      }),
      outcome: t.field({
        type: TaskOutcome,
        nullable: false,
        description: 'What became of the write.',
        resolve: ({ failure }) => failure?.outcome ?? 'UNKNOWN',
      }),
      errorCode: t.string({
        description: "The service's ErrorCode, verbatim.",
        resolve: ({ failure }) => failure?.errorCode,
      }),
      errorReason: t.string({
        description: "The service's ErrorReason, verbatim.",
        resolve: ({ failure }) => failure?.errorReason,
      }),
      retryable: t.boolean({
        nullable: false,
        description: 'True if the same write can be sent again unchanged.',
        resolve: ({ failure }) => failure?.retryable ?? false,
      }),
      requestId: t.exposeID('requestId', {
        nullable: false,
        description: "The write's request in the gateway's log, and at the service, which got it as X-Request-Id.",
      }),
    }),
  });
}

/** Returns the failure of a write as data, after it has been logged and counted like a GraphQL error. */
export function failedWrite(
  context: GatewayContext,
  write: WriteName,
  error: unknown,
  path: readonly (string | number)[],
): FailedWrite {
  context.reportFailure(error, path);
  return { write, failure: error instanceof TaskFailure ? error : null, requestId: context.requestId };
}

const STATES = {
  IN_PROGRESS: { description: 'The write is under way. Its key cannot be used again yet.' },
  SUCCEEDED: { description: 'The write was done. A repeat with its key returns the same result.' },
  UNKNOWN: { description: 'Nobody knows whether the write was done. A repeat with its key is not sent.' },
} as const satisfies Record<WriteOutcome['state'], { description: string }>;

const OPERATIONS = {
  CREATE_ACCOUNT_TASK: { description: 'An account task is registered.', write: 'create' },
  RUN_ACCOUNT_TASK: { description: 'An account task is run.', write: 'run' },
} as const satisfies Record<WriteOperation, { description: string; write: WriteName }>;

export function addWriteOutcome(builder: Builder): void {
  const WriteState = builder.enumType('WriteState', {
    description: 'How far a write with an idempotencyKey has come.',
    values: STATES,
  });
  const WriteOperation = builder.enumType('WriteOperation', {
    description: 'The writes that take an idempotencyKey.',
    values: OPERATIONS,
  });
  builder.objectType('WriteOutcome', {
    description: 'What became of a write with an idempotencyKey.',
    fields: (t) => ({
      operation: t.expose('operation', { type: WriteOperation, nullable: false, description: 'What was to be done.' }),
      state: t.expose('state', { type: WriteState, nullable: false, description: 'How far the write has come.' }),
      accountTask: t.expose('accountTask', {
        type: 'AccountTask',
        nullable: true,
        description:
          'The task if a create succeeded. If an operator settled it, only the ID, the TaskID and the dates are known.',
      }),
      failure: t.field({
        type: 'WriteFailure',
        description: 'The failure if the outcome is unknown.',
        resolve: ({ operation, failure, requestId }) =>
          failure && { write: OPERATIONS[operation].write, failure, requestId },
      }),
      firstTriedAt: t.expose('firstTriedAt', {
        type: 'DateTime',
        nullable: false,
        description: 'When the key was first used for this write.',
      }),
      expiresAt: t.expose('expiresAt', {
        type: 'DateTime',
        nullable: false,
        description: 'When the key is forgotten. From then on it is new, and a write with it is sent again.',
      }),
      requestId: t.exposeID('requestId', {
        nullable: false,
        description: "The write's request in the gateway's log, and at the service, which got it as X-Request-Id.",
      }),
      settledBy: t.exposeString('settledBy', {
        nullable: true,
        description: 'The operator who settled a write of unknown outcome; null if nobody had to.',
      }),
    }),
  });
  builder.queryField('writeOutcome', (t) =>
    t.field({
      type: 'WriteOutcome',
      description:
        "What became of the caller's write with this key. Sends nothing. Null if the key is unknown or has expired, and if its " +
        'last write was refused or not sent: the key is free then.',
      args: { idempotencyKey: t.arg.string({ required: true, description: 'The key of the write.' }) },
      resolve: (_, { idempotencyKey }, context, info) => context.writeOutcomes(info).load(idempotencyKey),
    }),
  );
}
