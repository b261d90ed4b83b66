import { defaultFieldResolver, type GraphQLSchema } from 'graphql';
import type { GatewayContext } from '../schema/context.ts';

/** Lets every field of the schema's mutations be a step of its request, within which its calls are. */
export function traceFields(schema: GraphQLSchema): void {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    const resolve = field.resolve ?? defaultFieldResolver;
    field.resolve = async (source, args, context: GatewayContext, info) => {
      const step = context.beginStep?.({ kind: 'field', name: field.name });
      if (!step) return resolve(source, args, context, info);
      try {
        const value: unknown = await resolve(source, args, withinStep(context, step.beginStep), info);
        step.end({});
        return value;
      } catch (error) {
        step.end({ error });
        throw error;
      }
    };
  }
}

/** The request's context, but with the steps of what it does below this one; everything else stays shared. */
function withinStep(context: GatewayContext, beginStep: GatewayContext['beginStep']): GatewayContext {
  return Object.create(context, { beginStep: { value: beginStep } }) as GatewayContext;
}
