import { TaskFailure } from '../../contract/failure.ts';
import type { WriteInput, WriteMethods, WriteName, WriteResult } from '../../contract/task-service.ts';
import { type DoneWrites, type GatewayContext, withCall } from '../context.ts';

/** The result of a write with the ID of the task or client that it was about. */
export type Written<Name extends WriteName> = WriteResult<Name> & { readonly id: string };

interface WriteFacts<Name extends WriteName> {
  /** The start of the names of its types, and its field's name but for the first letter. */
  readonly type: string;
  /** The member of an error's extensions that lists such writes. */
  readonly done: keyof DoneWrites;
  readonly id: (result: WriteResult<Name>, input: WriteInput<Name>) => string;
}

/** The names of each write of the port in the schema, and the ID that it is about. */
export const WRITES = {
  create: { type: 'CreateAccountTask', done: 'created', id: ({ accountTask }) => accountTask.ID },
  update: { type: 'UpdateAccountTask', done: 'updated', id: (_, { id }) => id },
  run: { type: 'RunAccountTask', done: 'ran', id: (_, { id }) => id },
  createClient: { type: 'CreateClient', done: 'created', id: ({ ID }) => ID },
} as const satisfies { readonly [Name in WriteName]: WriteFacts<Name> };

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
  const { done, id: idOf } = WRITES[write] as unknown as WriteFacts<Name>;
  const methods: WriteMethods = context.tasks;
  return withCall(context, (call) =>
    methods[write](input, { ...call, idempotencyKey }).then(
      (result) => {
        const id = idOf(result, input);
        (context.done[done] ??= []).push({ path, id });
        return { ...result, id };
      },
      (error: unknown) => {
        throw withInputPath(error, inputPath);
      },
    ),
  );
}

/** Names a refused member of an input by its path in the arguments, as in `input.parameters`. */
function withInputPath(error: unknown, inputPath: string): unknown {
  if (!(error instanceof TaskFailure) || error.inputMember === undefined) return error;
  return new TaskFailure('BAD_USER_INPUT', `${inputPath}.${error.message}`);
}
