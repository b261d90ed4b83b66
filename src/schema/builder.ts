import SchemaBuilder from '@pothos/core';
import DirectivesPlugin from '@pothos/plugin-directives';
import type { AccountTask } from '../contract/account-task.ts';
import type { TaskFailure } from '../contract/failure.ts';
import type { JsonValue } from '../contract/json-value.ts';
import type { WriteName, WriteOutcome } from '../contract/task-service.ts';
import type { GatewayContext } from './context.ts';
import type { TaskList } from './list-cursor.ts';
import type { AnsweredPage } from './task-reading.ts';
import type { Written, WRITES } from './writes/write-call.ts';

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
