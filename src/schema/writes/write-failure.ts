import { FAILURES, type FailureCode, type Outcome, shortenMessage, TaskFailure } from '../../contract/failure.ts';
import type { Builder, FailedWrite } from '../builder.ts';
import type { GatewayContext } from '../context.ts';

const OUTCOMES = {
  NOT_SENT: { description: 'Nothing left the gateway, so nothing was created.' },
  REJECTED: { description: 'The service answered and did not create the task.' },
  UNKNOWN: {
    description:
      'No trustworthy answer arrived, so the task may exist. Repeat the create only with the same idempotencyKey.',
  },
} as const satisfies Record<Outcome, { description: string }>;

const MASKED = { code: 'INTERNAL_SERVER_ERROR', message: 'Unexpected error.' } as const;

const CODES = Object.fromEntries(
  [...FAILURES, { code: MASKED.code, description: 'A defect of the gateway, described in its log.' }].map(
    ({ code, description }) => [code, { description }],
  ),
) as Readonly<Record<FailureCode | typeof MASKED.code, { readonly description: string }>>;

export type CreateAccountTaskResultRef = ReturnType<typeof addCreateAccountTaskResult>;

/** Adds the failures of writes as data, and the result of a create, which is a payload or a failure. */
export function addCreateAccountTaskResult(builder: Builder) {
  const TaskOutcome = builder.enumType('TaskOutcome', {
    description: 'What happened to a task whose create failed.',
    values: OUTCOMES,
  });
  const TaskFailureCode = builder.enumType('TaskFailureCode', {
    description: 'Why a create failed. `extensions.code` has the same codes.',
    values: CODES,
  });

  builder.interfaceType('WriteFailure', {
    description: 'A write that failed, with the fields that its GraphQL error has in its extensions.',
    resolveType: () => 'CreateAccountTaskFailure',
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
        description: 'What happened to the task.',
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

  builder.objectType('CreateAccountTaskFailure', {
    interfaces: ['WriteFailure'],
    description: 'The result of a create that failed.',
  });

  return builder.unionType('CreateAccountTaskResult', {
    description: 'The result of a create: its task, or its failure as data.',
    types: ['CreateAccountTaskPayload', 'CreateAccountTaskFailure'],
    resolveType: (item) => ('accountTask' in item ? 'CreateAccountTaskPayload' : 'CreateAccountTaskFailure'),
  });
}

/** Returns the failure of a create as data, after it has been logged and counted like a GraphQL error. */
export function failedCreate(context: GatewayContext, error: unknown, path: readonly (string | number)[]): FailedWrite {
  context.reportFailure(error, path);
  return { failure: error instanceof TaskFailure ? error : null, requestId: context.requestId };
}
