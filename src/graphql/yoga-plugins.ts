import { type DocumentNode, getOperationAST, type OperationDefinitionNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { RequestRecord } from '../telemetry/request-record.ts';

/** A name may be as long as a document. */
const MAX_LENGTH = 100;

/** Notes which operation of a document runs. */
export function noteOperation(record: RequestRecord | undefined, { name, operation }: OperationDefinitionNode): void {
  if (!record) return;
  record.operationType = operation;
  record.operationName = name ? name.value.slice(0, MAX_LENGTH) : null;
}

/** Notes the operations that Yoga runs. */
export function useOperationName(): Plugin<object, { readonly record?: RequestRecord }> {
  return {
    onExecute({ args }) {
      const { document, operationName, contextValue } = args as {
        readonly document: DocumentNode;
        readonly operationName?: string | null;
        readonly contextValue: { readonly record?: RequestRecord };
      };
      const operation = getOperationAST(document, operationName);
      if (operation) noteOperation(contextValue.record, operation);
    },
  };
}
