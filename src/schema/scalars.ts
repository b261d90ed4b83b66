import { GraphQLError, Kind, type ValueNode } from 'graphql';
import { isTimestamp, TIMESTAMP_FORM } from '../contract/timestamp.ts';
import type { Builder } from './builder.ts';

export function addScalars(builder: Builder): void {
  builder.scalarType('DateTime', {
    description:
      'ISO 8601 timestamp, text kept exactly: up to 7 fraction digits and the offset as given. ' +
      'As input it needs Z or an offset. Comparing two as text, or through JavaScript dates, loses digits.',
    specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339',
    serialize: (text) => text,
    parseValue: (value) => readTimestamp(value),
    parseLiteral: (node: ValueNode) => readTimestamp(node.kind === Kind.STRING ? node.value : null, node),
  });
  builder.scalarType('JSON', {
    description: 'Any JSON value. Numbers keep the digits they came with.',
    serialize: (value) => value,
  });
}

function readTimestamp(value: unknown, node: ValueNode | null = null): string {
  if (typeof value === 'string' && isTimestamp(value)) return value;
  const given = typeof value === 'string' ? `, not "${value}"` : '';
  throw new GraphQLError(`Expected ${TIMESTAMP_FORM}${given}.`, {
    nodes: node,
    extensions: { code: 'BAD_USER_INPUT' },
  });
}
