import { type ExecutionResult, NoSchemaIntrospectionCustomRule, type validate } from 'graphql';
import type { Plugin } from 'graphql-yoga';

type Validate = typeof validate;

const SUGGESTION = / Did you mean [^?]*\?$/;

/** Shows nothing of the schema to who does not know it: no introspection, and no "Did you mean" in errors. */
export function useClosedSchema(): Plugin {
  return {
    onValidate({ addValidationRule, validateFn, setValidationFn }) {
      addValidationRule(NoSchemaIntrospectionCustomRule);
      const validateWith = validateFn as Validate;
      const validateSilently: Validate = (schema, document, rules) =>
        validateWith(schema, document, rules, { hideSuggestions: true });
      setValidationFn(validateSilently);
    },
    // Yoga's executor forgets the same option where it reads variables.
    onExecute: () => ({
      onExecuteDone({ result }) {
        const { errors = [], data } = result as ExecutionResult;
        if (data === undefined) for (const error of errors) error.message = error.message.replace(SUGGESTION, '');
      },
    }),
  };
}
