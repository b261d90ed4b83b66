import { ID } from './envelope-text.ts';
import { SAMPLE_INPUT } from './running-gateway.ts';

const FAILURE = '... on WriteFailure { code outcome retryable errorCode errorReason requestId message }';

/** A write as clients send it through a router. Its result is the member `write` of the data. */
export interface RoutedWrite {
  readonly name: string;
  /** The document whose failure is an error. */
  readonly plain: string;
  /** The document whose failure is data. */
  readonly tried: string;
  readonly variables: object;
  /** Its failures of unknown outcome may be repeated. */
  readonly isRetryable: boolean;
}

export const ROUTED_WRITES: readonly RoutedWrite[] = [
  toWrite('CreateAccountTask', { input: SAMPLE_INPUT }, 'replayed accountTask { id }'),
  toWrite('UpdateAccountTask', { id: ID, input: { ...SAMPLE_INPUT, enabled: false } }, 'accountTask { id }', true),
  toWrite('RunAccountTask', { id: ID }, 'replayed accountTaskId'),
  toWrite('CreateClient', { input: { name: 'shop', userId: ID } }, 'secret client { id }'),
];

/** Builds both documents of a write; `type` is the start of its types' names. */
function toWrite(type: string, variables: object, payload: string, isRetryable = false): RoutedWrite {
  const name = `${type[0]?.toLowerCase()}${type.slice(1)}`;
  const argumentNames = Object.keys(variables);
  const declared = argumentNames
    .map((argument) => `$${argument}: ${argument === 'id' ? 'ID' : `${type}Input`}!`)
    .join(', ');
  const given = argumentNames.map((argument) => `${argument}: $${argument}`).join(', ');
  const toDocument = (field: string, selection: string): string =>
    `mutation (${declared}) { write: ${field}(${given}) { ${selection} } }`;
  return {
    name,
    plain: toDocument(name, payload),
    tried: toDocument(`try${type}`, `... on ${type}Payload { ${payload} } ${FAILURE}`),
    variables,
    isRetryable,
  };
}
