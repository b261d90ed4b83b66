import { type ExecutionArgs, getOperationAST, getVariableValues } from 'graphql';
import type { Plugin } from 'graphql-yoga';

/** Each of them quotes the value that it is about, which may be all of the request. */
const MAX_ERRORS = 5;

/** Reads variables before the executor does, which would say up to fifty times what is wrong with them. */
export function useVariableErrors({ hideSuggestions }: { readonly hideSuggestions: boolean }): Plugin {
  return {
    onExecute({ args, setResultAndStopExecution }) {
      const { schema, document, operationName, variableValues } = args as ExecutionArgs;
      const { variableDefinitions = [] } = getOperationAST(document, operationName) ?? {};
      const options = { maxErrors: MAX_ERRORS, hideSuggestions };
      const { errors } = getVariableValues(schema, variableDefinitions, variableValues ?? {}, options);
      if (errors) setResultAndStopExecution({ errors });
    },
  };
}
