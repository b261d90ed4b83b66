import SchemaBuilder from '@pothos/core';
import type { AccountTask, CreatedAccountTask } from '../contract/account-task.ts';
import type { AccountTaskPage } from '../contract/task-service.ts';
import type { JsonValue } from '../contract/json-value.ts';
import type { GatewayContext } from './context.ts';

export interface SchemaTypes {
  Context: GatewayContext;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: string; Output: string };
    JSON: { Input: JsonValue; Output: JsonValue };
  };
  Objects: {
    AccountTask: AccountTask;
    AccountTaskConnection: AccountTaskPage;
    AccountTaskEdge: AccountTask;
    Client: { readonly id: string };
    CreateAccountTaskPayload: CreatedAccountTask;
    Identification: { readonly UserId: string | null };
    PageInfo: AccountTaskPage;
    Task: { readonly id: string };
  };
}

export type Builder = PothosSchemaTypes.SchemaBuilder<PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>>;

export function createBuilder(): Builder {
  return new SchemaBuilder<SchemaTypes>({});
}
