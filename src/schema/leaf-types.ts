import { GraphQLEnumType, GraphQLError, type GraphQLSchema, Kind, print, type ValueNode } from 'graphql';
import { type EnumTable, type EnumTables, isDocumented } from '../contract/enums.ts';
import { type ContentType, isTimestamp, TIMESTAMP_FORM } from '../contract/text-formats.ts';
import type { Builder } from './builder.ts';

const PARAMETERS_CONTENT_TYPES = {
  APPLICATION_JSON: { value: 'application/json', description: 'The parameters are a JSON text.' },
  APPLICATION_XML: { value: 'application/xml', description: 'The parameters are an XML document.' },
} as const satisfies Record<string, { value: ContentType; description: string }>;

export type Enums = ReturnType<typeof addEnums>;

/** Adds the contract's enums. Their internal values are the names of members, or the content types themselves. */
export function addEnums(builder: Builder, { frequencies, notifications }: EnumTables) {
  return {
    TaskFrequency: builder.enumType('TaskFrequency', {
      description: 'How often the task runs.',
      values: toValues(frequencies),
    }),
    TaskNotification: builder.enumType('TaskNotification', {
      description: 'What the task sends back to the user.',
      values: toValues(notifications),
    }),
    ParametersContentType: builder.enumType('ParametersContentType', {
      description: 'The format of `parameters`.',
      values: PARAMETERS_CONTENT_TYPES,
    }),
  };
}

/** Returns the content type for a text, in any case; null if the contract does not name it. */
export function toContentType(text: string): ContentType | null {
  const known = Object.values(PARAMETERS_CONTENT_TYPES).find(({ value }) => value === text.toLowerCase());
  return known?.value ?? null;
}

/** Makes every enum list the members it accepts in the error for any other value. */
export function nameAcceptedMembers(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!(type instanceof GraphQLEnumType) || type.name.startsWith('__')) continue;
    const reject = (given: string, node: ValueNode | null = null): never => {
      const members = type.getValues().map(({ name }) => name);
      throw new GraphQLError(`expected one of ${members.join(', ')}, got ${given}`, {
        nodes: node,
        extensions: { code: 'BAD_USER_INPUT' },
      });
    };
    type.parseValue = (value) =>
      (typeof value === 'string' ? type.getValue(value)?.value : undefined) ?? reject(JSON.stringify(value));
    type.parseLiteral = (node) =>
      (node.kind === Kind.ENUM ? type.getValue(node.value)?.value : undefined) ?? reject(print(node), node);
  }
  return schema;
}

function toValues(table: EnumTable) {
  return Object.fromEntries(
    table.map((member) => {
      const source = isDocumented(member)
        ? `Documented by the REST contract: ${member.number} in JSON.`
        : 'Configured in this gateway, not documented by the REST contract' +
          (member.number === null ? '; sent by name.' : `; sent as ${member.number} in JSON.`);
      return [member.name, { value: member.name, description: source }];
    }),
  );
}

export function addScalars(builder: Builder): void {
  builder.scalarType('DateTime', {
    description:
      'An ISO 8601 timestamp as text, kept exactly: up to 7 fraction digits and the offset as given. Input needs Z or an offset. ' +
      'Do not compare values as text, because their offsets may differ, or as JavaScript dates, which lose digits.',
    specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339',
    serialize: (text) => text,
    parseValue: (value) => readTimestamp(value),
    parseLiteral: (node: ValueNode) => readTimestamp(node.kind === Kind.STRING ? node.value : null, node),
  });
  builder.scalarType('JSON', {
    description: 'Any JSON value. Numbers keep all their digits.',
    serialize: (value) => value,
  });
}

function readTimestamp(value: unknown, node: ValueNode | null = null): string {
  if (typeof value === 'string' && isTimestamp(value)) return value;
  const given = value === null ? '' : `, got ${JSON.stringify(value)}`;
  throw new GraphQLError(`expected ${TIMESTAMP_FORM}${given}`, {
    nodes: node,
    extensions: { code: 'BAD_USER_INPUT' },
  });
}
