import SchemaBuilder from '@pothos/core';
import DirectivesPlugin from '@pothos/plugin-directives';
import type { AccountTask, CreatedAccountTask } from '../contract/account-task.ts';
import type { TaskFailure } from '../contract/failure.ts';
import type { JsonValue } from '../contract/json-value.ts';
import type { GatewayContext } from './context.ts';
import type { AnsweredPage } from './task-reading.ts';

/** A create of a batch that failed. It holds the failure, because GraphQL throws an Error that it is given as a value. */
export interface FailedCreate {
  /** Null: masked; the log has it. */
  readonly failure: TaskFailure | null;
}

export interface SchemaTypes {
  /** The directives of Federation that the schema uses. */
  Directives: {
    key: { locations: 'OBJECT'; args: { readonly fields: string; readonly resolvable?: boolean } };
    shareable: { locations: 'OBJECT'; args: Record<string, never> };
  };
  Context: GatewayContext;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: string; Output: string };
    JSON: { Input: JsonValue; Output: JsonValue };
  };
  Objects: {
    AccountTask: AccountTask;
    AccountTaskConnection: AnsweredPage;
    AccountTaskEdge: AccountTask;
    Client: { readonly id: string };
    CreateAccountTaskFailure: FailedCreate;
    CreateAccountTaskPayload: CreatedAccountTask;
    Identification: { readonly UserId: string | null };
    PageInfo: AnsweredPage;
    Task: { readonly id: string };
  };
}

export type Builder = PothosSchemaTypes.SchemaBuilder<PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>>;

export function createBuilder(): Builder {
  return new SchemaBuilder<SchemaTypes>({ plugins: [DirectivesPlugin] });
}
