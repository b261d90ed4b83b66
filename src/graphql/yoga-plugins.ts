/** Small Yoga plugins: a schema closed to introspection; and the trace of mutation fields. */
import { defaultFieldResolver, type GraphQLSchema, NoSchemaIntrospectionCustomRule, type validate } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { currentSteps, withSteps } from '../event-loop/request-steps.ts';

type Validate = typeof validate;

/** Refuses introspection and removes "Did you mean" from errors. Federation's `_service` stays, for routers and registries. */
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

/** Makes each mutation field a step of its request's trace; calls of its resolver are steps below it. */
export function traceFields(schema: GraphQLSchema): void {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    const resolve = field.resolve ?? defaultFieldResolver;
    field.resolve = async (source, args, context, info) => {
      const step = currentSteps()?.begin({ kind: 'field', name: field.name });
      if (!step) return resolve(source, args, context, info);
      try {
        const value: unknown = await withSteps(step, () => resolve(source, args, context, info));
        step.end({});
        return value;
      } catch (error) {
        step.end({ error });
        throw error;
      }
    };
  }
}
