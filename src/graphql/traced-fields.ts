import { defaultFieldResolver, type GraphQLSchema } from 'graphql';
import { currentSteps, withSteps } from '../event-loop/request-steps.ts';

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
