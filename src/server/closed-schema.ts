import { NoSchemaIntrospectionCustomRule, type validate } from 'graphql';
import type { Plugin } from 'graphql-yoga';

type Validate = typeof validate;

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
  };
}
