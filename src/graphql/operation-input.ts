import { type ExecutionArgs, getOperationAST, getVariableValues, GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { compileArgumentSizes } from './argument-sizes.ts';

/** Each of them quotes the value that it is about, which may be all of the request. */
const MAX_ERRORS = 5;

export interface OperationInputOptions {
  readonly hideSuggestions: boolean;
  /** Called for an operation that is refused because an argument is too large. */
  readonly onOversize: () => void;
}

/**
 * Refuses an operation, before any of it runs, for arguments larger than its cost assumed and for bad variables, of which
 * the executor would say up to fifty times what is wrong.
 */
export function useOperationInput({ hideSuggestions, onOversize }: OperationInputOptions): Plugin {
  return {
    onExecute({ args, setResultAndStopExecution }) {
      const { schema, document, operationName, variableValues } = args as ExecutionArgs;
      const operation = getOperationAST(document, operationName);
      if (!operation) return;
      const { variableDefinitions = [] } = operation;
      const given = variableValues ?? {};
      const oversize = compileArgumentSizes(schema, document, operation)?.(given);
      if (oversize != null) {
        onOversize();
        const extensions = { code: 'BAD_USER_INPUT', http: { spec: true, status: 400 } };
        return setResultAndStopExecution({ errors: [new GraphQLError(oversize, { extensions })] });
      }
      const options = { maxErrors: MAX_ERRORS, hideSuggestions };
      const { errors } = getVariableValues(schema, variableDefinitions, given, options);
      if (errors) setResultAndStopExecution({ errors });
    },
  };
}
