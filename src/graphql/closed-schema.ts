import { NoSchemaIntrospectionCustomRule, type validate } from 'graphql';
import type { Plugin } from 'graphql-yoga';

type Validate = typeof validate;

/** No introspection, and no "Did you mean" in errors. Federation's `_service` stays: routers and registries ask for it. */
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
