import SchemaBuilder from '@pothos/core';
import DirectivesPlugin from '@pothos/plugin-directives';
import type { AccountTask } from '../contract/account-task.ts';
import type { TaskFailure } from '../contract/failure.ts';
import type { JsonValue } from '../contract/json-value.ts';
import type { WriteName, WriteOutcome, WriteResult } from '../contract/task-service.ts';
import type { DoneWrites, GatewayContext } from './context.ts';
import type { AnsweredPage, TaskList } from './task-reading.ts';

/** The writes of the port, as the schema names them. */
export const WRITES = {
  create: { type: 'CreateAccountTask', done: 'created' },
  update: { type: 'UpdateAccountTask', done: 'updated' },
  run: { type: 'RunAccountTask', done: 'ran' },
  createClient: { type: 'CreateClient', done: 'created' },
} as const satisfies { readonly [Name in WriteName]: WriteNames };

interface WriteNames {
  /** The start of the names of its types, and its field's name but for the first letter. */
  readonly type: string;
  /** The member of an error's extensions that lists such writes. */
  readonly done: keyof DoneWrites;
}

/** The result of a write with the ID of the task or client that it was about. */
export type Written<Name extends WriteName> = WriteResult<Name> & { readonly id: string };

/** A write whose failure is data. The failure is wrapped, because GraphQL throws an Error that a resolver returns. */
export interface FailedWrite {
  readonly write: WriteName;
  /** Null for a defect, which callers do not see; it is in the log. */
  readonly failure: TaskFailure | null;
  /** The request that sent the write. */
  readonly requestId: string;
}

/** The name of a write's types but for its end. */
type TypeOf<Name extends WriteName> = (typeof WRITES)[Name]['type'];

export interface SchemaTypes {
  /** The directives of Federation that the schema uses. */
  Directives: {
    key: { locations: 'OBJECT'; args: { readonly fields: string; readonly resolvable?: boolean } };
    shareable: { locations: 'OBJECT'; args: Record<string, never> };
    cost: { locations: 'FIELD_DEFINITION'; args: { readonly weight: number } };
    listSize: {
      locations: 'FIELD_DEFINITION';
      args: {
        readonly assumedSize: number;
        readonly slicingArguments: string[];
        readonly sizedFields: string[];
        readonly requireOneSlicingArgument: boolean;
      };
    };
  };
  Context: GatewayContext;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: string; Output: string };
    JSON: { Input: JsonValue; Output: JsonValue };
  };
  Interfaces: { WriteFailure: FailedWrite };
  Objects: {
    AccountTask: AccountTask;
    AccountTaskConnection: AnsweredPage;
    AccountTaskEdge: { readonly task: AccountTask; readonly list: TaskList };
    Client: { readonly id: string };
    Identification: { readonly UserId: string | null };
    PageInfo: AnsweredPage;
    Task: { readonly id: string };
    WriteOutcome: WriteOutcome;
  } & { [Name in WriteName as `${TypeOf<Name>}Payload`]: Written<Name> } & {
    [Name in WriteName as `${TypeOf<Name>}Failure`]: FailedWrite;
  };
}

export type Builder = PothosSchemaTypes.SchemaBuilder<PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>>;

/** The builder of the fields of an input type. */
export type InputFields = PothosSchemaTypes.InputFieldBuilder<
  PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>,
  'InputObject'
>;

export function createBuilder(): Builder {
  return new SchemaBuilder<SchemaTypes>({ plugins: [DirectivesPlugin] });
}
