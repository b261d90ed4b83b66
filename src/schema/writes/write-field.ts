import type { InputFieldMap, InputShapeFromFields } from '@pothos/core';
import type { GraphQLResolveInfo } from 'graphql';
import type { CreatedAccountTask } from '../../contract/account-task.ts';
import { TaskFailure } from '../../contract/failure.ts';
import type { WriteInput, WriteMethods, WriteName, WriteResult } from '../../contract/task-service.ts';
import { type Builder, WRITES, type Written } from '../builder.ts';
import { type GatewayContext, withCall } from '../context.ts';
import { limitWrites } from '../requested-fields.ts';
import { failedWrite } from './write-outcome.ts';

/** Adds what the envelope of the contract says besides the Detail to the payload of a write. */
export function addEnvelopeFields(builder: Builder, payload: EnvelopePayload): void {
  builder.objectFields(payload, (t) => ({
    identification: t.field({
      type: 'Identification',
      description: 'The user that the service identified as the caller.',
      resolve: ({ Identification }) => Identification,
    }),
    result: t.string({
      description: "The service's result text. The REST contract does not document its values.",
      resolve: ({ Result }) => Result,
    }),
  }));
}

type EnvelopePayload = 'CreateAccountTaskPayload' | 'UpdateAccountTaskPayload' | 'RunAccountTaskPayload';

/** The cost of a write for a router's demand control. */
export const WRITE_COST = { cost: { weight: 50 } };

interface WriteDescription<Name extends WriteName, Args extends InputFieldMap> {
  readonly description: string;
  readonly args: Args;
  /** Describes the argument `idempotencyKey`; absent if the write takes no key. */
  readonly key?: string;
  /** Converts the arguments to the port's input. Throws BAD_USER_INPUT that names the invalid one. */
  readonly toInput: (args: InputShapeFromFields<Args>) => WriteInput<Name>;
}

/**
 * Adds a write: its field, the field that returns a failure as data, and the types of its failure and its result. The caller adds
 * its payload.
 */
export function addWrite<Name extends WriteName, Args extends InputFieldMap>(
  builder: Builder,
  write: Name,
  { description, args: ownArgs, key, toInput }: WriteDescription<Name, Args>,
) {
  const { type } = WRITES[write];
  const name = type.charAt(0).toLowerCase() + type.slice(1);
  const tryName = `try${type}`;
  // Typed as a create's, because the builder knows types by literal names only.
  const payload = `${type}Payload` as 'CreateAccountTaskPayload';
  const failure = `${type}Failure` as 'CreateAccountTaskFailure';
  const keyArgs = builder.args((t) => (key === undefined ? {} : { idempotencyKey: t.string({ description: key }) }));
  const options = {
    args: { ...ownArgs, ...keyArgs } as InputFieldMap,
    nullable: false,
    directives: WRITE_COST,
  } as const;
  const perform = (given: object, context: GatewayContext, info: GraphQLResolveInfo): Promise<Written<'create'>> => {
    const { idempotencyKey = null } = given as { readonly idempotencyKey?: string | null };
    const place = { path: String(info.path.key), inputPath: 'input' };
    const written = carryOut(context, write, place, toInput(given as InputShapeFromFields<Args>), idempotencyKey);
    return written as Promise<unknown> as Promise<Written<'create'>>;
  };

  builder.objectType(failure, { interfaces: ['WriteFailure'], description: `The failure of ${name}.` });
  const Result = builder.unionType(`${type}Result`, {
    description: `The result of ${tryName}: a payload, or a failure as data.`,
    types: [payload, failure],
    resolveType: (item) => ('failure' in item ? failure : payload),
  });
  builder.mutationField(name, (t) =>
    t.field({
      ...options,
      type: payload,
      description,
      resolve(_, given, context, info) {
        limitWrites(name, info);
        return perform(given, context, info);
      },
    }),
  );
  builder.mutationField(tryName, (t) =>
    t.field({
      ...options,
      type: Result,
      description:
        `Like ${name}, but a failure is data, so a router that masks errors cannot hide its outcome. Requests that are ` +
        'refused before anything runs still have GraphQL errors.',
      async resolve(_, given, context, info) {
        limitWrites(tryName, info);
        try {
          return await perform(given, context, info);
        } catch (error) {
          return failedWrite(context, write, error, [String(info.path.key)]);
        }
      },
    }),
  );
  return Result;
}

export type WriteResultRef = ReturnType<typeof addWrite>;

/** The place of a write in the request: its path in the answer, and the path of its input in the arguments. */
interface WritePlace {
  readonly path: string;
  readonly inputPath: string;
}

/** Carries out a write and adds it to `done`. */
export function carryOut<Name extends WriteName>(
  context: GatewayContext,
  write: Name,
  { path, inputPath }: WritePlace,
  input: WriteInput<Name>,
  idempotencyKey: string | null,
): Promise<Written<Name>> {
  const { done } = WRITES[write];
  const methods: WriteMethods = context.tasks;
  return withCall(context, (call) =>
    methods[write](input, { ...call, idempotencyKey }).then(
      (result) => {
        const id = writtenId(result, input);
        (context.done[done] ??= []).push({ path, id });
        return { ...result, id };
      },
      (error: unknown) => {
        throw withInputPath(error, inputPath);
      },
    ),
  );
}

/** The ID of the task or client that a write was about. */
function writtenId(result: WriteResult<WriteName>, input: WriteInput<WriteName>): string {
  if ('id' in input) return input.id;
  return 'ID' in result ? result.ID : (result as CreatedAccountTask).accountTask.ID;
}

/** Names a refused member of an input by its path in the arguments, as in `input.parameters`. */
function withInputPath(error: unknown, inputPath: string): unknown {
  if (!(error instanceof TaskFailure) || error.inputMember === undefined) return error;
  return new TaskFailure('BAD_USER_INPUT', `${inputPath}.${error.message}`);
}
