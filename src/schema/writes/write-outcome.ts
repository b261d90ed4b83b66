import type { WriteName, WriteOperation, WriteOutcome } from '../../contract/task-service.ts';
import type { Builder } from '../builder.ts';

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
